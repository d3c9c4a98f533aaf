//! Tries the sources of a file one after the other. A busy source that requests a wait is retried after it; meanwhile
//! the others are tried.
//!
//! Also what makes a source readable: a new signature, extraction from an archive, the requested implementation. One
//! attempt at a source belongs to `attempt`.

pub mod archives;
pub mod implementations;
mod renew_signature;
pub mod rse_protocols;
mod unpack;

use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use super::attempt_error::AttemptError;
use super::{ATTEMPTS, Downloaded, FileDownload, GiveUp};
use crate::storage::{Storage, StorageError, StorageErrorKind};
use crate::transfer::clock;
use crate::transfer::events::FileEvent;
use crate::transfer::job::Source;
use crate::transfer::limits::host_limits::{self, HostSlot};
use crate::transfer::limits::wait_budget::WaitBudget;
use crate::transfer::partial_file::resume_state::ResumeState;
use crate::transfer::trace::Trace;

/// Maximum number of overload answers from a source that serves other files of ours. Chosen: halving the limit ten times
/// brings any concurrency down to one.
const MAX_OVERLOADS: u32 = 10;

/// A source, and its number of attempts.
struct Candidate<'s> {
    source: &'s Source,
    /// Number of the next attempt, from 1.
    attempt: u32,
    /// Number of failures, including overload answers that cost no attempt.
    overloads: u32,
    /// Time from which it may be asked.
    ready: Instant,
    /// Whether it stages the file until then.
    is_staging: bool,
}

/// The reason why a source returned no file.
enum SourceError {
    /// To be retried after this time.
    Busy(StorageError, Duration),
    /// All attempts failed.
    Failed(AttemptError),
    /// This program cannot read it.
    Unreadable(String),
}

impl From<AttemptError> for SourceError {
    fn from(failure: AttemptError) -> Self {
        Self::Failed(failure)
    }
}

/// State shared by all sources of a file.
struct SourceContext<'c> {
    destination: &'c Path,
    partial: ResumeState,
    trace: &'c mut Trace,
    budget: WaitBudget,
    /// The requested protocol implementation, if any.
    implementation: Option<String>,
    /// The source that was reported last.
    announced: Option<&'c Source>,
}

impl FileDownload<'_> {
    /// Tries one source after the other, until one returns the file.
    pub(crate) async fn try_sources(
        &self,
        destination: &Path,
        resume_state: ResumeState,
        trace: &mut Trace,
    ) -> Result<Downloaded, GiveUp> {
        let budget = self.downloader.options.wait_budget();
        let implementation = match &self.downloader.implementations {
            Some(implementations) => implementations.choose(&self.job.sources).await,
            None => None,
        };
        let mut context =
            SourceContext { destination, partial: resume_state, trace, budget, implementation, announced: None };
        let mut reasons = Vec::new();
        let ready = Instant::now();
        let candidate = |source| Candidate { source, attempt: 1, overloads: 0, ready, is_staging: false };
        let mut candidates: Vec<_> = self.job.sources.iter().map(candidate).collect();
        while let Some(mut candidate) = earliest(&mut candidates) {
            match self.try_candidate(&mut candidate, &mut context, candidates.is_empty()).await {
                Ok(downloaded) => return Ok(downloaded),
                Err(SourceError::Busy(error, wait)) => {
                    let is_staging = error.kind == StorageErrorKind::Staging;
                    candidates.push(Candidate { ready: Instant::now() + wait, is_staging, ..candidate });
                }
                Err(SourceError::Failed(failure @ AttemptError::Local { .. })) => {
                    return Err(GiveUp::Local(failure.to_string()));
                }
                Err(SourceError::Failed(failure)) => reasons.push(with_rse(candidate.source, &failure.to_string())),
                Err(SourceError::Unreadable(reason)) => reasons.push(with_rse(candidate.source, &reason)),
            }
        }
        Err(GiveUp::Sources(reasons.join("; ")))
    }

    /// Tries a source once its wait is over. Errors: `Busy` only if the budget covers the requested wait.
    async fn try_candidate<'s>(
        &self,
        candidate: &mut Candidate<'s>,
        context: &mut SourceContext<'s>,
        is_last: bool,
    ) -> Result<Downloaded, SourceError> {
        self.wait_for(candidate, &mut context.budget).await;
        let source = candidate.source;
        if context.announced.replace(source).is_none_or(|before| !std::ptr::eq(before, source)) {
            self.announce(source, context.trace);
        }
        let storage = match self.storage_for(source, context.implementation.as_deref()).await {
            Ok(storage) => storage,
            Err(reason) => {
                context.trace.set("stateReason", reason.as_str());
                self.emit(FileEvent::CannotRead { pfn: source.pfn.as_str(), reason: &reason });
                return Err(SourceError::Unreadable(reason));
            }
        };
        let outcome = self.try_source(candidate, storage, context, is_last).await;
        if let Err(SourceError::Busy(error, wait)) = &outcome
            && let Err(error) = context.budget.check(error, *wait)
        {
            let failure = error.into();
            self.report_failure(&failure, candidate.attempt, context.trace);
            return Err(SourceError::Failed(failure));
        }
        outcome
    }

    /// Waits until a source may be retried. Of the files that wait for the same host, one reports it.
    async fn wait_for(&self, candidate: &Candidate<'_>, budget: &mut WaitBudget) {
        let wait = candidate.ready.saturating_duration_since(Instant::now());
        if wait.is_zero() {
            return;
        }
        let pfn = &candidate.source.pfn;
        match host_limits::host_of(pfn) {
            _ if candidate.is_staging => self.emit(FileEvent::Staging { rse: &candidate.source.rse, wait }),
            Some(host) if self.downloader.host_limits.announce(pfn, candidate.ready) => {
                self.emit(FileEvent::StorageBusy { host: &host, wait });
            }
            _ => self.emit(FileEvent::SentAway),
        }
        budget.wait(wait).await;
    }

    /// Reports that a source is being tried.
    fn announce(&self, source: &Source, trace: &mut Trace) {
        let (scheme, rse) = (source.pfn.scheme(), source.rse.as_str());
        trace.set("remoteSite", rse);
        trace.set("clientState", "DOWNLOAD_ATTEMPT");
        trace.set("protocol", scheme);
        let timeout = self.downloader.options.attempt_timeout.for_size(self.job.bytes);
        self.emit(FileEvent::Trying { scheme, rse, timeout });
    }

    /// Returns the storage for a source. Errors: unsupported, or not offered with the requested implementation.
    async fn storage_for(&self, source: &Source, implementation: Option<&str>) -> Result<&dyn Storage, String> {
        if let (Some(implementations), Some(wanted)) = (&self.downloader.implementations, implementation) {
            implementations.check(source, wanted).await?;
        }
        if let Some(protocols) = &self.downloader.rse_protocols {
            protocols.check_local_path(source).await?;
        }
        self.downloader.storages.for_pfn(&source.pfn).map_err(|error| error.to_string())
    }

    /// Tries one source up to its number of attempts, or until it is busy. Bytes of a failed attempt are kept for the
    /// next one, at this or another source.
    async fn try_source(
        &self,
        candidate: &mut Candidate<'_>,
        storage: &dyn Storage,
        context: &mut SourceContext<'_>,
        is_last: bool,
    ) -> Result<Downloaded, SourceError> {
        let (source, mut renewed, mut using) = (candidate.source, None, None);
        loop {
            let current = renewed.as_ref().unwrap_or(source);
            let slot = self
                .downloader
                .host_limits
                .acquire(&current.pfn, context.budget.remaining())
                .await
                .map_err(paused_error)?;
            if using.replace(current.pfn.clone()).is_none_or(|before| before != current.pfn) {
                self.emit(FileEvent::Using { pfn: current.pfn.as_str() });
            }
            let start = clock::system_time();
            let failure = match self.attempt(current, storage, context.destination, &mut context.partial).await {
                Ok((path, checksum)) => {
                    slot.on_success();
                    return Ok(Downloaded { path, start, checksum });
                }
                Err(failure @ AttemptError::Local { .. }) => return Err(failure.into()),
                Err(failure) => failure,
            };
            let is_our_overload = is_our_overload(slot, &failure, &context.budget);
            if let (AttemptError::Storage(error), None) = (&failure, &renewed) {
                renewed = self.with_new_signature(source, error).await;
                if renewed.is_some() {
                    continue;
                }
            }
            if let AttemptError::Storage(error) = &failure
                && let Some(wait) = error.named_wait()
            {
                return Err(SourceError::Busy(error.clone(), wait));
            }
            candidate.overloads += 1;
            // If there is another source, it is tried soon.
            if is_our_overload && is_last && candidate.overloads < MAX_OVERLOADS {
                self.emit(FileEvent::SentAway);
                continue;
            }
            self.report_failure(&failure, candidate.attempt, context.trace);
            match failure.pause() {
                // Not counted: this attempt did not request the whole file, the next one does.
                Some(_) if matches!(failure, AttemptError::Inconsistent | AttemptError::NoRest) => {}
                Some(pause) if candidate.attempt < ATTEMPTS => {
                    tokio::time::sleep(pause).await;
                    candidate.attempt += 1;
                }
                _ => return Err(failure.into()),
            }
        }
    }

    fn report_failure(&self, failure: &AttemptError, attempt: u32, trace: &mut Trace) {
        if let AttemptError::Content { found, expected, .. } = failure {
            self.emit(FileEvent::WrongContent { found, expected });
        }
        let reason = failure.to_string();
        trace.set("clientState", failure.state());
        trace.set("stateReason", reason.as_str());
        self.send(trace.clone());
        self.emit(FileEvent::AttemptFailed { attempt, of: ATTEMPTS, reason: &reason });
    }
}

/// Removes and returns the candidate that is ready first; of several, the first in the server's order.
fn earliest<'s>(candidates: &mut Vec<Candidate<'s>>) -> Option<Candidate<'s>> {
    let index = candidates.iter().enumerate().min_by_key(|(_, candidate)| candidate.ready)?.0;
    Some(candidates.remove(index))
}

/// Appends the RSE to a reason.
fn with_rse(source: &Source, reason: &str) -> String {
    if source.rse.is_empty() { reason.to_owned() } else { format!("{reason} ({})", source.rse) }
}

/// Returns the error for a host that requested this wait when another file was tried.
fn paused_error(wait: Duration) -> SourceError {
    SourceError::Busy(StorageError::new(StorageErrorKind::Overloaded, "the storage has too much to do"), wait)
}

/// Records the outcome for the host. Returns whether our own concurrency may have overloaded it.
fn is_our_overload(slot: HostSlot, failure: &AttemptError, budget: &WaitBudget) -> bool {
    match failure {
        AttemptError::Storage(error) if error.kind == StorageErrorKind::Overloaded => match error.named_wait() {
            // Too long for this file: another one may be able to wait, or get a shorter time.
            Some(wait) if wait > budget.remaining() => slot.on_overload(Duration::ZERO, None),
            named => slot.on_overload(error.pause(), named),
        },
        AttemptError::Storage(error) if error.is_disconnect => slot.on_disconnect(error.pause()),
        _ => false,
    }
}
