//! The steps of uploading one file, in their order: register, choose a protocol, write, register, attach.

use super::catalogue::Presence;
use super::events::{ExistingAt, UploadEvent};
use super::file_upload::{FileUpload, UploadError, reason, unix_seconds};
use super::local::Measured;
use super::transfer::{Placed, UploadTarget, WriteError};
use super::{Registration, UploadOutcome, Uploaded, names, target};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::storage::write::{Lock, Stored};
use crate::storage::{Pfn, StorageError, StorageErrorKind};
use crate::transfer::trace::Trace;
use crate::types::RseProtocol;

/// Next step after the storage was checked.
enum NextStep<'a> {
    /// Write the file, replacing this unregistered file if there is one.
    Write(Option<Stored>),
    /// The file was written.
    Written(Written<'a>),
    /// The file is complete at the storage; only register it.
    Register,
    /// Nothing to do: the file already exists here.
    Nothing(ExistingAt),
}

/// A file that was written by this run.
struct Written<'a> {
    /// Protocol used.
    protocol: &'a RseProtocol,
    /// The file under its final name.
    placed: Placed,
}

/// Why an upload with one protocol failed.
enum ProtocolError {
    /// Another protocol may succeed; `true` if the storage could be queried.
    NextProtocol(StorageError, bool),
    /// No other protocol can succeed.
    Final(UploadError),
}

impl FileUpload<'_> {
    /// Registers the file, if that comes first, and uploads it.
    pub(super) async fn register_and_upload(&self) -> UploadOutcome {
        let presence = match self.uploader.options.registration {
            Registration::Before => match self.register_before().await {
                Ok(known) => Some(known),
                Err(failure) => return self.failed(failure, None),
            },
            Registration::After | Registration::Never => None,
        };
        let mut trace = self.trace();
        match self.write_and_measure(presence, &mut trace).await {
            Ok((uploaded, NextStep::Nothing(there))) => self.nothing_to_do(uploaded, there).await,
            Ok((uploaded, NextStep::Register)) => {
                self.emit(UploadEvent::Complete);
                self.register_uploaded(uploaded, None).await
            }
            Ok((uploaded, NextStep::Written(written))) => {
                trace.set("transferEnd", unix_seconds());
                trace.set("clientState", "DONE");
                self.send(trace);
                self.register_uploaded(uploaded, Some(written)).await
            }
            Ok((_, NextStep::Write(_))) => self.failed(UploadError::File("it was not written".to_owned()), None),
            Err(failure) => {
                // Traces describe transfers; without a transfer there is no trace.
                if trace.has("protocol") {
                    trace.set("clientState", "FAILED");
                    trace.set("stateReason", reason(&failure));
                    self.send(trace);
                }
                let failure = match failure {
                    UploadError::Changed => UploadError::File(self.undo_registration(presence).await),
                    failure => failure,
                };
                self.failed(failure, None)
            }
        }
    }

    /// Registers the file as being copied: its checksums come first.
    async fn register_before(&self) -> Result<Presence, UploadError> {
        let permit = self.uploader.transfers.acquire().await;
        let measured = self.measured().await?;
        drop(permit);
        self.emit(UploadEvent::Registering);
        Ok(self.register(measured, "C").await?)
    }

    /// Writes the file to the storage. Returns it, with the next step.
    async fn write_and_measure(
        &self,
        presence: Option<Presence>,
        trace: &mut Trace,
    ) -> Result<(Uploaded, NextStep<'_>), UploadError> {
        let (pfn, next) = self.write_to_storage(presence, trace).await?;
        let measured = self.measured().await?.clone();
        Ok((Uploaded { measured, pfn }, next))
    }

    /// Tries one protocol after the other until the file is at the storage. Returns the PFN and the next step.
    async fn write_to_storage(
        &self,
        presence: Option<Presence>,
        trace: &mut Trace,
    ) -> Result<(Pfn, NextStep<'_>), UploadError> {
        let options = &self.uploader.options;
        let protocols = target::write_protocols(
            &options.rse,
            options.domain,
            options.schemes.as_deref(),
            options.implementation(),
        )?;
        let mut last = None;
        for protocol in protocols {
            let pfn = match &options.pfn {
                Some(pfn) => pfn.clone(),
                None => self.pfn(protocol).await?,
            };
            match self.try_protocol(protocol, &pfn, presence, trace).await {
                Ok(next) => return Ok((pfn, next)),
                Err(ProtocolError::Final(failure)) => return Err(failure),
                Err(ProtocolError::NextProtocol(error, looked)) => {
                    self.emit(UploadEvent::AttemptFailed { reason: &error.to_string() });
                    last = Some((error, looked));
                }
            }
        }
        Err(match last {
            Some((error, false)) => UploadError::Refused(Error::new(class_of(&error), error.to_string())),
            Some((error, true)) => UploadError::File(error.to_string()),
            None => UploadError::File("there is no protocol to write by".to_owned()),
        })
    }

    /// Tries to upload with one protocol.
    async fn try_protocol<'w>(
        &self,
        protocol: &'w RseProtocol,
        pfn: &Pfn,
        presence: Option<Presence>,
        trace: &mut Trace,
    ) -> Result<NextStep<'w>, ProtocolError> {
        let writer = self.uploader.storages.writer(pfn).map_err(|error| ProtocolError::NextProtocol(error, false))?;
        let logs_in = matches!(protocol.scheme.as_str(), "scp" | "sftp" | "rsync");
        let _login = if logs_in { self.uploader.logins.acquire().await.ok() } else { None };
        let _transfer = self.uploader.transfers.acquire().await.ok();
        let target_file = UploadTarget::new(self, protocol, pfn, writer);
        let there = target_file.stored().await.map_err(|error| ProtocolError::NextProtocol(error, false))?;
        let next = match there {
            None => NextStep::Write(None),
            Some(stored) => self.next_step(&stored, presence, pfn).await.map_err(ProtocolError::Final)?,
        };
        let NextStep::Write(old) = next else { return Ok(next) };
        self.emit(UploadEvent::Trying { scheme: &protocol.scheme, rse: &self.uploader.options.rse.rse });
        trace.set("protocol", protocol.scheme.as_str());
        trace.set("transferStart", unix_seconds());
        match target_file.write(old.as_ref()).await {
            Ok(placed) => Ok(NextStep::Written(Written { protocol, placed })),
            Err(WriteError::Changed) => Err(ProtocolError::Final(UploadError::Changed)),
            // Another process may have uploaded the same file meanwhile.
            Err(WriteError::Storage(_)) if self.is_there(&target_file).await => Ok(NextStep::Register),
            Err(WriteError::Storage(error)) => Err(ProtocolError::NextProtocol(error, true)),
        }
    }

    /// Returns whether this file is at the storage under its final name.
    async fn is_there(&self, target_file: &UploadTarget<'_>) -> bool {
        let Ok(Some(stored)) = target_file.stored().await else { return false };
        let Ok(measured) = self.measured().await else { return false };
        measured.matches_stored(&stored, self.uploader.options.rse.verify_checksum).is_ok()
    }

    /// Decides what to do about an existing file. A matching file is never overwritten.
    async fn next_step(
        &self,
        stored: &Stored,
        presence: Option<Presence>,
        pfn: &Pfn,
    ) -> Result<NextStep<'static>, UploadError> {
        let measured = self.measured().await?;
        let right = measured.matches_stored(stored, self.uploader.options.rse.verify_checksum).is_ok();
        let another = || {
            UploadError::File(if stored.is_known() {
                format!("another file lies there already: {pfn}")
            } else {
                format!("a file lies there already that cannot be compared: {pfn}")
            })
        };
        let there = if self.uploader.options.rse.deterministic { ExistingAt::AtRse } else { ExistingAt::AtPfn };
        match (self.uploader.options.registration, presence) {
            (Registration::Never, _) | (Registration::Before, Some(Presence::Available)) => {
                Ok(NextStep::Nothing(there))
            }
            (Registration::Before, _) => right.then_some(NextStep::Register).ok_or_else(another),
            (Registration::After, _) => match self.find_known(measured).await {
                Ok(Some(Presence::Elsewhere)) => right.then_some(NextStep::Register).ok_or_else(another),
                Ok(Some(_)) => Ok(NextStep::Nothing(ExistingAt::Registered)),
                Ok(None) if right => Ok(NextStep::Register),
                Ok(None) => {
                    self.emit(UploadEvent::Overwriting);
                    Ok(NextStep::Write(Some(stored.clone())))
                }
                Err(error) if is_name_taken(&error) => Err(UploadError::File(error.to_string())),
                Err(error) => Err(error.into()),
            },
        }
    }

    /// Registers a file that is at the storage as far as necessary; `written` is set if this run wrote it.
    async fn register_uploaded(&self, uploaded: Uploaded, written: Option<Written<'_>>) -> UploadOutcome {
        let (protocol, placed) = written.map(|written| (written.protocol, written.placed)).unzip();
        let (lock, is_safe) = placed.map_or((None, true), |placed| (placed.lock, placed.is_safe));
        self.emit(UploadEvent::Registering);
        let registered = match self.uploader.options.registration {
            Registration::Never => Ok(()),
            Registration::Before => self.declare_available(&uploaded.measured).await,
            Registration::After => self.register_after(&uploaded, protocol).await.map_err(UploadError::Refused),
        };
        match (lock, protocol) {
            (Some(lock), _) => self.uploader.unlock(&lock).await,
            (None, None) if registered.is_ok() && self.uploader.options.registration != Registration::Never => {
                self.clear_lock(&uploaded.pfn).await;
            }
            (None, _) => {}
        }
        let attached = match registered {
            Ok(()) => self.attach().await.map(drop),
            Err(failure) => Err(failure),
        };
        let ended = match (attached, protocol) {
            (Ok(()), Some(protocol)) if !is_safe => self.check_in_place(&uploaded, protocol).await,
            (attached, _) => attached,
        };
        match ended {
            Ok(()) => {
                self.emit(UploadEvent::Done);
                UploadOutcome::Done(uploaded)
            }
            Err(failure) => self.failed(failure, Some(uploaded)),
        }
    }

    /// Deletes the lock of a process that was killed before it registered its file. The file is registered by now, so
    /// no process replaces it, with or without the lock.
    async fn clear_lock(&self, pfn: &Pfn) {
        let Ok(writer) = self.uploader.storages.writer(pfn) else { return };
        let created = self.uploader.leftovers.create_lock(writer.lock(&names::lock(pfn))).await;
        if let Ok(Lock::Held(lock) | Lock::Taken(lock)) = created {
            self.uploader.unlock(&lock).await;
        }
    }

    /// Verifies again a file that another process may have replaced.
    async fn check_in_place(&self, uploaded: &Uploaded, protocol: &RseProtocol) -> Result<(), UploadError> {
        let failed = |error: StorageError| UploadError::File(error.to_string());
        let writer = self.uploader.storages.writer(&uploaded.pfn).map_err(failed)?;
        let target_file = UploadTarget::new(self, protocol, &uploaded.pfn, writer);
        target_file.check_name(&uploaded.measured).await.map_err(failed)
    }

    /// Registers a written file. Deletes it again if the catalogue rejects it: an unregistered file would never be
    /// found.
    async fn register_after(&self, uploaded: &Uploaded, protocol: Option<&RseProtocol>) -> Result<()> {
        let refused = |error: &Error| !error.is_before_start() && error.status().is_some_and(|status| status < 500);
        let outcome = self.register(&uploaded.measured, "A").await;
        if let (Err(error), Some(protocol)) = (&outcome, protocol)
            && (refused(error) || is_name_taken(error))
            && self.is_unknown(&uploaded.measured, target::uses_temporary_name(protocol)).await
            && self.check_in_place(uploaded, protocol).await.is_ok()
        {
            self.uploader.discard(&uploaded.pfn).await;
        }
        outcome.map(drop)
    }

    /// Returns whether the catalogue does not know the stored file. If other processes can write it too (`is_ours` is
    /// false), a different file in the catalogue may be the stored one.
    async fn is_unknown(&self, measured: &Measured, is_ours: bool) -> bool {
        match self.find_known(measured).await {
            Ok(known) => known.is_none(),
            Err(error) => is_ours && is_name_taken(&error),
        }
    }

    async fn nothing_to_do(&self, uploaded: Uploaded, there: ExistingAt) -> UploadOutcome {
        self.emit(UploadEvent::AlreadyThere(there));
        let completed = async {
            let added = self.add_missing_rule().await?;
            Ok::<_, UploadError>(self.attach().await? || added)
        };
        match completed.await {
            Ok(true) => {
                self.emit(UploadEvent::Done);
                UploadOutcome::Done(uploaded)
            }
            Ok(false) => UploadOutcome::AlreadyThere(Some(uploaded)),
            Err(failure) => self.failed(failure, Some(uploaded)),
        }
    }
}

/// Exception for a storage that cannot even be queried.
fn class_of(error: &StorageError) -> Exception {
    match error.kind {
        StorageErrorKind::Denied => Exception::RSEAccessDenied,
        StorageErrorKind::Unsupported => Exception::RSEProtocolNotSupported,
        _ => Exception::ServiceUnavailable,
    }
}

/// Returns whether the catalogue has a different file of this name.
fn is_name_taken(error: &Error) -> bool {
    error.class() == Some(Exception::DataIdentifierAlreadyExists)
}
