//! The options of `rucio upload`, and checks of their combinations.

use clap::ValueHint;

use chrono::{NaiveDateTime, Utc};

use crate::cli::duration;
use crate::cli::leaf::Transfer;
use crate::cli::value_kind::ValueKind;
use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// Upload files to an RSE and register them
///
/// Several files at a time are checksummed, written under a temporary name, verified at the storage, renamed, and
/// registered in the catalogue with a rule. Running the same command again does only what is missing.
///
/// Example: rucio upload --rse XRD_SCRATCHDISK --scope user.jdoe --register-after-upload user.jdoe:analysis results.root
#[derive(Debug, clap::Args)]
#[command(add = Transfer)]
pub(crate) struct Args {
    /// Files, directories, and a dataset (scope:name) to attach the files to
    #[arg(value_hint = ValueHint::AnyPath)]
    pub file_paths: Vec<String>,
    /// Destination RSE, or an RSE expression to choose one at random
    #[arg(long, alias = "rse-name", add = ValueKind::Rse)]
    pub rse: String,
    /// Lifetime of the rule on the files, or on their new dataset: seconds, or 2h, 14d
    #[arg(long, value_name = "DURATION", allow_negative_numbers = true, value_parser = duration::whole_seconds)]
    pub lifetime: Option<i64>,
    /// Expiry of that rule in UTC, as 2026-12-31-23:59:00
    #[arg(long, value_name = "DATE")]
    pub expiration_date: Option<String>,
    /// Scope of the files [default: user.<account>]
    #[arg(long, add = ValueKind::Scope)]
    pub scope: Option<String>,
    /// Use only the protocol with this implementation at the RSE (webdav, gfal.NoRename, xrootd, ...)
    #[arg(long, value_name = "NAME")]
    pub r#impl: Option<String>,
    /// Do not register the files in the catalogue
    #[arg(long, hide = true)]
    pub no_register: bool,
    /// Register the files only after the upload, which ordinary users mostly need
    #[arg(long)]
    pub register_after_upload: bool,
    /// Write rucio_upload.json, a list of the uploaded files
    #[arg(long)]
    pub summary: bool,
    /// GUID of the file
    #[arg(long)]
    pub guid: Option<String>,
    /// Use only this protocol (https, davs, root, ...)
    #[arg(long)]
    pub protocol: Option<String>,
    /// Upload to exactly this PFN
    #[arg(long)]
    pub pfn: Option<String>,
    /// Name of the file in the catalogue
    #[arg(long)]
    pub lfn: Option<String>,
    /// Abort if no data is accepted for this time: seconds, or 10m (0: never) [default: 360]
    #[arg(long, value_name = "DURATION", allow_negative_numbers = true, value_parser = duration::seconds)]
    pub transfer_timeout: Option<f64>,
    /// Create a collection from each directory: a dataset of its files, or a container of its directories
    #[arg(short, long)]
    pub recursive: bool,
}

/// The positional arguments by kind.
pub(super) struct Items<'a> {
    /// Files and directories.
    pub(super) paths: Vec<&'a str>,
    /// Scope and name of the dataset.
    pub(super) dataset: Option<(&'a str, &'a str)>,
}

impl Args {
    /// Rejects contradictory options and arguments without a file.
    pub(super) fn check(&self) -> Result<()> {
        let paths = self.items().paths.len();
        let refusals = [
            (
                self.lifetime.is_some_and(|seconds| seconds != 0) && self.expiration_date.is_some(),
                "--lifetime and --expiration-date cannot be specified at the same time.",
            ),
            (paths == 0, "No files could be extracted from the given arguments"),
            (paths > 1 && self.guid.is_some(), "Invalid input argument composition: --guid with several files"),
            (paths > 1 && self.lfn.is_some(), "Invalid input argument composition: --lfn with several files"),
            (self.recursive && self.pfn.is_some(), "Invalid input argument composition: --recursive with --pfn"),
        ];
        match refusals.iter().find(|(refused, _)| *refused) {
            Some((_, message)) => {
                explain(message);
                Err(Error::new(Exception::InputValidationError, *message))
            }
            None => Ok(()),
        }
    }

    /// Splits the arguments: the first with exactly one colon is the dataset; none with a colon is a file.
    pub(super) fn items(&self) -> Items<'_> {
        let (dids, paths): (Vec<_>, Vec<_>) = self.file_paths.iter().map(String::as_str).partition(|w| w.contains(':'));
        let mut dids = dids.into_iter().filter_map(|word| word.split_once(':')).filter(|(_, name)| !name.contains(':'));
        Items { dataset: dids.next(), paths }
    }

    /// Warns about arguments and options that are ignored.
    pub(super) fn warn(&self) {
        let mut dataset = None;
        for word in self.file_paths.iter().filter(|word| word.matches(':').count() == 1) {
            match dataset {
                None => dataset = Some(word),
                Some(set) => tracing::warn!("Ignoring input {word} because dataset DID is already set {set}"),
            }
        }
        if self.pfn.is_some() && self.r#impl.is_some() {
            tracing::warn!("Ignoring --impl option because --pfn option given");
        }
    }

    /// Returns the lifetime of rules in seconds. Errors: an invalid or past expiration date.
    pub(super) fn seconds(&self) -> Result<Option<i64>> {
        let Some(date) = &self.expiration_date else { return Ok(self.lifetime) };
        let expected = "use the form 2026-12-31-23:59:00";
        let end = NaiveDateTime::parse_from_str(date, "%Y-%m-%d-%H:%M:%S")
            .map_err(|_| Error::value(format!("{date:?} is not a date: {expected}.")))?;
        match (end - Utc::now().naive_utc()).num_seconds() {
            seconds @ 0.. => Ok(Some(seconds)),
            _ => Err(Error::value("The specified expiration date should be in the future!".to_owned())),
        }
    }

    /// Returns the protocol to use: that of --pfn, else --protocol; `None` for any.
    pub(super) fn schemes(&self) -> Option<String> {
        match &self.pfn {
            Some(pfn) => Some(pfn.split(':').next().unwrap_or_default().to_owned()),
            None => self.protocol.clone(),
        }
    }
}

/// Logs why options cannot be combined, in the words of the official client.
fn explain(message: &str) {
    for name in ["guid", "lfn"].into_iter().filter(|name| message.contains(&format!("--{name}"))) {
        let name = name.to_uppercase();
        tracing::error!("A single {name} was specified on the command line, but there are multiple files to upload.");
        tracing::error!("If {name} auto-detection is not used, only one file may be uploaded at a time");
    }
    if message.contains("--pfn") {
        tracing::error!(
            "It is not possible to create the folder structure into collections with a non-deterministic way."
        );
        tracing::error!("If PFN is specified, you cannot use --recursive");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn args(words: &[&str]) -> Args {
        Line::parse_from([&["upload", "--rse", "A"], words].concat()).args
    }

    #[test]
    fn upload_arguments_are_told_apart_by_their_colons() {
        let args = args(&["a", "s:d", "b/c", "s:e", "x:y:z"]);
        let items = args.items();
        assert_eq!((items.paths, items.dataset), (vec!["a", "b/c"], Some(("s", "d"))));
    }

    #[test]
    fn upload_options_in_conflict_are_refused() {
        for words in [
            &["s:d"][..],
            &["--lifetime", "1", "--expiration-date", "2030-01-01-00:00:00", "a"],
            &["--guid", "0", "a", "b"],
            &["--lfn", "x", "a", "b"],
            &["-r", "--pfn", "file:///x", "a"],
        ] {
            let error = args(words).check().unwrap_err();
            assert_eq!(error.class(), Some(Exception::InputValidationError), "{words:?}");
        }
        assert!(args(&["--lfn", "x", "s:d", "a"]).check().is_ok());
    }

    #[test]
    fn upload_date_becomes_seconds() {
        assert!(args(&["--expiration-date", "2999-01-01-00:00:00", "a"]).seconds().unwrap().unwrap() > 1_000_000_000);
        for date in ["2000-01-01-00:00:00", "2999-01-01"] {
            assert!(args(&["--expiration-date", date, "a"]).seconds().is_err(), "{date}");
        }
        assert_eq!(args(&["--lifetime", "-5", "a"]).seconds().unwrap(), Some(-5));
    }
}
