//! Observers of a download: terminal, events for programs, and the files of `--summary` and `--failed-list`.

use std::path::Path;
use std::sync::Mutex;

use super::events::EventWriter;
use super::extra_options::ExtraOptions;
use super::implementation::ImplementationLog;
use super::options::Args;
use super::reporter::{End, Reporter};
use super::summary::Summary;
use crate::cli::context::Context;
use crate::cli::ui::Events;
use crate::error::{Error, Result};
use crate::lock::lock;
use crate::transfer::events::{DownloadObserver, FileEvent, RunEvent};
use crate::transfer::file_record::{FileRecord, FileRecords};
use crate::transfer::job::FileJob;
use crate::transfer::report::Recorder;

/// Passes events to all observers.
pub(super) struct Observers<'a> {
    reporter: Reporter,
    implementation: ImplementationLog,
    /// The files in progress.
    records: Mutex<FileRecords>,
    events: Option<EventWriter<'a>>,
    recorder: Option<Recorder>,
}

impl<'a> Observers<'a> {
    /// Creates the requested observers. Errors: a file cannot be written.
    pub(super) fn new(context: &'a Context, args: &Args, more: &ExtraOptions) -> Result<Self> {
        let ui = &context.ui;
        let recorder = if more.dry_run { None } else { recorder(more)? };
        let events = if more.dry_run { None } else { EventWriter::begin(ui) };
        let records = Mutex::new(FileRecords::new(Path::new(&args.dir)));
        let implementation = ImplementationLog::new(context, args)?;
        Ok(Self { reporter: Reporter::new(ui, args.source_options()), implementation, records, events, recorder })
    }

    /// Returns the events for programs, if they are written.
    pub(super) fn events(&self) -> Option<&Events<'a>> {
        self.events.as_ref().map(EventWriter::events)
    }

    /// Ends all outputs. `summary` is `None` if the download was not completed; `asked` then lists the requested DIDs.
    pub(super) fn finish(&mut self, summary: Option<&Summary>, asked: Option<&[String]>, end: End) -> Result<()> {
        let unfinished = lock(&self.records).take_unfinished();
        self.reporter.finish(&unfinished, end);
        let events = self.events.take().map_or(Ok(()), |events| events.finish(&unfinished, summary));
        let recorder = self.recorder.take();
        let recorded = recorder.map_or(Ok(()), |recorder| recorder.finish(&unfinished, asked).map_err(unwritten));
        events.and(recorded)
    }

    /// Passes the event of a file, whose record is `record`, to those who write for programs.
    fn record(&self, job: &FileJob, event: &FileEvent<'_>, record: Option<&FileRecord>) {
        match (event, record) {
            (FileEvent::Ended(outcome), Some(record)) => {
                if let Some(events) = &self.events {
                    events.file_ended(job, record, *outcome);
                }
                if let Some(recorder) = &self.recorder {
                    recorder.add(record, *outcome);
                }
            }
            _ => {
                if let Some(events) = &self.events {
                    events.file(job, record, event);
                }
            }
        }
    }
}

/// Creates the recorder of `--summary` and `--failed-list`, if one is given.
fn recorder(more: &ExtraOptions) -> Result<Option<Recorder>> {
    let [summary, list] = [&more.summary, &more.failed_list].map(|path| path.as_deref().map(Path::new));
    match (summary, list) {
        (None, None) => Ok(None),
        _ => Recorder::new(summary, list).map(Some).map_err(unwritten),
    }
}

fn unwritten(error: std::io::Error) -> Error {
    Error::io("Cannot write --summary or --failed-list", error)
}

impl DownloadObserver for Observers<'_> {
    fn file(&self, slot: usize, job: &FileJob, event: FileEvent<'_>) {
        let mut records = lock(&self.records);
        let ended = records.observe(job, &event).map(|(record, _)| record);
        let record = ended.as_ref().or_else(|| records.get(job));
        self.record(job, &event, record);
        self.implementation.log(&event);
        self.reporter.file(slot, job, event, record);
    }

    fn run(&self, event: RunEvent<'_>) {
        if let Some(events) = &self.events {
            events.run(&event);
        }
        self.reporter.run(event);
    }
}
