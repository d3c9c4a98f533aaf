//! Options of `rucio download`, and the check that they can be combined.

use clap::ValueHint;

use super::extra_options::ExtraOptions;
use crate::cli::duration;
use crate::cli::leaf::{HandlesInterrupt, Transfer};
use crate::cli::value_kind::ValueKind;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::shell_word;
use crate::transfer::limits::rate::Rate;

/// Download files, or all files of datasets and containers
///
/// Existing files with the right checksum are not downloaded again. Every file is verified during the download and gets
/// its name only when it is complete. Replicas are tried in the server's order until one succeeds. After an
/// interruption, the same command resumes the download.
///
/// Example: rucio download --dir data --rses "cloud=CERN" user.jdoe:analysis.1 'mc25:*.root'
#[derive(Debug, clap::Args)]
#[command(add = HandlesInterrupt, add = Transfer)]
pub(crate) struct Args {
    /// DIDs to download; names may contain the wildcard *
    #[arg(add = ValueKind::Did)]
    pub dids: Vec<String>,
    /// Destination directory; each file goes into a subdirectory named after the requested collection or scope
    #[arg(long, default_value = ".", value_hint = ValueHint::DirPath)]
    pub dir: String,
    /// Also use replicas on tape (privileged accounts only)
    #[arg(long)]
    pub allow_tape: bool,
    /// Use only replicas at RSEs that match this expression
    // Scripts for releases before 37 write --rse.
    #[arg(long, aliases = ["rse-exp", "rse"], value_name = "EXPRESSION", add = ValueKind::RseExpression)]
    pub rses: Option<String>,
    /// Use only replicas at RSEs that offer this protocol implementation (webdav, xrootd, gfal.NoRename, ...)
    #[arg(long, value_name = "NAME")]
    pub r#impl: Option<String>,
    /// Use only this protocol, or several separated by commas (https, davs, file, ...)
    #[arg(long)]
    pub protocol: Option<String>,
    /// Download only this many files of each DID, chosen at random
    #[arg(long, value_name = "NUMBER")]
    pub nrandom: Option<u64>,
    /// Maximum number of concurrent files, and of connections for parts of them [default: 3 large files (of 8 MB or
    /// more), or up to 6 small ones (10 from far away) in place of each]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub ndownloader: Option<i64>,
    /// Put the files directly into the directory, without subdirectories
    #[arg(long)]
    pub no_subdir: bool,
    /// Download from exactly this PFN (one DID only)
    #[arg(long)]
    pub pfn: Option<String>,
    /// Do not extract files from archives
    #[arg(long)]
    pub no_resolve_archives: bool,
    /// Skip checksum verification, also of existing files
    #[arg(long)]
    pub ignore_checksum: bool,
    /// Verify only the size of existing files, not their checksum
    #[arg(long)]
    pub check_local_with_filesize_only: bool,
    /// Abort an attempt at a file after this time: seconds, or 10m, 2h; 0 for no limit [default: set by
    /// --transfer-speed-timeout]
    #[arg(long, value_name = "DURATION", allow_negative_numbers = true, value_parser = duration::seconds)]
    pub transfer_timeout: Option<f64>,
    /// Abort an attempt that takes longer than the file's size at this speed, in kB/s, plus 60 seconds [default: 500]
    #[arg(long, value_name = "SPEED", allow_negative_numbers = true)]
    pub transfer_speed_timeout: Option<f64>,
    /// Limit all downloads together to this many bytes per second; k, M and G stand for thousands, millions and so on
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub limit_rate: Option<u64>,
    /// Use only https and davs replicas, as with aria2; this program downloads them itself
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    #[arg(value_parser = clap::builder::BoolishValueParser::new())]
    pub aria: Option<bool>,
    /// Deprecated: has no effect
    #[arg(long, hide = true, add = ValueKind::Did)]
    pub archive_did: Option<String>,
    #[command(flatten)]
    pub trace: Trace,
    /// Filter by metadata: key=value, length>10, ... joined by commas
    #[arg(long, value_name = "CONDITIONS")]
    pub filter: Option<String>,
    /// Scope to search; with DIDs, the scope of all of them
    #[arg(long, add = ValueKind::Scope)]
    pub scope: Option<String>,
    /// Download the files of this metalink document
    #[arg(long, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub metalink: Option<String>,
    /// Exit with 0 even if files could not be downloaded
    #[arg(long, alias = "deactivate-file-download-exceptions")]
    pub no_show_download_exceptions: bool,
    /// Order of the replicas from the server: geoip or random
    #[arg(long, value_name = "METHOD")]
    pub replica_selection: Option<String>,
}

/// Download files, or all files of datasets and containers
///
/// Existing files with the right checksum are not downloaded again. Every file is verified during the download and gets
/// its name only when it is complete. Replicas are tried in the server's order until one succeeds. After an
/// interruption, the same command resumes the download.
///
/// Example: rucio download --dir data --rses "cloud=CERN" user.jdoe:analysis.1 'mc25:*.root'
///
/// Example: rucio download --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" user.jdoe:analysis.1
///
/// Example: rucio download --failed-list missing.txt user.jdoe:analysis.1 || rucio download --files-from missing.txt
#[derive(Debug, clap::Args)]
pub(crate) struct ArgsWithExtraOptions {
    #[command(flatten)]
    pub args: Args,
    #[command(flatten)]
    pub more: ExtraOptions,
}

fn rate(text: &str) -> Result<u64, String> {
    Rate::parse(text).ok_or_else(|| "expected bytes per second, as 800k, 2.5M or 1G".to_owned())
}

/// Additional trace fields of pilots. Each can also be set in the environment.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Trace {
    /// Application
    #[arg(long, hide = true, alias = "trace_appid")]
    pub trace_appid: Option<String>,
    /// Dataset
    #[arg(long, hide = true, alias = "trace_dataset")]
    pub trace_dataset: Option<String>,
    /// Scope of the dataset
    #[arg(long, hide = true, alias = "trace_datasetscope", add = ValueKind::Scope)]
    pub trace_datasetscope: Option<String>,
    /// Event type
    #[arg(long, hide = true, alias = "trace_eventtype")]
    pub trace_eventtype: Option<String>,
    /// Queue
    #[arg(long, hide = true, alias = "trace_pq")]
    pub trace_pq: Option<String>,
    /// Task
    #[arg(long, hide = true, alias = "trace_taskid")]
    pub trace_taskid: Option<String>,
    /// Distinguished name of the user
    #[arg(long, hide = true, alias = "trace_usrdn")]
    pub trace_usrdn: Option<String>,
}

impl Args {
    /// Returns the options that restrict the replicas, as they are typed.
    pub(super) fn source_options(&self) -> String {
        let options = [("--rses", &self.rses), ("--impl", &self.r#impl), ("--protocol", &self.protocol)];
        let given =
            options.iter().filter_map(|(name, value)| Some(format!("{name} {}", shell_word(value.as_deref()?))));
        given.collect::<Vec<_>>().join(" ")
    }

    /// Rejects options that conflict, and warns of options without effect.
    pub(super) fn check(&self, more: &ExtraOptions) -> Result<()> {
        let no_dids = self.dids.is_empty() && more.files_from.is_none();
        let refusals = [
            (no_dids && self.filter.is_none() && self.metalink.is_none(), "At least one did is mandatory"),
            (no_dids && self.pfn.is_some(), "At least one did is mandatory"),
            (no_dids && self.filter.is_some() && self.scope.is_none(), "The argument scope is mandatory"),
            (
                self.filter.is_some() && self.metalink.is_some(),
                "Arguments filter and metalink cannot be used together.",
            ),
            (!no_dids && self.metalink.is_some(), "Arguments dids and metalink cannot be used together."),
            (
                self.ignore_checksum && self.check_local_with_filesize_only,
                "Arguments ignore-checksum and check-local-with-filesize-only cannot be used together.",
            ),
            (
                self.pfn.is_some() && more.files_from.is_some(),
                "Arguments pfn and files-from cannot be used together: a PFN is that of one file.",
            ),
            (
                more.dry_run && (more.summary.is_some() || more.failed_list.is_some()),
                "Arguments dry-run and summary or failed-list cannot be used together: a dry run downloads nothing.",
            ),
            (
                self.nrandom.is_some() && more.wanted.0.shard.is_some(),
                "Arguments nrandom and shard cannot be used together: each job would choose at random from its own part.",
            ),
        ];
        match refusals.iter().find(|(refused, _)| *refused) {
            Some((_, message)) => Err(Error::new(Exception::InputValidationError, *message)),
            None => {
                self.warn();
                Ok(())
            }
        }
    }

    fn warn(&self) {
        let by_pfn = self.pfn.is_some();
        let warnings = [
            (
                self.archive_did.is_some(),
                "Archives are treated transparently. --archive-did option is being obsoleted.",
            ),
            (by_pfn && self.aria == Some(true), "Ignoring --aria option because --pfn option given"),
            (by_pfn && self.r#impl.is_some(), "Ignoring --impl option because --pfn option given"),
            (by_pfn && self.protocol.is_some(), "Ignoring --protocol option because --pfn option given"),
            (
                by_pfn && self.transfer_speed_timeout.is_some(),
                "Download with --pfn doesn't support --transfer-speed-timeout",
            ),
            (
                !by_pfn && self.metalink.is_some() && self.replica_selection.is_some(),
                "Ignoring --replica-selection option because --metalink option given",
            ),
            (
                !by_pfn && self.r#impl.is_some() && (self.metalink.is_some() || self.aria == Some(true)),
                "Ignoring --impl option because --metalink or --aria option given",
            ),
        ];
        for (_, message) in warnings.iter().filter(|(given, _)| *given) {
            tracing::warn!("{message}");
        }
        if by_pfn && self.dids.len() > 1 {
            tracing::warn!(
                "Download with --pfn option only supports one DID but {} DIDs were given. Considering only first DID: {}",
                self.dids.len(),
                self.dids[0]
            );
        }
    }

    /// Puts the scope of `--scope`, if given, in front of a DID.
    pub(super) fn with_scope(&self, did: &str) -> String {
        match &self.scope {
            Some(scope) => format!("{scope}:{did}"),
            None => did.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        all: ArgsWithExtraOptions,
    }

    fn parse_all(words: &str) -> ArgsWithExtraOptions {
        Line::try_parse_from(["rucio"].into_iter().chain(words.split_whitespace())).unwrap().all
    }

    fn parse(words: &str) -> Args {
        parse_all(words).args
    }

    #[test]
    fn download_options_in_conflict_have_the_official_message() {
        for (words, part) in [
            ("", "At least one did"),
            ("--filter a=b", "scope is mandatory"),
            ("--filter a=b --scope s --metalink m", "filter and metalink"),
            ("s:f --metalink m", "dids and metalink"),
            ("s:f --ignore-checksum --check-local-with-filesize-only", "ignore-checksum and check-local"),
            ("--pfn https://h/f --filter a=b --scope s", "At least one did"),
        ] {
            let error = parse(words).check(&ExtraOptions::default()).unwrap_err();
            assert_eq!(error.class(), Some(Exception::InputValidationError), "{words}");
            assert!(error.to_string().contains(part), "{words}: {error}");
        }
        for words in ["s:f", "--filter a=b --scope s", "--metalink m", "s:f --pfn https://h/f --aria"] {
            assert!(parse(words).check(&ExtraOptions::default()).is_ok(), "{words}");
        }
    }

    #[test]
    fn download_options_of_our_own_conflict_too() {
        for words in ["s:f --pfn file:///f --files-from x", "s:d --nrandom 2 --shard 1/2", "s:d --dry-run --summary x"]
        {
            let all = parse_all(words);
            assert!(all.args.check(&all.more).unwrap_err().to_string().contains("cannot be used together"), "{words}");
        }
        let all = parse_all("--files-from x");
        assert!(all.args.check(&all.more).is_ok());
    }

    #[test]
    fn download_options_have_every_official_spelling() {
        let args = parse(
            "s:f --aria --rse-exp X --deactivate-file-download-exceptions --trace_appid a --trace-usrdn b \
             --transfer-timeout 1.5 --ndownloader 7 --archive-did s:a --impl xrootd",
        );
        assert_eq!((args.aria, args.rses.as_deref(), args.no_show_download_exceptions), (Some(true), Some("X"), true));
        assert_eq!((args.trace.trace_appid.as_deref(), args.ndownloader), (Some("a"), Some(7)));
        assert_eq!(parse("--aria False s:f").aria, Some(false));
    }
}
