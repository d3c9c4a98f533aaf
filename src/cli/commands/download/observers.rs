//! Observers of a download: terminal, events for programs, and the files of `--summary` and `--failed-list`.

use std::path::Path;

use super::events::EventWriter;
use super::extra_options::ExtraOptions;
use super::reporter::Reporter;
use super::summary::Summary;
use crate::cli::ui::{Events, Ui};
use crate::error::{Error, Result};
use crate::transfer::events::{DownloadObserver, FileEvent, RunEvent};
use crate::transfer::job::FileJob;
use crate::transfer::report::Recorder;

/// Passes events to all observers.
pub(super) struct Observers<'a> {
    reporter: Reporter,
    events: Option<EventWriter<'a>>,
    record: Option<Recorder>,
}

impl<'a> Observers<'a> {
    /// Creates the requested observers. Errors: a file cannot be written.
    pub(super) fn new(ui: &'a Ui, folder: &str, more: &ExtraOptions) -> Result<Self> {
        let record = if more.dry_run { None } else { recorder(folder, more)? };
        let events = if more.dry_run { None } else { EventWriter::begin(ui, folder) };
        Ok(Self { reporter: Reporter::new(ui), events, record })
    }

    /// Returns the events for programs, if they are written.
    pub(super) fn events(&self) -> Option<&Events<'a>> {
        self.events.as_ref().map(EventWriter::events)
    }

    /// Ends all outputs. `summary` is `None` if the download was not completed; `asked` then lists the requested DIDs.
    pub(super) fn finish(&mut self, summary: Option<&Summary>, asked: Option<&[String]>) -> Result<()> {
        self.reporter.finish();
        let events = self.events.take().map_or(Ok(()), |events| events.finish(summary));
        let recorded = self.record.take().map_or(Ok(()), |record| record.finish(asked).map_err(unwritten));
        events.and(recorded)
    }
}

/// Creates the recorder of `--summary` and `--failed-list`, if one is given.
fn recorder(folder: &str, more: &ExtraOptions) -> Result<Option<Recorder>> {
    let [summary, list] = [&more.summary, &more.failed_list].map(|path| path.as_deref().map(Path::new));
    match (summary, list) {
        (None, None) => Ok(None),
        _ => Recorder::new(Path::new(folder), summary, list).map(Some).map_err(unwritten),
    }
}

fn unwritten(error: std::io::Error) -> Error {
    Error::io("Cannot write --summary or --failed-list", error)
}

impl DownloadObserver for Observers<'_> {
    fn file(&self, slot: usize, job: &FileJob, event: FileEvent<'_>) {
        if let Some(events) = &self.events {
            events.file(job, &event);
        }
        if let Some(record) = &self.record {
            record.file(slot, job, event);
        }
        self.reporter.file(slot, job, event);
    }

    fn run(&self, event: RunEvent<'_>) {
        if let Some(events) = &self.events {
            events.run(&event);
        }
        self.reporter.run(event);
    }
}
