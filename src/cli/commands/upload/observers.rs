//! Observers of an upload: terminal and log for people, events for programs.

use super::events::EventWriter;
use super::reporter::Reporter;
use crate::cli::ui::{Events, Ui};
use crate::error::Result;
use crate::transfer::upload::events::{UploadEvent, UploadObserver};
use crate::transfer::upload::folders::CreationEvent;
use crate::transfer::upload::local::LocalFile;

/// Forwards everything to both observers.
pub(super) struct Observers<'a> {
    reporter: Reporter,
    events: Option<EventWriter<'a>>,
}

impl<'a> Observers<'a> {
    /// Creates the observers of an upload to this RSE: on the terminal, and on standard output for programs.
    pub(super) fn new(ui: &'a Ui, rse: &str) -> Self {
        Self { reporter: Reporter::new(ui, rse), events: EventWriter::begin(ui, rse) }
    }

    /// Reports the files to upload.
    pub(super) fn expect(&self, files: &[LocalFile]) {
        self.reporter.expect(files);
        if let Some(events) = &self.events {
            events.expect(files.len() as u64, files.iter().map(|file| file.bytes).sum());
        }
    }

    /// Reports the outcome of creating or filling a collection.
    pub(super) fn created(&self, made: CreationEvent<'_>) {
        if let Some(events) = &self.events {
            events.created(&made);
        }
        self.reporter.collection(made);
    }

    /// Returns the event stream for programs, if the output format has one.
    pub(super) fn events(&self) -> Option<&Events<'a>> {
        self.events.as_ref().map(EventWriter::events)
    }

    /// Reports the end of the upload. `next_command` uploads what is missing. Errors: an event could not be written.
    pub(super) fn finish(
        self,
        files: &[LocalFile],
        complete: bool,
        interrupted: bool,
        next_command: String,
    ) -> Result<()> {
        self.reporter.finish(interrupted, next_command);
        self.events.map_or(Ok(()), |events| events.finish(files, complete))
    }
}

impl UploadObserver for Observers<'_> {
    fn file(&self, file: &LocalFile, event: UploadEvent<'_>) {
        if let Some(events) = &self.events {
            events.file(file, &event);
        }
        self.reporter.file(file, event);
    }
}
