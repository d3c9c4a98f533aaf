//! Drives the upload of one file: the steps in their order, and the outcome.

use std::time::SystemTime;

use super::catalogue::Presence;
use super::events::{There, UploadEvent};
use super::local::{Local, Measured};
use super::transfer::{self, Unwritten};
use super::{Outcome, Registration, Uploaded, Uploader, names, target};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::storage::write::{Lock, Stored};
use crate::storage::{Kind, StorageError};
use crate::transfer::clock;
use crate::transfer::trace::Trace;
use crate::types::{Did, RseProtocol};

/// Message for a file that was modified during the upload.
pub(super) const CHANGED: &str = "the file changed while it was uploaded";

/// Why the upload of a file failed.
pub(super) enum Failure {
    /// Rejection by catalogue or storage; decides the exit code.
    Refused(Error),
    /// Failure of this file only.
    File(String),
    /// The local file changed after it was measured and registered.
    Changed,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// The upload of one file.
pub(super) struct Run<'a> {
    pub(super) all: &'a Uploader<'a>,
    pub(super) file: &'a Local,
}

/// Next step after the storage was checked.
enum Next<'a> {
    /// Write the file, replacing this unregistered file if there is one.
    Write(Option<Stored>),
    /// The file was written.
    Written(Written<'a>),
    /// The file is complete at the storage; only register it.
    Tell,
    /// Nothing to do: the file already exists here.
    Nothing(There),
}

/// A file that was written by this run.
struct Written<'a> {
    /// Protocol used.
    way: &'a RseProtocol,
    /// Lock on its name, released when the file is registered.
    lock: Option<String>,
}

impl Run<'_> {
    pub(super) fn tell(&self, event: UploadEvent<'_>) {
        self.all.observer.file(self.file, event);
    }

    pub(super) async fn registered_first(&self, measured: Measured) -> Outcome {
        let mut presence = None;
        if self.all.options.registration == Registration::Before {
            match self.register(&measured, "C").await {
                Ok(known) => presence = Some(known),
                Err(error) => return self.failed(Failure::Refused(error), None),
            }
        }
        let mut trace = self.trace(&measured);
        match self.at_storage(&measured, presence, &mut trace).await {
            Ok((pfn, Next::Nothing(there))) => self.nothing_to_do(measured, pfn, there).await,
            Ok((pfn, Next::Tell)) => {
                self.tell(UploadEvent::Complete);
                self.told(Uploaded { measured, pfn }, None).await
            }
            Ok((pfn, Next::Written(written))) => {
                trace.set("transferEnd", now());
                trace.set("clientState", "DONE");
                self.send(trace);
                self.told(Uploaded { measured, pfn }, Some(written)).await
            }
            Ok((_, Next::Write(_))) => self.failed(Failure::File("it was not written".to_owned()), None),
            Err(failure) => {
                // Traces describe transfers; without a transfer there is no trace.
                if trace.has("protocol") {
                    trace.set("clientState", "FAILED");
                    trace.set("stateReason", reason(&failure));
                    self.send(trace);
                }
                let failure = match failure {
                    Failure::Changed => Failure::File(self.after_change(&measured, presence).await),
                    failure => failure,
                };
                self.failed(failure, None)
            }
        }
    }

    /// Tries one protocol after the other until the file is at the storage. Returns the PFN and the next step.
    async fn at_storage(
        &self,
        measured: &Measured,
        presence: Option<Presence>,
        trace: &mut Trace,
    ) -> Result<(String, Next<'_>), Failure> {
        let options = &self.all.options;
        let ways = target::ways(&options.rse, options.domain, options.schemes.as_deref(), options.implementation())?;
        let mut last = None;
        for way in ways {
            let pfn = match &options.pfn {
                Some(pfn) => pfn.clone(),
                None => self.pfn(way).await?,
            };
            match self.by(way, &pfn, measured, presence, trace).await {
                Ok(next) => return Ok((pfn, next)),
                Err(Broken::Final(failure)) => return Err(failure),
                Err(Broken::Way(error, looked)) => {
                    self.tell(UploadEvent::AttemptFailed { reason: &error.to_string() });
                    last = Some((error, looked));
                }
            }
        }
        Err(match last {
            Some((error, false)) => Failure::Refused(Error::new(class_of(&error), error.to_string())),
            Some((error, true)) => Failure::File(error.to_string()),
            None => Failure::File("there is no protocol to write by".to_owned()),
        })
    }

    /// Tries to upload with one protocol.
    async fn by<'w>(
        &self,
        way: &'w RseProtocol,
        pfn: &str,
        measured: &Measured,
        presence: Option<Presence>,
        trace: &mut Trace,
    ) -> Result<Next<'w>, Broken> {
        let writer = self.all.storages.writer(pfn).map_err(|error| Broken::Way(error, false))?;
        let logs_in = matches!(way.scheme.as_str(), "scp" | "rsync");
        let _login = if logs_in { self.all.logins.acquire().await.ok() } else { None };
        let _lane = self.all.lanes.acquire().await.ok();
        let place = transfer::Place { run: self, way, pfn, writer };
        let there = place.look().await.map_err(|error| Broken::Way(error, false))?;
        let next = match there {
            None => Next::Write(None),
            Some(stored) => self.about(&stored, measured, presence, pfn).await.map_err(Broken::Final)?,
        };
        let Next::Write(old) = next else { return Ok(next) };
        self.tell(UploadEvent::Trying { scheme: &way.scheme, rse: &self.all.options.rse.rse });
        trace.set("protocol", way.scheme.as_str());
        trace.set("transferStart", now());
        match place.write(measured, old.as_ref()).await {
            Ok(lock) => Ok(Next::Written(Written { way, lock })),
            Err(Unwritten::Changed) => Err(Broken::Final(Failure::Changed)),
            // Another process may have uploaded the same file meanwhile.
            Err(Unwritten::Storage(_)) if self.is_there(&place, measured).await => Ok(Next::Tell),
            Err(Unwritten::Storage(error)) => Err(Broken::Way(error, true)),
        }
    }

    /// Returns whether this file is at the storage under its final name.
    async fn is_there(&self, place: &transfer::Place<'_>, measured: &Measured) -> bool {
        let stored = place.look().await.ok().flatten();
        stored.is_some_and(|stored| measured.is(&stored, self.all.options.rse.verify_checksum).is_ok())
    }

    /// Decides what to do about an existing file. A matching file is never overwritten.
    async fn about(
        &self,
        stored: &Stored,
        measured: &Measured,
        presence: Option<Presence>,
        pfn: &str,
    ) -> Result<Next<'static>, Failure> {
        let right = measured.is(stored, self.all.options.rse.verify_checksum).is_ok();
        let another = || match stored.is_known() {
            true => Failure::File(format!("another file lies there already: {pfn}")),
            false => Failure::File(format!("a file lies there already that cannot be compared: {pfn}")),
        };
        let there = if self.all.options.rse.deterministic { There::AtRse } else { There::AtPfn };
        match (self.all.options.registration, presence) {
            (Registration::Never, _) | (Registration::Before, Some(Presence::Available)) => Ok(Next::Nothing(there)),
            (Registration::Before, _) => right.then_some(Next::Tell).ok_or_else(another),
            (Registration::After, _) => match self.known(measured).await {
                Ok(Some(Presence::Elsewhere)) => right.then_some(Next::Tell).ok_or_else(another),
                Ok(Some(_)) => Ok(Next::Nothing(There::Registered)),
                Ok(None) if right => Ok(Next::Tell),
                Ok(None) => {
                    self.tell(UploadEvent::Overwriting);
                    Ok(Next::Write(Some(stored.clone())))
                }
                Err(error) if is_another(&error) => Err(Failure::File(error.to_string())),
                Err(error) => Err(error.into()),
            },
        }
    }

    /// Registers a file that is at the storage as far as necessary; `written` is set if this run wrote it.
    async fn told(&self, uploaded: Uploaded, written: Option<Written<'_>>) -> Outcome {
        let (way, lock) = written.map(|written| (written.way, written.lock)).unzip();
        let told = match self.all.options.registration {
            Registration::Never => Ok(()),
            Registration::Before => self.available(&uploaded.measured).await,
            Registration::After => self.register_after(&uploaded, way).await.map_err(Failure::Refused),
        };
        match (lock.flatten(), way) {
            (Some(lock), _) => self.all.unlock(&lock).await,
            (None, None) if told.is_ok() && self.all.options.registration != Registration::Never => {
                self.clear_lock(&uploaded.pfn).await;
            }
            (None, _) => {}
        }
        let attached = match told {
            Ok(()) => self.attach().await.map(drop),
            Err(failure) => Err(failure),
        };
        let ended = match (attached, way) {
            (Ok(()), Some(way)) if !target::renames(way) => self.check_in_place(&uploaded, way).await,
            (attached, _) => attached,
        };
        match ended {
            Ok(()) => {
                self.tell(UploadEvent::Done);
                Outcome::Done(uploaded)
            }
            Err(failure) => self.failed(failure, Some(uploaded)),
        }
    }

    /// Deletes the lock of a process that was killed before it registered its file. The file is registered by now, so
    /// no process replaces it, with or without the lock.
    async fn clear_lock(&self, pfn: &str) {
        let Ok(writer) = self.all.storages.writer(pfn) else { return };
        if let Ok(Lock::Held(lock) | Lock::Taken(lock)) = writer.lock(&names::lock(pfn)).await {
            self.all.discard(&lock).await;
        }
    }

    /// Verifies again a file that was written directly under its final name: another process may have overwritten it.
    async fn check_in_place(&self, uploaded: &Uploaded, way: &RseProtocol) -> Result<(), Failure> {
        let failed = |error: StorageError| Failure::File(error.to_string());
        let writer = self.all.storages.writer(&uploaded.pfn).map_err(failed)?;
        let place = transfer::Place { run: self, way, pfn: &uploaded.pfn, writer };
        place.check_name(&uploaded.measured).await.map_err(failed)
    }

    /// Registers a written file. Deletes it again if the catalogue rejects it: an unregistered file would never be
    /// found.
    async fn register_after(&self, uploaded: &Uploaded, way: Option<&RseProtocol>) -> Result<()> {
        let refused = |error: &Error| matches!(error, Error::Rucio(refusal) if refusal.status.is_some_and(|s| s < 500));
        let outcome = self.register(&uploaded.measured, "A").await;
        if let (Err(error), Some(way)) = (&outcome, way)
            && (refused(error) || is_another(error))
            && self.is_unknown(&uploaded.measured, target::renames(way)).await
            && self.check_in_place(uploaded, way).await.is_ok()
        {
            self.all.discard(&uploaded.pfn).await;
        }
        outcome.map(drop)
    }

    /// Returns whether the catalogue does not know the stored file. If other processes can write it too (`is_ours` is
    /// false), a different file in the catalogue may be the stored one.
    async fn is_unknown(&self, measured: &Measured, is_ours: bool) -> bool {
        match self.known(measured).await {
            Ok(known) => known.is_none(),
            Err(error) => is_ours && is_another(&error),
        }
    }

    async fn nothing_to_do(&self, measured: Measured, pfn: String, there: There) -> Outcome {
        self.tell(UploadEvent::AlreadyThere(there));
        let uploaded = Uploaded { measured, pfn };
        match self.attach().await {
            Ok(true) => {
                self.tell(UploadEvent::Done);
                Outcome::Done(uploaded)
            }
            Ok(false) => Outcome::AlreadyThere(Some(uploaded)),
            Err(failure) => self.failed(failure, Some(uploaded)),
        }
    }

    pub(super) fn failed(&self, failure: Failure, uploaded: Option<Uploaded>) -> Outcome {
        let reason = reason(&failure);
        self.tell(UploadEvent::Failed { reason: &reason });
        let error = match failure {
            Failure::Refused(error) => Some(error),
            Failure::File(_) | Failure::Changed => None,
        };
        Outcome::Failed { reason, error, uploaded }
    }

    fn trace(&self, measured: &Measured) -> Trace {
        let mut trace = Trace::from(self.all.common_trace.clone());
        let dataset = self.file.dataset.as_ref();
        trace.set("scope", self.file.did.scope.as_str());
        trace.set("datasetScope", dataset.map_or("", |did| did.scope.as_str()));
        trace.set("dataset", dataset.map_or("", |did| did.name.as_str()));
        trace.set("remoteSite", self.all.options.rse.rse.as_str());
        trace.set("filesize", measured.bytes);
        trace
    }

    fn send(&self, trace: Trace) {
        if let Some(tracer) = self.all.tracer {
            tracer.send(trace);
        }
    }

    pub(super) fn did(&self) -> &Did {
        &self.file.did
    }
}

/// Why an upload with one protocol failed.
enum Broken {
    /// Another protocol may succeed; `true` if the storage could be queried.
    Way(StorageError, bool),
    /// No other protocol can succeed.
    Final(Failure),
}

/// Exception for a storage that cannot even be queried.
fn class_of(error: &StorageError) -> Exception {
    match error.kind {
        Kind::Denied => Exception::RSEAccessDenied,
        Kind::Unsupported => Exception::RSEProtocolNotSupported,
        _ => Exception::ServiceUnavailable,
    }
}

/// Returns whether the catalogue has a different file of this name.
fn is_another(error: &Error) -> bool {
    error.class() == Some(Exception::DataIdentifierAlreadyExists)
}

fn reason(failure: &Failure) -> String {
    match failure {
        Failure::Refused(error) => error.to_string(),
        Failure::File(reason) => reason.clone(),
        Failure::Changed => CHANGED.to_owned(),
    }
}

fn now() -> f64 {
    clock::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
