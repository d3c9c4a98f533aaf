//! The sources of a file, one after the other. One that is busy and says when to come back is asked again then; until then
//! the others have their turns.

use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use super::super::busy::WaitBudget;
use super::super::clock;
use super::super::events::FileEvent;
use super::super::hosts::{self, Turn};
use super::super::job::Source;
use super::super::trace::Trace;
use super::failure::Failure;
use super::partial::Partial;
use super::{ATTEMPTS, Fresh, Hopeless, Run};
use crate::storage::{Kind, Storage, StorageError, scheme};

/// How often a source may send a file away that has too much to do, while it serves others of ours.
const TURNS: u32 = 10;

/// A source, and how often it has been tried.
struct Candidate<'s> {
    source: &'s Source,
    /// The attempt that comes next.
    attempt: u32,
    /// How often the storage has sent the file away.
    turns: u32,
    /// When it may be asked.
    ready: Instant,
}

/// Why a source gave no file.
enum Stop {
    /// It is to be asked again after this time.
    Busy(StorageError, Duration),
    /// It failed as often as it may.
    Failed(Failure),
    /// This program cannot read it.
    Unreadable(String),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// What all sources of a file share.
struct Course<'c> {
    place: &'c Path,
    partial: Partial,
    trace: &'c mut Trace,
    budget: WaitBudget,
    /// The implementation that reads it, if one is asked for.
    implementation: Option<String>,
    /// The source whose turn was reported last.
    announced: Option<&'c Source>,
}

impl Run<'_> {
    /// One source after the other, until one gives the file.
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

    /// Asks a source when its time has come. Errors: it is busy only if the file can wait for as long as it asks for.
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

    /// Waits until a source may be asked again. Of the files that wait for the same host, one says so.
    async fn wait_for(&self, candidate: &Candidate<'_>, budget: &mut WaitBudget) {
        let wait = candidate.ready.saturating_duration_since(Instant::now());
        if wait.is_zero() {
            return;
        }
        let pfn = &candidate.source.pfn;
        match hosts::name(pfn).filter(|_| self.all.hosts.announce(pfn, candidate.ready)) {
            Some(host) => self.tell(FileEvent::StorageBusy { host: &host, wait }),
            None => self.tell(FileEvent::SentAway),
        }
        budget.wait(wait).await;
    }

    /// The turn of a source has come.
    fn announce(&self, source: &Source, trace: &mut Trace) {
        let (scheme, rse) = (scheme(&source.pfn), source.rse.as_str());
        trace.set("remoteSite", rse);
        trace.set("clientState", "DOWNLOAD_ATTEMPT");
        trace.set("protocol", scheme);
        let timeout = self.all.options.patience.of(self.job.bytes);
        self.tell(FileEvent::Trying { scheme, rse, timeout });
    }

    /// What reads a source. Errors: this program cannot, or shall not by another implementation than this.
    async fn storage(&self, source: &Source, implementation: Option<&str>) -> Result<&dyn Storage, String> {
        if let (Some(implementations), Some(wanted)) = (&self.all.implementations, implementation) {
            implementations.check(source, wanted).await?;
        }
        self.all.storages.of(&source.pfn).map_err(|error| error.to_string())
    }

    /// One source, as often as its attempts allow, or until it is busy. What a broken attempt brought is kept for the next
    /// one, here or at another source.
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
            // Where there is another source, it has its turn soon.
            if is_crowded && is_last && candidate.turns < TURNS {
                self.tell(FileEvent::SentAway);
                continue;
            }
            self.report(&failure, candidate.attempt, course.trace);
            match failure.pause() {
                // The next attempt asks for the whole file, which this one did not.
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

/// Takes the candidate that may be asked first; of several, the one that the server puts first.
fn earliest<'s>(candidates: &mut Vec<Candidate<'s>>) -> Option<Candidate<'s>> {
    let place = candidates.iter().enumerate().min_by_key(|(_, candidate)| candidate.ready)?.0;
    Some(candidates.remove(place))
}

/// The reason with the RSE that it is about.
fn at(source: &Source, reason: &str) -> String {
    if source.rse.is_empty() { reason.to_owned() } else { format!("{reason} ({})", source.rse) }
}

/// A host that another file of ours was told to leave alone for so long.
fn resting(wait: Duration) -> Stop {
    Stop::Busy(StorageError::new(Kind::Overloaded, "the storage has too much to do"), wait)
}

/// Whether the host has only too many of us at the moment. The turn is over in any case.
fn is_crowded(turn: Turn, failure: &Failure, budget: &WaitBudget) -> bool {
    match failure {
        Failure::Storage(error) if error.kind == Kind::Overloaded => match error.named_wait() {
            // Too long for this file: another one may be able to wait, or be told less.
            Some(wait) if wait > budget.left() => turn.on_overload(Duration::ZERO, None),
            named => turn.on_overload(error.pause(), named),
        },
        _ => false,
    }
}
