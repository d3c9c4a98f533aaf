//! The options of `rucio upload`, and which of them go together.

use chrono::{NaiveDateTime, Utc};

use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// Upload files to an RSE and register them
///
/// Several files at a time are measured, written under a temporary name, compared with what the storage has, renamed, and
/// made known to the catalogue with a rule that keeps them. The same command again does only what is missing.
///
/// Example: rucio upload --rse XRD_SCRATCHDISK --scope user.jdoe --register-after-upload user.jdoe:analysis results.root
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files, folders, and a dataset (scope:name) to attach the files to
    pub file_paths: Vec<String>,
    /// Where to: an RSE, or one of those that an expression means
    #[arg(long, alias = "rse-name")]
    pub rse: String,
    /// Seconds the rule on the files, or on their new dataset, shall live
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub lifetime: Option<i64>,
    /// When that rule ends, in UTC: 2026-12-31-23:59:00
    #[arg(long, value_name = "DATE")]
    pub expiration_date: Option<String>,
    /// The scope of the files; without it the account's own: user.<account>
    #[arg(long)]
    pub scope: Option<String>,
    /// Only by the protocol for which the RSE names this implementation (webdav, gfal.NoRename, xrootd, ...)
    #[arg(long, value_name = "NAME")]
    pub r#impl: Option<String>,
    /// Leave the catalogue alone: the files will be unknown to it
    #[arg(long, hide = true)]
    pub no_register: bool,
    /// Tell the catalogue of the files only when they are at the RSE. Ordinary users mostly need this
    #[arg(long)]
    pub register_after_upload: bool,
    /// Write rucio_upload.json, a list of what was uploaded
    #[arg(long)]
    pub summary: bool,
    /// The GUID of the file
    #[arg(long)]
    pub guid: Option<String>,
    /// Only by this protocol (https, davs, root, ...)
    #[arg(long)]
    pub protocol: Option<String>,
    /// To exactly this place
    #[arg(long)]
    pub pfn: Option<String>,
    /// The name of the file in the catalogue
    #[arg(long)]
    pub lfn: Option<String>,
    /// How long the storage may take no byte, in seconds; 0 for ever [default: 360]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub transfer_timeout: Option<f64>,
    /// Make a collection of each folder: of files a dataset, of folders a container
    #[arg(short, long)]
    pub recursive: bool,
}

/// The words of the command line by what they mean.
pub(super) struct Items<'a> {
    /// Files and folders.
    pub(super) paths: Vec<&'a str>,
    /// Scope and name of the dataset.
    pub(super) dataset: Option<(&'a str, &'a str)>,
}

impl Args {
    /// Refuses what contradicts itself, and warns of what has no effect.
    pub(super) fn check(&self) -> Result<()> {
        let paths = self.items().paths.len();
        let refusals = [
            (
                self.lifetime.is_some_and(|seconds| seconds != 0) && self.expiration_date.is_some(),
                "--lifetime and --expiration-date cannot be specified at the same time.",
            ),
            (paths == 0, "No files could be extracted from the given arguments"),
            (paths > 1 && self.guid.is_some(), "One GUID (--guid) cannot be that of several files."),
            (paths > 1 && self.lfn.is_some(), "One name (--lfn) cannot be that of several files."),
            (
                self.recursive && self.pfn.is_some(),
                "A tree of folders (--recursive) cannot be put in one place (--pfn).",
            ),
        ];
        match refusals.iter().find(|(refused, _)| *refused) {
            Some((_, message)) => Err(Error::new(Exception::InputValidationError, *message)),
            None => Ok(()),
        }
    }

    /// The first word like a DID is the dataset; what has a colon is never a file.
    pub(super) fn items(&self) -> Items<'_> {
        let (dids, paths): (Vec<_>, Vec<_>) = self.file_paths.iter().map(String::as_str).partition(|w| w.contains(':'));
        let mut dids = dids.into_iter().filter_map(|word| word.split_once(':')).filter(|(_, name)| !name.contains(':'));
        Items { dataset: dids.next(), paths }
    }

    /// Says what is left out.
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

    /// Seconds that rules live. Errors: a date that is none, or past.
    pub(super) fn seconds(&self) -> Result<Option<i64>> {
        let Some(date) = &self.expiration_date else { return Ok(self.lifetime) };
        let expected = "write it as 2026-12-31-23:59:00";
        let end = NaiveDateTime::parse_from_str(date, "%Y-%m-%d-%H:%M:%S")
            .map_err(|_| Error::Value(format!("{date:?} is no date: {expected}.")))?;
        match (end - Utc::now().naive_utc()).num_seconds() {
            seconds @ 0.. => Ok(Some(seconds)),
            _ => Err(Error::Value("The specified expiration date should be in the future!".to_owned())),
        }
    }

    /// Only by these protocols: that of the place, if one is given.
    pub(super) fn schemes(&self) -> Option<String> {
        match &self.pfn {
            Some(pfn) => Some(pfn.split(':').next().unwrap_or_default().to_owned()),
            None => self.protocol.clone(),
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
        args: Args,
    }

    fn args(words: &[&str]) -> Args {
        Line::parse_from([&["upload", "--rse", "A"], words].concat()).args
    }

    #[test]
    fn words_are_told_apart_by_their_colons() {
        let args = args(&["a", "s:d", "b/c", "s:e", "x:y:z"]);
        let items = args.items();
        assert_eq!((items.paths, items.dataset), (vec!["a", "b/c"], Some(("s", "d"))));
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
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
    fn a_date_becomes_seconds() {
        assert!(args(&["--expiration-date", "2999-01-01-00:00:00", "a"]).seconds().unwrap().unwrap() > 1_000_000_000);
        for date in ["2000-01-01-00:00:00", "2999-01-01"] {
            assert!(args(&["--expiration-date", date, "a"]).seconds().is_err(), "{date}");
        }
        assert_eq!(args(&["--lifetime", "-5", "a"]).seconds().unwrap(), Some(-5));
    }
}
