//! Legacy commands on replica states.

use clap::{Args, ValueHint};

use crate::cli::commands::replica::remove;
use crate::cli::commands::replica::state::update::{bad, quarantine, unavailable};
use crate::cli::duration;
use crate::cli::value_kind::ValueKind;

/// Declare replicas bad, so that they are replaced
///
/// Example: rucio-admin replicas declare-bad --reason "wrong checksum" root://xrd1//rucio/f1 user.jdoe:file2
#[derive(Debug, Args)]
pub(crate) struct DeclareBad {
    /// Replicas to declare: PFNs, or file DIDs for all replicas of a file
    #[arg(add = ValueKind::Did)]
    listbadfiles: Vec<String>,
    /// Reason for the declaration
    #[arg(long)]
    reason: String,
    /// Read the PFNs or DIDs from a file instead, one per line
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "", value_hint = ValueHint::AnyPath)]
    inputfile: Option<String>,
    /// Accept datasets and containers, for all files in them
    #[arg(long)]
    allow_collection: bool,
    /// Read names in --scope from a file instead, one per line, and declare their replicas at --rse
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "", value_hint = ValueHint::AnyPath)]
    lfns: Option<String>,
    /// Scope of the names, for --lfns
    #[arg(long, num_args = 0..=1, default_missing_value = "", add = ValueKind::Scope)]
    scope: Option<String>,
    /// RSE of the replicas, for --lfns
    #[arg(long, num_args = 0..=1, default_missing_value = "", add = ValueKind::Rse)]
    rse: Option<String>,
}

impl DeclareBad {
    pub(super) fn translate(self) -> bad::Args {
        let lfns = given(self.lfns);
        let inputfile = given(self.inputfile);
        let lfn = lfns.is_some();
        let as_file = lfns.is_none() && inputfile.is_some();
        bad::Args {
            replicas: lfns.or(inputfile).map_or(self.listbadfiles, |file| vec![file]),
            reason: self.reason,
            as_file,
            collection: self.allow_collection,
            lfn,
            scope: self.scope,
            rse: self.rse,
        }
    }
}

/// Declare replicas temporarily unavailable
///
/// Example: rucio-admin replicas declare-temporary-unavailable --reason drained --duration 86400 root://xrd1//f1
#[derive(Debug, Args)]
pub(crate) struct DeclareUnavailable {
    /// PFNs of the replicas
    #[arg(add = ValueKind::Did)]
    listbadfiles: Vec<String>,
    /// Reason for the declaration
    #[arg(long)]
    reason: String,
    /// Read the PFNs from a file instead, one per line
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "", value_hint = ValueHint::AnyPath)]
    inputfile: Option<String>,
    /// Duration: seconds, or 2h, 14d
    #[arg(long, alias = "expiration-date", value_name = "DURATION", allow_negative_numbers = true)]
    #[arg(value_parser = duration::whole_seconds)]
    duration: i64,
}

impl DeclareUnavailable {
    pub(super) fn translate(self) -> unavailable::Args {
        let inputfile = given(self.inputfile);
        unavailable::Args {
            as_file: inputfile.is_some(),
            replicas: inputfile.map_or(self.listbadfiles, |file| vec![file]),
            reason: self.reason,
            duration: self.duration,
        }
    }
}

/// Quarantine files at an RSE that are not in the catalogue (dark data), so that they are deleted
///
/// Example: rucio-admin replicas quarantine --rse XRD1 --paths lost.txt
#[derive(Debug, Args)]
pub(crate) struct Quarantine {
    /// Paths at the RSE
    paths_list: Vec<String>,
    /// Read the paths from a file instead, one per line
    #[arg(long, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    paths: Option<String>,
    /// RSE name
    #[arg(long, add = ValueKind::Rse)]
    rse: Option<String>,
}

impl Quarantine {
    pub(super) fn translate(self) -> quarantine::Args {
        let as_file = self.paths_list.is_empty();
        let replicas = if as_file { self.paths.into_iter().collect() } else { self.paths_list };
        quarantine::Args { replicas, as_file, rse: self.rse }
    }
}

/// Delete replicas once no rule protects them
///
/// Example: rucio-admin replicas set-tombstone --rse XRD1 user.jdoe:file1,user.jdoe:file2
#[derive(Debug, Args)]
pub(crate) struct SetTombstone {
    /// File DIDs, comma-separated
    #[arg(add = ValueKind::Did)]
    dids: String,
    /// RSE of the replicas to delete
    #[arg(long, add = ValueKind::Rse)]
    rse: String,
}

impl SetTombstone {
    pub(super) fn translate(self) -> remove::Args {
        remove::Args { dids: self.dids.split(',').map(str::to_owned).collect(), rse: self.rse }
    }
}

fn given(option: Option<String>) -> Option<String> {
    option.filter(|text| !text.is_empty())
}
