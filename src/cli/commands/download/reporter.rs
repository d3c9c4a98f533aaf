//! What a download shows: log lines as in the official client, and bars and a report at a terminal.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::cli::ui::values::{Num, float_repr, python_round, sizefmt};
use crate::cli::ui::{FileBar, Mark, Progress, Report, Ui, one_line};
use crate::hint::shell_word;
use crate::lock::lock;
use crate::transfer::events::{FileEvent, RunEvent};
use crate::transfer::file_record::FileRecord;
use crate::transfer::job::{DownloadOutcome, FileJob, JobId};
use crate::types::Did;

/// Reports the progress to the user: as log lines, or at a terminal by bars and a line for each file that ended.
pub(super) struct Reporter {
    progress: Option<Progress>,
    has_log_lines: bool,
    /// Options that restrict the replicas, as they are typed.
    source_options: String,
    bars: Mutex<HashMap<JobId, FileBar>>,
    report: Mutex<Report>,
    slots: AtomicUsize,
}

/// How a download ended.
#[derive(Debug, Default)]
pub(super) struct End {
    /// Whether the user stopped it.
    pub(super) interrupted: bool,
    /// Whether the next run uses partial files.
    pub(super) keeps_partial_files: bool,
    /// The command that downloads what is missing now.
    pub(super) next_command: String,
}

impl Reporter {
    /// Creates a reporter; it draws bars unless they are hidden. `source_options` restrict the replicas.
    pub(super) fn new(ui: &Ui, source_options: String) -> Self {
        Self {
            progress: Progress::new(ui),
            has_log_lines: ui.has_log_lines(),
            source_options,
            bars: Mutex::default(),
            report: Mutex::new(Report { verb: "Downloaded", ..Report::default() }),
            slots: AtomicUsize::new(1),
        }
    }

    /// Clears the bars, those of interrupted files first, and prints the result. `unfinished` are the interrupted files.
    pub(super) fn finish(&self, unfinished: &[FileRecord], end: End) {
        lock(&self.bars).clear();
        let Some(progress) = &self.progress else { return };
        progress.finish();
        let mut report = lock(&self.report);
        if end.interrupted {
            let kept = unfinished.iter().map(FileRecord::resumable);
            let kept = kept.filter(|bytes| end.keeps_partial_files && *bytes > 0);
            report.kept = Some(kept.fold((0, 0), |(all, files), bytes| (all + bytes, files + 1)));
        }
        if end.interrupted || !report.failures.is_empty() {
            report.next_command = Some(end.next_command);
        }
        progress.print_report(&report);
    }

    fn draw(&self, progress: &Progress, job: &FileJob, event: &FileEvent<'_>, record: Option<&FileRecord>) {
        let mut bars = lock(&self.bars);
        let size = job.bytes.unwrap_or(0);
        let rse = record.and_then(FileRecord::rse).unwrap_or_default();
        let start = || progress.file_started(&job.did.to_string(), rse, size);
        match event {
            FileEvent::Using { .. } => bars.entry(job.id).or_insert_with(start).set_label(rse),
            FileEvent::Resumed(bytes) => bars.entry(job.id).or_insert_with(start).resume(*bytes),
            FileEvent::FetchingArchive { pfn, bytes } => {
                // The archive replaces the bar of the file, which has no progress meanwhile.
                bars.remove(&job.id);
                bars.insert(job.id, progress.archive_started(pfn.file_name(), rse, bytes.unwrap_or(0)));
            }
            FileEvent::Unpacking { .. } => {
                bars.remove(&job.id);
                bars.insert(job.id, start());
            }
            FileEvent::Received(bytes) | FileEvent::ArchiveReceived(bytes) => {
                if let Some(bar) = bars.get(&job.id) {
                    bar.advance(*bytes);
                }
            }
            FileEvent::StartedOver => {
                if let Some(bar) = bars.get(&job.id) {
                    bar.restart();
                }
            }
            FileEvent::Ended(outcome) => ended(progress, bars.remove(&job.id), *outcome, size),
            _ => {}
        }
    }

    /// Prints a line if something has happened to a file that the user must know, and remembers failures.
    fn note(&self, progress: &Progress, job: &FileJob, event: &FileEvent<'_>, record: Option<&FileRecord>) {
        let did = job.did.to_string();
        let rse = record.and_then(FileRecord::rse).unwrap_or_default();
        match event {
            FileEvent::Ended(outcome) => {
                let Some(record) = record else { return };
                match outcome {
                    DownloadOutcome::Done if !self.has_log_lines => {
                        progress.print_ended(&did, rse, job.bytes, record.received(), record.elapsed());
                    }
                    DownloadOutcome::Done | DownloadOutcome::AlreadyDone => {}
                    DownloadOutcome::FileNotFound | DownloadOutcome::Failed => {
                        let is_found = *outcome == DownloadOutcome::Failed;
                        let reasons = if is_found { record.reasons() } else { self.no_source() };
                        lock(&self.report).add_failure(&did, &reasons);
                        if !self.has_log_lines {
                            progress.print_note(Mark::Failed, &did, &reasons);
                        }
                    }
                }
            }
            _ if self.has_log_lines => {}
            event => {
                if let Some(text) = warning(event, rse) {
                    progress.print_note(Mark::Warning, &did, &text);
                }
            }
        }
    }

    /// Returns why a file has no source: it has no replica, or the options exclude them.
    fn no_source(&self) -> String {
        match self.source_options.as_str() {
            "" => "no known replica".to_owned(),
            options => format!("no known replica matches {options}"),
        }
    }

    fn log_no_source(&self, prefix: &str, did: &Did) {
        let did = did.to_string();
        tracing::warn!("{prefix}No available source found for file: {} ({})", one_line(&did), self.no_source());
    }

    /// Returns the prefix `Thread 1/3: `, or nothing for a single thread.
    fn prefix(&self, slot: usize) -> String {
        match self.slots.load(Ordering::Relaxed) {
            0 | 1 => String::new(),
            slots => format!("Thread {slot}/{slots}: "),
        }
    }

    fn starting(&self, files: Option<u64>, bytes: u64, slots: usize) {
        self.slots.store(slots, Ordering::Relaxed);
        if self.has_log_lines {
            match (files, slots) {
                (Some(files), 0 | 1) => tracing::info!("Using main thread to download {files} file(s)"),
                (Some(files), _) => tracing::info!("Using {slots} threads to download {files} files"),
                (None, _) => tracing::info!("Using {slots} threads"),
            }
        }
        if let Some(progress) = &self.progress {
            progress.expect(files.unwrap_or(0), bytes);
        }
    }

    /// Handles an event of a file, whose record is `record`.
    pub(super) fn file(&self, slot: usize, job: &FileJob, event: FileEvent<'_>, record: Option<&FileRecord>) {
        if let Some(progress) = &self.progress {
            self.draw(progress, job, &event, record);
            self.note(progress, job, &event, record);
        }
        // There are thousands of these per file, and they are not logged.
        let is_progress = matches!(event, FileEvent::Received(_) | FileEvent::ArchiveReceived(_));
        if self.has_log_lines && !is_progress {
            let prefix = self.prefix(slot);
            match event {
                FileEvent::NoSource => self.log_no_source(&prefix, &job.did),
                event => log(&prefix, job, event, record),
            }
        }
    }

    /// Handles an event of the download.
    pub(super) fn run(&self, event: RunEvent<'_>) {
        match event {
            RunEvent::NothingFound(text) => {
                tracing::warn!("An item did not have any DIDs after resolving the input: {text}.");
            }
            RunEvent::DidMissing(did) => tracing::error!("DID does not exist: {}", one_line(&did.to_string())),
            RunEvent::NoReplicas { did, rse_expression } => {
                let did = one_line(&did.to_string()).into_owned();
                match rse_expression {
                    Some(rses) => tracing::error!("{did}: no replica matches --rses {}", shell_word(&one_line(rses))),
                    None => tracing::error!("{did}: it has no files, or no replicas"),
                }
            }
            RunEvent::OnlyOnTape(did) => tracing::warn!(
                "The requested DID {} only has replicas on tape. Direct download from tape is prohibited. \
                 Please request a transfer to a non-tape endpoint.",
                one_line(&did.to_string())
            ),
            RunEvent::WaitingForDisk { files, pause } => tracing::info!(
                "Waiting for {files} file(s) without a replica on disk: looking again in {} s",
                pause.as_secs_f64().ceil()
            ),
            RunEvent::Starting { files, bytes, slots } => self.starting(files, bytes, slots),
            RunEvent::Requested(_) | RunEvent::Choosing { .. } if !self.has_log_lines => {}
            RunEvent::Requested(items) => tracing::info!("Processing {items} item(s) for input"),
            RunEvent::Choosing { number, dids } => {
                let dids: Vec<_> = dids.iter().map(|did| format!("'{did}'")).collect();
                tracing::info!("Selecting {number} random replicas from DID(s): [{}]", dids.join(", "));
            }
        }
    }
}

/// Counts a file with this outcome, and removes its bar.
fn ended(progress: &Progress, bar: Option<FileBar>, outcome: DownloadOutcome, size: u64) {
    match (outcome, bar) {
        (DownloadOutcome::Done, Some(bar)) => bar.finish(),
        (outcome, bar) => {
            drop(bar);
            match outcome {
                DownloadOutcome::Done => progress.done_without_bar(size),
                DownloadOutcome::AlreadyDone => progress.already_there(size),
                DownloadOutcome::FileNotFound | DownloadOutcome::Failed => progress.failed(size),
            }
        }
    }
}

/// Returns what a user at a terminal must know before the file has ended.
fn warning(event: &FileEvent<'_>, rse: &str) -> Option<String> {
    let seconds = |wait: &Duration| wait.as_secs_f64().ceil();
    match event {
        FileEvent::Differs { by_size } => {
            let what = if *by_size { "size" } else { "checksum" };
            Some(format!("a different file of this name exists and is replaced ({what} mismatch)"))
        }
        FileEvent::Waiting => Some("another process is downloading it to the same path: waiting for it".to_owned()),
        FileEvent::CannotRead { reason, .. } => Some(format!("{rse}: {reason}")),
        FileEvent::StorageBusy { host, wait } => {
            Some(format!("the storage at {host} is busy: retrying in {} s, as it requests", seconds(wait)))
        }
        FileEvent::Staging { rse, wait } => {
            Some(format!("{rse} is staging it from tape: asking again in {} s", seconds(wait)))
        }
        FileEvent::AttemptFailed { attempt, of, reason } => Some(format!("{rse}: {reason} (try {attempt} of {of})")),
        FileEvent::Unverified => Some("the catalogue has no checksum: verified only its size".to_owned()),
        _ => None,
    }
}

fn log(prefix: &str, job: &FileJob, event: FileEvent<'_>, record: Option<&FileRecord>) {
    let did = job.did.to_string();
    let did = one_line(&did);
    match event {
        FileEvent::Started => tracing::info!("{prefix}Preparing download of {did}"),
        FileEvent::AlreadyThere => tracing::info!("{prefix}File exists already locally: {did}"),
        FileEvent::Differs { by_size } => {
            let what = if by_size { "filesize" } else { "checksum" };
            tracing::info!("{prefix}File with same name exists locally, but {what} mismatches: {did}");
        }
        FileEvent::Waiting => {
            tracing::info!("{prefix}Another process is downloading {did} to the same path: waiting for it")
        }
        FileEvent::Resumed(bytes) => {
            let size = sizefmt(Some(Num::from(bytes)), true);
            tracing::info!("{prefix}Resuming an earlier download, {size} already present: {did}");
        }
        FileEvent::Obstacle(reason) | FileEvent::Failed(reason) => {
            tracing::error!("{prefix}Failed to download file {did}: {}", one_line(reason))
        }
        FileEvent::Trying { scheme, rse, timeout } => {
            let timeout = timeout.map(|seconds| format!(" and timeout of {seconds}s")).unwrap_or_default();
            tracing::info!("{prefix}Trying to download with {scheme}{timeout} from {}: {did} ", one_line(rse));
        }
        FileEvent::CannotRead { pfn, reason } => {
            tracing::warn!("{prefix}Failed to create protocol for PFN: {} ({})", one_line(pfn), one_line(reason));
        }
        FileEvent::Using { pfn } => tracing::info!("{prefix}Using PFN: {}", one_line(pfn)),
        FileEvent::FetchingArchive { pfn, bytes } => {
            let size = bytes.map(|bytes| format!(" ({})", sizefmt(Some(Num::from(bytes)), true))).unwrap_or_default();
            let archive = one_line(pfn.as_str());
            tracing::info!("{prefix}Downloading the archive that contains the file: {archive}{size}");
        }
        FileEvent::Unpacking { archive } => tracing::info!("{prefix}Extracting {did} from {}", one_line(archive)),
        FileEvent::WrongContent { found, expected } => {
            tracing::warn!("{prefix}Checksum validation failed for file: {did}");
            tracing::debug!("Local checksum: {found}, Rucio checksum: {expected}");
        }
        FileEvent::SentAway => tracing::debug!("{prefix}The storage is overloaded: {did} is queued again"),
        FileEvent::StorageBusy { host, wait } => {
            let seconds = wait.as_secs_f64().ceil();
            tracing::warn!("{prefix}The storage at {host} is busy: retrying in {seconds} s, as it requests");
        }
        FileEvent::Staging { rse, wait } => {
            let seconds = wait.as_secs_f64().ceil();
            tracing::info!("{prefix}{} is staging {did} from tape: asking again in {seconds} s", one_line(rse));
        }
        FileEvent::AttemptFailed { attempt, of, reason } => {
            tracing::warn!("{prefix}Download attempt failed. Try {attempt}/{of} ({})", one_line(reason));
        }
        FileEvent::Unverified => {
            tracing::warn!("{prefix}The catalogue has no checksum of {did}: verified only its size")
        }
        FileEvent::Done { time, .. } => {
            let received = record.map_or(0, FileRecord::received_in_attempt);
            tracing::info!("{prefix}{}", one_line(&done(job, time, received)));
        }
        FileEvent::NoSource
        | FileEvent::Received(_)
        | FileEvent::ArchiveReceived(_)
        | FileEvent::StartedOver
        | FileEvent::Ended(_) => {}
    }
}

/// Returns the line of a file that is complete. The rate is that of the bytes that were received in this time, without those
/// of an earlier run. Where the storage reports none (0), it is that of the whole file.
fn done(job: &FileJob, time: Duration, received: u64) -> String {
    let did = &job.did;
    let seconds = python_round(time.as_secs_f64(), 2);
    let duration = float_repr(seconds);
    match job.bytes.filter(|bytes| *bytes > 0 && seconds > 0.0) {
        Some(bytes) => {
            let size = sizefmt(Some(Num::from(bytes)), true);
            let moved = if received == 0 { bytes } else { received.min(bytes) };
            let rate = float_repr(python_round(moved as f64 / seconds * 1e-6, 2));
            format!("File {did} successfully downloaded. {size} in {duration} seconds = {rate} MBps")
        }
        None => format!("File {did} successfully downloaded in {duration} seconds"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn download_verdict_of_a_file_is_the_official_line() {
        let mut job = FileJob::unknown(Did::new("test", "f"), 0);
        let line = |job: &FileJob, milliseconds| done(job, Duration::from_millis(milliseconds), 0);
        assert_eq!(line(&job, 1850), "File test:f successfully downloaded in 1.85 seconds");
        job.bytes = Some(39247);
        let expected = "File test:f successfully downloaded. 39.247 kB in 1.85 seconds = 0.02 MBps";
        assert_eq!(line(&job, 1850), expected);
        assert_eq!(line(&job, 4), "File test:f successfully downloaded in 0.0 seconds");
        job.bytes = Some(3_000_000);
        assert_eq!(line(&job, 10), "File test:f successfully downloaded. 3.000 MB in 0.01 seconds = 300.0 MBps");
        let resumed = done(&job, Duration::from_millis(10), 500_000);
        assert_eq!(resumed, "File test:f successfully downloaded. 3.000 MB in 0.01 seconds = 50.0 MBps");
    }

    #[test]
    fn download_without_a_source_names_the_options_that_exclude_replicas() {
        let reason = |options: &str| Reporter::new(&Ui::new(Vec::new(), false), options.to_owned()).no_source();
        assert_eq!(reason(""), "no known replica");
        assert_eq!(reason("--protocol root"), "no known replica matches --protocol root");
    }

    #[test]
    fn download_slots_are_named_where_there_are_several() {
        let reporter = Reporter::new(&Ui::new(Vec::new(), false), String::new());
        assert_eq!(reporter.prefix(0), "");
        reporter.slots.store(3, Ordering::Relaxed);
        assert_eq!(reporter.prefix(2), "Thread 2/3: ");
    }
}
