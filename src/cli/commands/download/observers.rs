//! Observers of a download: terminal, events for programs, and the files of `--summary` and `--failed-list`.

use std::path::Path;

use super::events::Told;
use super::extra_options::More;
use super::reporter::Reporter;
use super::summary::Summary;
use crate::cli::ui::{Events, Ui};
use crate::error::{Error, Result};
use crate::transfer::events::{FileEvent, Observer, RunEvent};
use crate::transfer::job::FileJob;
use crate::transfer::report::Recorder;

/// Passes events to all observers.
pub(super) struct Watch<'a> {
    reporter: Reporter,
    told: Option<Told<'a>>,
    record: Option<Recorder>,
}

impl<'a> Watch<'a> {
    /// Creates the requested observers. Errors: a file cannot be written.
    pub(super) fn new(ui: &'a Ui, folder: &str, more: &More) -> Result<Self> {
        let record = if more.dry_run { None } else { recorder(folder, more)? };
        let told = if more.dry_run { None } else { Told::begin(ui, folder) };
        Ok(Self { reporter: Reporter::new(ui), told, record })
    }

    /// Returns the events for programs, if they are written.
    pub(super) fn events(&self) -> Option<&Events<'a>> {
        self.told.as_ref().map(Told::events)
    }

    /// Ends all outputs. `summary` is `None` if the download was not completed; `asked` then lists the requested DIDs.
    pub(super) fn finish(&mut self, summary: Option<&Summary>, asked: Option<&[String]>) -> Result<()> {
        self.reporter.finish();
        let told = self.told.take().map_or(Ok(()), |told| told.finish(summary));
        let recorded = self.record.take().map_or(Ok(()), |record| record.finish(asked).map_err(unwritten));
        told.and(recorded)
    }
}

/// Creates the recorder of `--summary` and `--failed-list`, if one is given.
fn recorder(folder: &str, more: &More) -> Result<Option<Recorder>> {
    let [summary, list] = [&more.summary, &more.failed_list].map(|path| path.as_deref().map(Path::new));
    match (summary, list) {
        (None, None) => Ok(None),
        _ => Recorder::new(Path::new(folder), summary, list).map(Some).map_err(unwritten),
    }
}

fn unwritten(error: std::io::Error) -> Error {
    Error::io("Cannot write --summary or --failed-list", error)
}

impl Observer for Watch<'_> {
    fn file(&self, lane: usize, job: &FileJob, event: FileEvent<'_>) {
        if let Some(told) = &self.told {
            told.file(job, &event);
        }
        if let Some(record) = &self.record {
            record.file(lane, job, event);
        }
        self.reporter.file(lane, job, event);
    }

    fn run(&self, event: RunEvent<'_>) {
        if let Some(told) = &self.told {
            told.run(&event);
        }
        self.reporter.run(event);
    }
}
