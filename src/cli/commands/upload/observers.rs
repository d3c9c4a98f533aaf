//! Observers of an upload: terminal and log for people, events for programs.

use super::events::Told;
use super::reporter::{self, Reporter};
use crate::cli::ui::{Events, Ui};
use crate::error::Result;
use crate::transfer::upload::events::{Observer, UploadEvent};
use crate::transfer::upload::folders::Made;
use crate::transfer::upload::local::Local;

/// Forwards everything to both observers.
pub(super) struct Watch<'a> {
    reporter: Reporter,
    told: Option<Told<'a>>,
}

impl<'a> Watch<'a> {
    /// Creates the observers of an upload to this RSE: on the terminal, and on standard output for programs.
    pub(super) fn new(ui: &'a Ui, rse: &str) -> Self {
        Self { reporter: Reporter::new(ui), told: Told::begin(ui, rse) }
    }

    /// Reports the files to upload.
    pub(super) fn expect(&self, files: &[Local]) {
        self.reporter.expect(files);
        if let Some(told) = &self.told {
            told.expect(files.len() as u64, files.iter().map(|file| file.bytes).sum());
        }
    }

    /// Reports the outcome of creating or filling a collection.
    pub(super) fn made(&self, made: Made<'_>) {
        if let Some(told) = &self.told {
            told.made(&made);
        }
        reporter::collection(made);
    }

    /// Returns the event stream for programs, if the output format has one.
    pub(super) fn events(&self) -> Option<&Events<'a>> {
        self.told.as_ref().map(Told::events)
    }

    /// Reports the end of the upload. Errors: an event could not be written.
    pub(super) fn finish(self, files: &[Local], complete: bool) -> Result<()> {
        self.reporter.finish();
        self.told.map_or(Ok(()), |told| told.finish(files, complete))
    }
}

impl Observer for Watch<'_> {
    fn file(&self, file: &Local, event: UploadEvent<'_>) {
        if let Some(told) = &self.told {
            told.file(file, &event);
        }
        self.reporter.file(file, event);
    }
}
