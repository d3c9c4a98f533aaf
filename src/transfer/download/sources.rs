//! Tries the sources of a file one after the other. A busy source that requests a wait is retried after it; meanwhile
//! the others are tried.

use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use super::super::clock;
use super::super::events::FileEvent;
use super::super::host_limits::{self, Turn};
use super::super::job::Source;
use super::super::trace::Trace;
use super::super::wait_budget::WaitBudget;
use super::attempt_error::Failure;
use super::resume_state::Partial;
use super::{ATTEMPTS, Fresh, Hopeless, Run};
use crate::storage::{Kind, Storage, StorageError, scheme};

/// Maximum number of overload answers from a source that serves other files of ours.
const TURNS: u32 = 10;

/// A source, and its number of attempts.
struct Candidate<'s> {
    source: &'s Source,
    /// Number of the next attempt, from 1.
    attempt: u32,
    /// Number of failures, including overload answers that cost no attempt.
    turns: u32,
    /// Time from which it may be asked.
    ready: Instant,
}

/// The reason why a source returned no file.
enum Stop {
    /// To be retried after this time.
    Busy(StorageError, Duration),
    /// All attempts failed.
    Failed(Failure),
    /// This program cannot read it.
    Unreadable(String),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// State shared by all sources of a file.
struct Course<'c> {
    place: &'c Path,
    partial: Partial,
    trace: &'c mut Trace,
    budget: WaitBudget,
    /// The requested protocol implementation, if any.
    implementation: Option<String>,
    /// The source that was reported last.
    announced: Option<&'c Source>,
}

impl Run<'_> {
    /// Tries one source after the other, until one returns the file.
    pub(super) async fn try_sources(
        &self,
        place: &Path,
        partial: Partial,
        trace: &mut Trace,
    ) -> Result<Fresh, Hopeless> {
        let budget = WaitBudget::new(self.all.options.patience);
        let implementation = match &self.all.implementations {
            Some(implementations) => implementations.choose(&self.job.sources).await,
            None => None,
        };
        let mut course = Course { place, partial, trace, budget, implementation, announced: None };
        let (mut reasons, ready) = (Vec::new(), Instant::now());
        let candidate = |source| Candidate { source, attempt: 1, turns: 0, ready };
        let mut candidates: Vec<_> = self.job.sources.iter().map(candidate).collect();
        while let Some(mut candidate) = earliest(&mut candidates) {
            match self.visit(&mut candidate, &mut course, candidates.is_empty()).await {
                Ok(fresh) => return Ok(fresh),
                Err(Stop::Busy(_, wait)) => {
                    candidates.push(Candidate { ready: Instant::now() + wait, ..candidate });
                }
                Err(Stop::Failed(failure @ Failure::Local { .. })) => return Err(Hopeless::Here(failure.to_string())),
                Err(Stop::Failed(failure)) => reasons.push(at(candidate.source, &failure.to_string())),
                Err(Stop::Unreadable(reason)) => reasons.push(at(candidate.source, &reason)),
            }
        }
        Err(Hopeless::Sources(reasons.join("; ")))
    }

    /// Tries a source once its wait is over. Errors: `Busy` only if the budget covers the requested wait.
    async fn visit<'s>(
        &self,
        candidate: &mut Candidate<'s>,
        course: &mut Course<'s>,
        is_last: bool,
    ) -> Result<Fresh, Stop> {
        self.wait_for(candidate, &mut course.budget).await;
        let source = candidate.source;
        if course.announced.replace(source).is_none_or(|before| !std::ptr::eq(before, source)) {
            self.announce(source, course.trace);
        }
        let storage = match self.storage(source, course.implementation.as_deref()).await {
            Ok(storage) => storage,
            Err(reason) => {
                course.trace.set("stateReason", reason.as_str());
                self.tell(FileEvent::CannotRead { pfn: &source.pfn, reason: &reason });
                return Err(Stop::Unreadable(reason));
            }
        };
        let outcome = self.try_source(candidate, storage, course, is_last).await;
        if let Err(Stop::Busy(error, wait)) = &outcome
            && let Err(error) = course.budget.check(error, *wait)
        {
            let failure = error.into();
            self.report(&failure, candidate.attempt, course.trace);
            return Err(Stop::Failed(failure));
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
        match host_limits::name(pfn).filter(|_| self.all.hosts.announce(pfn, candidate.ready)) {
            Some(host) => self.tell(FileEvent::StorageBusy { host: &host, wait }),
            None => self.tell(FileEvent::SentAway),
        }
        budget.wait(wait).await;
    }

    /// Reports that a source is being tried.
    fn announce(&self, source: &Source, trace: &mut Trace) {
        let (scheme, rse) = (scheme(&source.pfn), source.rse.as_str());
        trace.set("remoteSite", rse);
        trace.set("clientState", "DOWNLOAD_ATTEMPT");
        trace.set("protocol", scheme);
        let timeout = self.all.options.patience.of(self.job.bytes);
        self.tell(FileEvent::Trying { scheme, rse, timeout });
    }

    /// Returns the storage for a source. Errors: unsupported, or not offered with the requested implementation.
    async fn storage(&self, source: &Source, implementation: Option<&str>) -> Result<&dyn Storage, String> {
        if let (Some(implementations), Some(wanted)) = (&self.all.implementations, implementation) {
            implementations.check(source, wanted).await?;
        }
        self.all.storages.of(&source.pfn).map_err(|error| error.to_string())
    }

    /// Tries one source up to its number of attempts, or until it is busy. Bytes of a failed attempt are kept for the
    /// next one, at this or another source.
    async fn try_source(
        &self,
        candidate: &mut Candidate<'_>,
        storage: &dyn Storage,
        course: &mut Course<'_>,
        is_last: bool,
    ) -> Result<Fresh, Stop> {
        let (source, mut renewed, mut using) = (candidate.source, None, None);
        loop {
            let asked = renewed.as_ref().unwrap_or(source);
            let turn = self.all.hosts.turn(&asked.pfn, course.budget.left()).await.map_err(resting)?;
            if using.replace(asked.pfn.clone()).is_none_or(|before| before != asked.pfn) {
                self.tell(FileEvent::Using { pfn: &asked.pfn });
            }
            let start = clock::now();
            let failure = match self.attempt(asked, storage, course.place, &mut course.partial).await {
                Ok((path, checksum)) => {
                    turn.served();
                    return Ok(Fresh { path, start, checksum });
                }
                Err(failure @ Failure::Local { .. }) => return Err(failure.into()),
                Err(failure) => failure,
            };
            let is_crowded = is_crowded(turn, &failure, &course.budget);
            if let (Failure::Storage(error), None) = (&failure, &renewed) {
                renewed = self.renewed(source, error).await;
                if renewed.is_some() {
                    continue;
                }
            }
            if let Failure::Storage(error) = &failure
                && let Some(wait) = error.named_wait()
            {
                return Err(Stop::Busy(error.clone(), wait));
            }
            candidate.turns += 1;
            // If there is another source, it is tried soon.
            if is_crowded && is_last && candidate.turns < TURNS {
                self.tell(FileEvent::SentAway);
                continue;
            }
            self.report(&failure, candidate.attempt, course.trace);
            match failure.pause() {
                // Not counted: this attempt did not request the whole file, the next one does.
                Some(_) if matches!(failure, Failure::Parts) => {}
                Some(pause) if candidate.attempt < ATTEMPTS => {
                    tokio::time::sleep(pause).await;
                    candidate.attempt += 1;
                }
                _ => return Err(failure.into()),
            }
        }
    }

    fn report(&self, failure: &Failure, attempt: u32, trace: &mut Trace) {
        if let Failure::Content { found, expected, .. } = failure {
            self.tell(FileEvent::WrongContent { found, expected });
        }
        let reason = failure.to_string();
        trace.set("clientState", failure.state());
        trace.set("stateReason", reason.as_str());
        self.send(trace.clone());
        self.tell(FileEvent::AttemptFailed { attempt, of: ATTEMPTS, reason: &reason });
    }
}

/// Removes and returns the candidate that is ready first; of several, the first in the server's order.
fn earliest<'s>(candidates: &mut Vec<Candidate<'s>>) -> Option<Candidate<'s>> {
    let place = candidates.iter().enumerate().min_by_key(|(_, candidate)| candidate.ready)?.0;
    Some(candidates.remove(place))
}

/// Appends the RSE to a reason.
fn at(source: &Source, reason: &str) -> String {
    if source.rse.is_empty() { reason.to_owned() } else { format!("{reason} ({})", source.rse) }
}

/// Returns the error for a host that requested this wait when another file was tried.
fn resting(wait: Duration) -> Stop {
    Stop::Busy(StorageError::new(Kind::Overloaded, "the storage has too much to do"), wait)
}

/// Records the outcome for the host. Returns whether our own concurrency may have overloaded it.
fn is_crowded(turn: Turn, failure: &Failure, budget: &WaitBudget) -> bool {
    match failure {
        Failure::Storage(error) if error.kind == Kind::Overloaded => match error.named_wait() {
            // Too long for this file: another one may be able to wait, or get a shorter time.
            Some(wait) if wait > budget.left() => turn.on_overload(Duration::ZERO, None),
            named => turn.on_overload(error.pause(), named),
        },
        _ => false,
    }
}
