//! Summary at the end of a download.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::cli::context::Context;
use crate::cli::ui::named;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::transfer::scheduler::{Count, Tally};
use crate::transfer::select::selection::Skipped;
use crate::types::Did;

/// Numbers of files by result, for every requested DID.
#[derive(Debug)]
pub(super) struct Summary {
    requested: Vec<(Did, Option<u64>)>,
    counts: HashMap<usize, Count>,
    total: Count,
    skipped: Skipped,
}

impl Summary {
    /// Creates a summary of DIDs, each with its number of files if it is known.
    pub(super) fn new(requested: Vec<(Did, Option<u64>)>, tally: Tally, skipped: Skipped) -> Self {
        Self { requested, counts: tally.requests, total: tally.total, skipped }
    }

    /// Creates the summary of a list without DIDs.
    pub(super) fn empty() -> Self {
        Self::new(Vec::new(), Tally::default(), Skipped::default())
    }

    /// Prints the summary. Errors: files are missing, unless that is fine; no summary then, as in the official client.
    pub(super) fn show(&self, context: &Context, missing_is_fine: bool) -> Result<()> {
        match (self.total.files, self.total.failed()) {
            (0, _) if self.skipped.other_shards > 0 => context.ui.line("No files in this part."),
            (0, _) if self.skipped.by_name > 0 && !missing_is_fine => {
                let details = format!("None of {} file(s) matches --include and --exclude.", self.skipped.by_name);
                Err(Error::new(Exception::NoFilesDownloaded, details))
            }
            _ if self.total.files == 0 && missing_is_fine => {
                Err(Error::new(Exception::RucioException, "Nothing to download."))
            }
            (files, failed) if files == failed && !missing_is_fine => self.failure(Exception::NoFilesDownloaded),
            (_, failed) if failed > 0 && !missing_is_fine => self.failure(Exception::NotAllFilesDownloaded),
            // At a terminal the report of the transfer has these numbers.
            _ if context.ui.is_for_people() && !context.ui.has_log_lines() => Ok(()),
            _ => self.lines().iter().try_for_each(|line| context.ui.line(line)),
        }
    }

    /// Returns a record for each requested DID.
    pub(super) fn records(&self) -> impl Iterator<Item = Map<String, Value>> {
        self.requested.iter().enumerate().map(|(index, (did, length))| {
            let count = self.counts.get(&index).copied().unwrap_or_default();
            let counts = [
                ("length", (*length).into()),
                ("total_files", count.files.into()),
                ("downloaded_files", count.done.into()),
                ("local_files", count.already_done.into()),
                ("not_downloaded_files", count.failed().into()),
            ];
            named(did, counts)
        })
    }

    fn failure(&self, class: Exception) -> Result<()> {
        let files = self.total.files;
        let failed = self.total.failed();
        let details = match files {
            0 => String::new(),
            _ => format!("{failed} of {files} file(s) are missing; see the errors above."),
        };
        Err(Error::new(class, details))
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = vec!["-".repeat(34), "Download summary".to_owned()];
        for (index, (did, length)) in self.requested.iter().enumerate() {
            if let Some(count) = self.counts.get(&index) {
                lines.extend(block(did, *length, count));
            }
        }
        lines
    }
}

fn block(did: &Did, length: Option<u64>, count: &Count) -> Vec<String> {
    let line = |text: &str, number: u64| format!("{text:40} {number:6}");
    let mut lines = vec!["-".repeat(40), format!("DID {did}")];
    match length.filter(|length| *length > 0) {
        Some(length) => {
            lines.push(line("Total files (DID): ", length));
            lines.push(line("Total files (filtered):   ", count.files));
        }
        None => lines.push(line("Total files:   ", count.files)),
    }
    lines.push(line("Downloaded files: ", count.done));
    lines.push(line("Files already found locally: ", count.already_done));
    lines.push(line("Files that cannot be downloaded: ", count.failed()));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn download_summary_is_that_of_the_official_client() {
        let count = Count { files: 3, done: 1, already_done: 1 };
        let tally = Tally { requests: HashMap::from([(0, count), (2, count)]), total: count };
        let dids = vec![(Did::new("s", "a"), Some(4)), (Did::new("s", "b"), None), (Did::new("s", "c"), None)];
        let expected = "\
----------------------------------
Download summary
----------------------------------------
DID s:a
Total files (DID):                            4
Total files (filtered):                       3
Downloaded files:                             1
Files already found locally:                  1
Files that cannot be downloaded:              1
----------------------------------------
DID s:c
Total files:                                  3
Downloaded files:                             1
Files already found locally:                  1
Files that cannot be downloaded:              1";
        assert_eq!(Summary::new(dids, tally, Skipped::default()).lines().join("\n"), expected);
    }
}
