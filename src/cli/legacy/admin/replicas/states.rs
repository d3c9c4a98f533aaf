//! Old spellings of commands on the state of replicas.

use clap::Args;

use crate::cli::commands::replica::remove;
use crate::cli::commands::replica::state::update::{bad, quarantine, unavailable};

/// Declare replicas bad, so that they are replaced by good ones
///
/// Example: rucio-admin replicas declare-bad --reason "wrong checksum" root://xrd1//rucio/f1 user.jdoe:file2
#[derive(Debug, Args)]
pub(crate) struct DeclareBad {
    /// The replicas: a PFN means one, a DID all of a file
    listbadfiles: Vec<String>,
    /// Why
    #[arg(long)]
    reason: String,
    /// Instead: a file with a PFN or DID on each line
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "")]
    inputfile: Option<String>,
    /// DIDs may be datasets and containers, and mean all their files
    #[arg(long)]
    allow_collection: bool,
    /// Instead: a file with names of --scope, whose replicas at --rse are bad
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "")]
    lfns: Option<String>,
    /// The scope of the names of --lfns
    #[arg(long, num_args = 0..=1, default_missing_value = "")]
    scope: Option<String>,
    /// The RSE of the names of --lfns
    #[arg(long, num_args = 0..=1, default_missing_value = "")]
    rse: Option<String>,
}

impl DeclareBad {
    pub(super) fn translate(self) -> bad::Args {
        let (lfns, inputfile) = (given(self.lfns), given(self.inputfile));
        let (lfn, as_file) = (lfns.is_some(), lfns.is_none() && inputfile.is_some());
        bad::Args {
            replicas: lfns.or(inputfile).map_or(self.listbadfiles, |file| vec![file]),
            reason: self.reason,
            as_file,
            collection: self.allow_collection,
            lfn,
            scope: self.scope,
            rse: self.rse,
            show_refused: true,
        }
    }
}

/// Declare replicas unavailable for a while
///
/// Example: rucio-admin replicas declare-temporary-unavailable --reason drained --duration 86400 root://xrd1//f1
#[derive(Debug, Args)]
pub(crate) struct DeclareUnavailable {
    /// The replicas, by PFN
    listbadfiles: Vec<String>,
    /// Why
    #[arg(long)]
    reason: String,
    /// Instead: a file with a PFN on each line
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "")]
    inputfile: Option<String>,
    /// For how many seconds
    #[arg(long, alias = "expiration-date", value_name = "SECONDS", allow_negative_numbers = true)]
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

/// Quarantine files on an RSE that the catalogue does not know, so that they are deleted
///
/// Example: rucio-admin replicas quarantine --rse XRD1 --paths lost.txt
#[derive(Debug, Args)]
pub(crate) struct Quarantine {
    /// Paths on the RSE
    paths_list: Vec<String>,
    /// Instead: a file with a path on each line
    #[arg(long, value_name = "FILE")]
    paths: Option<String>,
    /// The RSE
    #[arg(long)]
    rse: Option<String>,
}

impl Quarantine {
    pub(super) fn translate(self) -> quarantine::Args {
        let as_file = self.paths_list.is_empty();
        let replicas = if as_file { self.paths.into_iter().collect() } else { self.paths_list };
        quarantine::Args { replicas, as_file, rse: self.rse }
    }
}

/// Have replicas deleted, as soon as no rule holds them
///
/// Example: rucio-admin replicas set-tombstone --rse XRD1 user.jdoe:file1,user.jdoe:file2
#[derive(Debug, Args)]
pub(crate) struct SetTombstone {
    /// The files, separated by commas
    dids: String,
    /// Where to delete them
    #[arg(long)]
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
