//! Who is told what happens: the person, and the files that are written for other programs.

use std::path::Path;

use super::more::More;
use super::reporter::Reporter;
use crate::cli::ui::Ui;
use crate::error::{Error, Result};
use crate::transfer::events::{FileEvent, Observer, RunEvent};
use crate::transfer::job::FileJob;
use crate::transfer::report::Recorder;

/// Tells them all.
pub(super) struct Watch {
    reporter: Reporter,
    record: Option<Recorder>,
}

impl Watch {
    /// On this terminal, and in the files that are asked for. Errors: one cannot be written.
    pub(super) fn new(ui: &Ui, folder: &str, more: &More) -> Result<Self> {
        let record = if more.dry_run { None } else { recorder(folder, more)? };
        Ok(Self { reporter: Reporter::new(ui), record })
    }

    /// The download is over. After an early end, `asked` are the lines of what was asked for.
    pub(super) fn finish(&mut self, asked: Option<&[String]>) -> Result<()> {
        self.reporter.finish();
        self.record.take().map_or(Ok(()), |record| record.finish(asked).map_err(unwritten))
    }
}

/// What writes the files that are asked for.
fn recorder(folder: &str, more: &More) -> Result<Option<Recorder>> {
    let [summary, list] = [&more.summary, &more.failed_list].map(|path| path.as_deref().map(Path::new));
    match (summary, list) {
        (None, None) => Ok(None),
        _ => Recorder::new(Path::new(folder), summary, list).map(Some).map_err(unwritten),
    }
}

/// The files written as if nothing had been asked for.
pub(super) fn record_nothing(folder: &str, more: &More) -> Result<()> {
    if more.dry_run {
        return Ok(());
    }
    recorder(folder, more)?.map_or(Ok(()), |record| record.finish(None).map_err(unwritten))
}

fn unwritten(error: std::io::Error) -> Error {
    Error::io("Cannot write --summary or --failed-list", error)
}

impl Observer for Watch {
    fn file(&self, lane: usize, job: &FileJob, event: FileEvent<'_>) {
        if let Some(record) = &self.record {
            record.file(lane, job, event);
        }
        self.reporter.file(lane, job, event);
    }

    fn run(&self, event: RunEvent<'_>) {
        self.reporter.run(event);
    }
}
