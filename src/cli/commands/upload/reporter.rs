//! Progress bars and log lines of an upload, in the official client's words.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::cli::ui::{FileBar, Progress, Ui, log, one_line};
use crate::lock::lock;
use crate::transfer::job::JobId;
use crate::transfer::upload::UploadOutcome;
use crate::transfer::upload::events::{ExistingAt, UploadEvent, UploadObserver};
use crate::transfer::upload::folders::CreationEvent;
use crate::transfer::upload::local::LocalFile;

/// Shows the progress of an upload to the user.
pub(super) struct Reporter {
    progress: Option<Progress>,
    bars: Mutex<HashMap<JobId, (FileBar, u64)>>,
}

impl Reporter {
    /// Creates a reporter, with bars if the terminal shows them.
    pub(super) fn new(ui: &Ui) -> Self {
        let bars = ui.bars();
        Self { progress: (!bars.is_hidden()).then(|| Progress::new(bars)), bars: Mutex::default() }
    }

    /// Sets the number and total size of the files to upload.
    pub(super) fn expect(&self, files: &[LocalFile]) {
        if let Some(progress) = &self.progress {
            progress.expect(files.len() as u64, files.iter().map(|file| file.bytes).sum());
        }
    }

    /// Removes the bars from the screen, those of interrupted files first.
    pub(super) fn finish(&self) {
        lock(&self.bars).clear();
        if let Some(progress) = &self.progress {
            progress.finish();
        }
    }

    fn draw(&self, file: &LocalFile, event: &UploadEvent<'_>) {
        let Some(progress) = &self.progress else { return };
        let mut bars = lock(&self.bars);
        match event {
            UploadEvent::Trying { .. } => {
                bars.entry(file.id).or_insert_with(|| (progress.file_started(&file.did.to_string(), file.bytes), 0));
            }
            UploadEvent::Sent(bytes) => {
                if let Some((bar, known)) = bars.get_mut(&file.id) {
                    if bytes < known {
                        bar.restart();
                        *known = 0;
                    }
                    bar.advance(bytes - *known);
                    *known = *bytes;
                }
            }
            UploadEvent::Ended(outcome) => match (outcome, bars.remove(&file.id)) {
                (UploadOutcome::Done(_), Some((bar, _))) => bar.finish(),
                (outcome, bar) => {
                    drop(bar);
                    match outcome {
                        UploadOutcome::Failed { .. } => progress.failed(file.bytes),
                        _ => progress.skipped(file.bytes),
                    }
                }
            },
            _ => {}
        }
    }
}

impl UploadObserver for Reporter {
    fn file(&self, file: &LocalFile, event: UploadEvent<'_>) {
        self.draw(file, &event);
        // `Sent` comes many times per file and is never logged.
        if !matches!(event, UploadEvent::Sent(_)) {
            log(file, event);
        }
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
        UploadEvent::Sent(_) | UploadEvent::Attached(_) | UploadEvent::Ended(_) => {}
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
pub(super) fn collection(made: CreationEvent<'_>) {
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
