//! What an upload shows: log lines as in the official client, and bars and a report at a terminal.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::cli::ui::{FileBar, Mark, Progress, Report, Ui, log, one_line};
use crate::lock::lock;
use crate::transfer::job::JobId;
use crate::transfer::upload::UploadOutcome;
use crate::transfer::upload::events::{ExistingAt, UploadEvent, UploadObserver};
use crate::transfer::upload::folders::CreationEvent;
use crate::transfer::upload::local::LocalFile;

/// Shows the progress of an upload to the user: as log lines, or at a terminal by bars and a line for each file that ended.
pub(super) struct Reporter {
    progress: Option<Progress>,
    has_log_lines: bool,
    rse: String,
    files: Mutex<HashMap<JobId, ActiveFile>>,
    report: Mutex<Report>,
}

/// A file in progress: its bar, the bytes sent in the current attempt and in all, and its start.
struct ActiveFile {
    bar: FileBar,
    known: u64,
    moved: u64,
    start: Instant,
}

impl Reporter {
    /// Creates a reporter, with bars if the terminal shows them.
    pub(super) fn new(ui: &Ui, rse: &str) -> Self {
        Self {
            progress: Progress::new(ui),
            has_log_lines: ui.has_log_lines(),
            rse: rse.to_owned(),
            files: Mutex::default(),
            report: Mutex::new(Report { verb: "Uploaded", ..Report::default() }),
        }
    }

    /// Sets the number and total size of the files to upload.
    pub(super) fn expect(&self, files: &[LocalFile]) {
        if let Some(progress) = &self.progress {
            progress.expect(files.len() as u64, files.iter().map(|file| file.bytes).sum());
        }
    }

    /// Removes the bars from the screen, those of interrupted files first, and prints the result.
    pub(super) fn finish(&self, interrupted: bool, next_command: String) {
        lock(&self.files).clear();
        let Some(progress) = &self.progress else { return };
        progress.finish();
        let mut report = lock(&self.report);
        if interrupted {
            report.kept = Some((0, 0));
        }
        if interrupted || !report.failures.is_empty() {
            report.next_command = Some(next_command);
        }
        progress.print_report(&report);
    }

    fn draw(&self, progress: &Progress, file: &LocalFile, event: &UploadEvent<'_>) {
        let mut files = lock(&self.files);
        // Most files are read for their checksums only while they are sent.
        let first_phase = match event {
            UploadEvent::Measured(0) => Some("checksum"),
            UploadEvent::Trying { .. } => Some("upload"),
            _ => None,
        };
        if let Some(phase) = first_phase {
            files.entry(file.id).or_insert_with(|| ActiveFile::new(progress, file, phase));
        }
        if let UploadEvent::Ended(outcome) = event {
            return self.ended(progress, file, files.remove(&file.id), outcome);
        }
        let Some(active) = files.get_mut(&file.id) else { return };
        match event {
            UploadEvent::Measured(0) => active.start_phase("checksum", Some(file.bytes), false),
            UploadEvent::Measured(bytes) => active.advance_to(*bytes),
            UploadEvent::Registering => active.start_phase("register", None, false),
            UploadEvent::Trying { .. } => active.start_phase("upload", Some(file.bytes), true),
            UploadEvent::Sent(bytes) => active.sent(*bytes),
            UploadEvent::Verifying => active.start_phase("verify", None, false),
            _ => {}
        }
    }

    /// Counts a file that has ended, and prints its line.
    fn ended(&self, progress: &Progress, file: &LocalFile, active: Option<ActiveFile>, outcome: &UploadOutcome) {
        let name = file.did.to_string();
        match outcome {
            UploadOutcome::Done(_) => {
                let (moved, time) =
                    active.as_ref().map_or((0, Duration::ZERO), |file| (file.moved, file.start.elapsed()));
                match active {
                    Some(active) => active.bar.finish(),
                    None => progress.done_without_bar(file.bytes),
                }
                if !self.has_log_lines {
                    progress.print_ended(&name, &self.rse, Some(file.bytes), moved, time);
                }
            }
            UploadOutcome::AlreadyThere(_) => {
                drop(active);
                progress.already_there(file.bytes);
            }
            UploadOutcome::Failed { reason, .. } => {
                drop(active);
                progress.failed(file.bytes);
                lock(&self.report).add_failure(&name, reason);
                if !self.has_log_lines {
                    progress.print_note(Mark::Failed, &name, reason);
                }
            }
        }
    }

    /// Reports the outcome of creating or filling a collection.
    pub(super) fn collection(&self, made: CreationEvent<'_>) {
        if self.has_log_lines || matches!(made, CreationEvent::Failed { .. }) {
            log_collection(made);
        }
    }
}

impl ActiveFile {
    fn new(progress: &Progress, file: &LocalFile, phase: &str) -> Self {
        let bar = progress.file_started(&file.did.to_string(), phase, file.bytes);
        Self { bar, known: 0, moved: 0, start: Instant::now() }
    }

    fn start_phase(&mut self, label: &str, bytes: Option<u64>, counts: bool) {
        self.known = 0;
        self.bar.start_phase(label, bytes, counts);
    }

    fn advance_to(&mut self, bytes: u64) {
        self.bar.advance(bytes.saturating_sub(self.known));
        self.known = self.known.max(bytes);
    }

    fn sent(&mut self, bytes: u64) {
        if bytes < self.known {
            self.bar.restart();
            self.known = 0;
        }
        self.moved += bytes - self.known;
        self.advance_to(bytes);
    }
}

impl UploadObserver for Reporter {
    fn file(&self, file: &LocalFile, event: UploadEvent<'_>) {
        if let Some(progress) = &self.progress {
            self.draw(progress, file, &event);
            if let Some(text) = warning(&event).filter(|_| !self.has_log_lines) {
                progress.print_note(Mark::Warning, &file.did.to_string(), &text);
            }
        }
        // These come many times per file and are never logged.
        let is_progress = matches!(event, UploadEvent::Sent(_) | UploadEvent::Measured(_));
        if self.has_log_lines && !is_progress {
            log(file, event);
        }
    }
}

/// Returns what a user at a terminal must know before the file has ended.
fn warning(event: &UploadEvent<'_>) -> Option<String> {
    match event {
        UploadEvent::ForeignScope { .. } => Some("its scope does not belong to the account".to_owned()),
        UploadEvent::Unverified => Some("the storage reports no checksum: verified only its size".to_owned()),
        UploadEvent::Overwriting => Some("a file that is not in the catalogue is replaced".to_owned()),
        UploadEvent::AlreadyThere(there) => Some(already(*there).to_owned()),
        UploadEvent::AttemptFailed { reason } => Some(format!("an attempt failed: {reason}")),
        UploadEvent::StateFailed { denied: true } => Some(
            "the account may not declare the replica available; to register files after their upload instead, use \
             --register-after-upload"
                .to_owned(),
        ),
        _ => None,
    }
}

fn log(file: &LocalFile, event: UploadEvent<'_>) {
    let name = one_line(&file.basename);
    let did = file.did.to_string();
    let did = one_line(&did);
    match event {
        UploadEvent::Started => tracing::info!("Preparing upload for file {name}"),
        UploadEvent::ForeignScope { account } => {
            tracing::warn!("Scope {} not found for the account {account}.", file.did.scope);
        }
        UploadEvent::DatasetMade(did) => tracing::info!("Successfully created dataset {}", one_line(&did.to_string())),
        UploadEvent::DatasetKnown(did) => {
            tracing::info!("Dataset {} already exists - no rule will be created", one_line(&did.to_string()))
        }
        UploadEvent::Known => tracing::info!("File DID already exists: {did}"),
        UploadEvent::Registered(rse) => {
            tracing::info!("Successfully added replica in Rucio catalogue at {rse}: {did}");
        }
        UploadEvent::RuleMade(rse) => tracing::info!("Successfully added replication rule at {rse}: {did}"),
        UploadEvent::Trying { scheme, rse } => tracing::info!("Trying upload with {scheme} to {rse}: {name}"),
        UploadEvent::Written { pfn } => tracing::info!("Successful upload of temporary file. {}", one_line(pfn)),
        UploadEvent::Unverified => {
            tracing::warn!("The storage reports no checksum of {name}: verified only its size");
        }
        UploadEvent::Overwriting => {
            tracing::info!("File already exists on RSE. Previous left overs will be overwritten. {name}");
        }
        UploadEvent::Complete => tracing::info!("File is already complete at the RSE; only registering it: {name}"),
        UploadEvent::AlreadyThere(there) => tracing::info!("{}: {name}", already(there)),
        UploadEvent::AttemptFailed { reason } => tracing::warn!("Upload attempt failed ({})", one_line(reason)),
        UploadEvent::StateFailed { denied } => {
            tracing::error!("Failed to update replica state for file {name}");
            if denied {
                log::hint("To register files after their upload instead: --register-after-upload");
            }
        }
        UploadEvent::AttachFailed => tracing::error!("Failed to attach file to the dataset: {name}"),
        UploadEvent::Failed { reason } => tracing::error!("Failed to upload file {name}: {reason}"),
        UploadEvent::Done => tracing::info!("Successfully uploaded file {name}"),
        UploadEvent::Measured(_)
        | UploadEvent::Registering
        | UploadEvent::Sent(_)
        | UploadEvent::Verifying
        | UploadEvent::Attached(_)
        | UploadEvent::Ended(_) => {}
    }
}

fn already(there: ExistingAt) -> &'static str {
    match there {
        ExistingAt::AtRse => "File already exists on RSE. Skipping upload",
        ExistingAt::AtPfn => {
            "File already exists on RSE with given pfn. Skipping upload. Existing replica has to be removed first"
        }
        ExistingAt::Registered => "File already registered. Skipping upload.",
    }
}

/// Logs the outcome of creating or filling a collection.
fn log_collection(made: CreationEvent<'_>) {
    match made {
        CreationEvent::Done { what: "content", did } => tracing::info!("DIDs attached to collection {did}"),
        CreationEvent::Done { what, did } => tracing::info!("Created {what} with DID {did}"),
        CreationEvent::Failed { what: "content", did, error } => {
            tracing::error!("{error}");
            tracing::error!("It was not possible to attach to collection with DID {did}");
        }
        CreationEvent::Failed { what, did, error } => {
            tracing::error!("{error}");
            tracing::error!("It was not possible to create dataset with DID {did} ({what})");
        }
    }
}
