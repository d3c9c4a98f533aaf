//! Downloads a large file over several concurrent connections, also from several RSEs, if one connection is slow.
//!
//! [`connection_ramp`] decides how many connections there are, [`range_scheduler`] which byte range each reads; both are pure.
//! [`connections`] polls them. Received bytes go to [`Parts`], in any order; how they are stored does not belong here.

mod connection_ramp;
mod connections;
mod range_scheduler;
mod speed_monitor;
mod transfer_clock;

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::time::{MissedTickBehavior, interval};

use super::super::checksum::Checksum;
use super::super::events::FileEvent;
use super::super::job::{LARGE, Source};
use super::super::partial_file::{Parts, Span};
use super::Run;
use super::attempt_error::Failure;
use super::connection_budget::Share;
use super::throttle_time::Waits;
use crate::storage::{Kind, Part, Reading, Storage, StorageError};
use connection_ramp::Ramp;
use connections::{Connections, Event};
use range_scheduler::Pool;
pub(super) use speed_monitor::{Seen, Watch};
use transfer_clock::Clock;

/// Interval of measurements and decisions.
const TICK: Duration = Duration::from_millis(15);
/// Maximum number of RSEs that a file is read from concurrently.
const SOURCES: usize = 4;
/// Maximum silence of a connection while others receive bytes.
const PATIENCE: Duration = Duration::from_secs(3);
/// A connection that fails after this many bytes is replaced; after fewer, its source gets one connection less.
const FORGIVEN: u64 = 16 * 1024 * 1024;
/// Minimum number of bytes that a new connection should bring.
const SHARE: u64 = 1024 * 1024;
/// A source slower than the best one by this factor gets no new connections while the best one accepts more.
const SLOWER: f64 = 4.0;

/// A source of byte ranges.
struct Origin<'a> {
    pfn: &'a str,
    storage: &'a dyn Storage,
    /// Version of the file, once known.
    version: Option<String>,
    /// Maximum number of concurrent connections, as far as known.
    most: usize,
    /// Rate of one connection in bytes per second.
    rate: Option<f64>,
}

/// The connection that received the beginning of the file.
pub(super) struct Lead {
    reading: Reading,
    ramp: Ramp,
    clock: Clock,
    /// Time to open it.
    setup: Duration,
}

/// A transfer of several byte ranges.
struct Split<'a> {
    run: &'a Run<'a>,
    place: &'a Path,
    origins: Vec<Origin<'a>>,
    share: &'a Share<'a>,
    pool: Pool,
    connections: Connections<'a>,
    ramp: Option<Ramp>,
    clock: Clock,
    setup: Duration,
    /// The error that ends the transfer if no connection is left.
    error: Option<StorageError>,
    /// Whether the first source did not answer with the requested byte range.
    is_no_part: bool,
}

impl Run<'_> {
    /// Whether several connections could help: enough bytes are missing, the storage supports ranges, and the checksum
    /// is Adler-32, the only one that can be combined from ranges.
    pub(super) fn may_be_split(&self, storage: &dyn Storage, missing: u64, share: &Share<'_>) -> bool {
        let can_be = storage.has_parts() && matches!(self.wanted(), Checksum::Adler32(_));
        can_be && missing >= LARGE && share.allowed() > 1
    }

    /// Downloads the missing ranges of a file. Received bytes stay in `parts`, also on errors.
    pub(super) async fn split(
        &self,
        (source, storage, place): (&Source, &dyn Storage, &Path),
        lead: Option<Lead>,
        parts: &mut Parts,
        share: &Share<'_>,
        waits: &Waits,
    ) -> Result<(), Failure> {
        let holes = parts.holes().await.map_err(|error| Failure::local(place, error))?;
        let mut split = Split {
            run: self,
            place,
            origins: self.origins(source, storage),
            share,
            pool: Pool::new(holes),
            connections: Connections::default(),
            ramp: None,
            clock: Clock::start(),
            setup: Duration::ZERO,
            error: None,
            is_no_part: false,
        };
        if let Some(lead) = lead {
            split.lead(lead);
        }
        split.fetch(parts, waits).await
    }

    /// Returns the current source, and one at each RSE that has not been tried.
    fn origins<'a>(&'a self, source: &'a Source, storage: &'a dyn Storage) -> Vec<Origin<'a>> {
        let mut origins = vec![Origin::new(&source.pfn, storage)];
        let mut rses = vec![source.rse.as_str()];
        let is_same = |other: &Source| other.pfn == source.pfn || !other.rse.is_empty() && other.rse == source.rse;
        let later = self.job.sources.iter().skip_while(|other| !is_same(other));
        // If an implementation is requested, an RSE is only queried for it when it is tried.
        for other in later.filter(|other| self.all.implementations.is_none() && other.member.is_none()) {
            let storage = self.all.storages.of(&other.pfn).ok().filter(|storage| storage.has_parts());
            if let Some(storage) = storage.filter(|_| !rses.contains(&other.rse.as_str()) && origins.len() < SOURCES) {
                origins.push(Origin::new(&other.pfn, storage));
                rses.push(&other.rse);
            }
        }
        origins
    }
}

impl<'a> Origin<'a> {
    fn new(pfn: &'a str, storage: &'a dyn Storage) -> Self {
        Self { pfn, storage, version: None, most: connection_ramp::MOST, rate: None }
    }
}

impl<'a> Split<'a> {
    /// Takes over an open connection.
    fn lead(&mut self, lead: Lead) {
        self.origins[0].version.clone_from(&lead.reading.version);
        self.pool.lead(0, lead.clock.now(), lead.ramp.rate());
        self.connections.opened(0, lead.reading);
        (self.ramp, self.clock, self.setup) = (Some(lead.ramp), lead.clock, lead.setup);
    }

    async fn fetch(mut self, parts: &mut Parts, waits: &Waits) -> Result<(), Failure> {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.pool.is_done() {
            self.fill();
            if self.pool.open().0 == 0 {
                return Err(self.failure());
            }
            tokio::select! {
                biased;
                _ = ticks.tick() => self.look(parts.received()),
                (lane, event) = self.connections.next() => match event {
                    Event::Answered(answer) => self.answered(lane, answer, parts.received()),
                    Event::Came(Ok(Some(bytes))) => self.take(lane, &bytes, parts, waits).await?,
                    Event::Came(Ok(None)) => self.fail(lane, broken_off()),
                    Event::Came(Err(error)) => self.fail(lane, error),
                },
            }
        }
        Ok(())
    }

    /// Opens connections while more are allowed and useful.
    fn fill(&mut self) {
        let allowed = self.allowed();
        while self.pool.open().0 < allowed {
            let Some(source) = self.choose() else { return };
            let next = self.pool.next(source, allowed, self.setup, self.clock.now());
            let Some((lane, Span { start, end })) = next else { return };
            let Origin { pfn, storage, ref version, .. } = self.origins[source];
            let part = Part { start, end, whole: self.run.job.bytes.unwrap_or(end), version: version.clone() };
            self.connections.open(lane, Box::pin(async move { storage.part(pfn, &part).await }));
        }
    }

    /// Returns how many connections there may be, as far as the remaining bytes make them worthwhile: a share must be
    /// larger than what one connection receives while another one opens.
    fn allowed(&self) -> usize {
        let while_opening = self.pool.rate().unwrap_or(0.0) * self.setup.as_secs_f64();
        let worth = self.pool.left() / SHARE.max(while_opening as u64);
        self.limit().min(usize::try_from(worth).unwrap_or(usize::MAX)).max(1)
    }

    /// Returns the limit of connections.
    fn limit(&self) -> usize {
        self.ramp.as_ref().map_or(1, Ramp::wanted).min(self.share.allowed())
    }

    /// Returns the source for another connection: the one with the fewest, but slow ones last.
    fn choose(&self) -> Option<usize> {
        let best = self.origins.iter().filter_map(|origin| origin.rate).fold(0.0, f64::max);
        let open = self.origins.iter().enumerate().map(|(source, origin)| (self.pool.open_to(source), source, origin));
        let usable = open.filter(|(open, _, origin)| *open < origin.most);
        let key = |(open, source, origin): (usize, usize, &Origin<'_>)| {
            (origin.rate.is_some_and(|rate| rate * SLOWER < best), open, source)
        };
        usable.map(key).min().map(|(_, _, source)| source)
    }

    /// Measures rates, and closes connections that are stalled or too many.
    fn look(&mut self, received: u64) {
        let now = self.clock.now();
        self.pool.measure(now);
        for (source, origin) in self.origins.iter_mut().enumerate() {
            origin.rate = self.pool.rate_of(source).or(origin.rate);
        }
        for lane in self.pool.stalled(now, PATIENCE.max(self.setup * 4)) {
            self.fail(lane, StorageError::new(Kind::TimedOut, "the storage fell silent"));
        }
        let open = self.pool.open();
        if let Some(ramp) = &mut self.ramp {
            let before = ramp.wanted();
            let wanted = ramp.look(now, received, open);
            if wanted != before {
                let rate = ramp.rate() / 1e6;
                tracing::debug!("up to {wanted} connections for {}: {rate:.1} MB/s by now", self.run.job.did);
            }
        }
        while self.pool.open().0 > self.limit() {
            let Some(lane) = self.pool.latest() else { break };
            self.close(lane);
        }
    }

    fn answered(&mut self, lane: usize, answer: crate::storage::Result<Option<Reading>>, received: u64) {
        let now = self.clock.now();
        match answer {
            Ok(Some(reading)) => {
                let Some((source, asked)) = self.pool.begun(lane, now) else { return };
                self.setup = now.saturating_sub(asked);
                let version = &mut self.origins[source].version;
                *version = version.take().or_else(|| reading.version.clone());
                self.ramp.get_or_insert_with(|| Ramp::new(self.setup, now, received));
                self.connections.opened(lane, reading);
            }
            Ok(None) => {
                self.is_no_part |= self.pool.source(lane) == Some(0);
                self.fail(lane, StorageError::new(Kind::Refused, "the storage did not give the part it was asked for"));
            }
            Err(error) => self.fail(lane, error),
        }
    }

    async fn take(&mut self, lane: usize, bytes: &Bytes, parts: &mut Parts, waits: &Waits) -> Result<(), Failure> {
        let (moment, mut rest) = (Instant::now(), &bytes[..]);
        self.run.hold(bytes.len(), waits).await;
        self.clock.held_since(moment);
        while !rest.is_empty() {
            let arrived = self.pool.arrived(lane, rest.len(), self.clock.now());
            let (moment, wanted) = (Instant::now(), &rest[arrived.skipped..arrived.skipped + arrived.wanted]);
            let pushed = parts.push(lane, arrived.start, wanted).await;
            pushed.map_err(|error| Failure::local(self.place, error))?;
            self.run.tell(FileEvent::Received(arrived.wanted as u64));
            self.clock.held_since(moment);
            if arrived.is_last && !self.goes_on(lane) {
                break;
            }
            rest = &rest[arrived.skipped + arrived.wanted..];
        }
        Ok(())
    }

    /// Extends a finished range within the same response if that has more missing bytes, which saves a request. It may
    /// waste up to [`SHARE`] bytes, or any number if its source gives no other connection. Returns false if it was
    /// closed.
    fn goes_on(&mut self, lane: usize) -> bool {
        let is_last_one = |source: usize| self.pool.open_to(source) >= self.origins[source].most;
        let in_vain = if self.pool.source(lane).is_some_and(is_last_one) { u64::MAX } else { SHARE };
        let Some(other) = self.pool.go_on(lane, in_vain) else {
            self.close(lane);
            return false;
        };
        if let Some(other) = other {
            self.connections.close(other);
        }
        true
    }

    fn close(&mut self, lane: usize) -> Option<(usize, u64)> {
        self.connections.close(lane);
        self.pool.end(lane)
    }

    /// Closes a failed connection; others take its range.
    fn fail(&mut self, lane: usize, error: StorageError) {
        tracing::debug!("one of the connections for {} failed: {error}", self.run.job.did);
        let Some((source, brought)) = self.close(lane) else { return };
        if brought < FORGIVEN {
            self.origins[source].most = self.pool.open_to(source);
        }
        if source == 0 || self.error.is_none() {
            self.error = Some(error);
        }
    }

    /// Returns the error when no connection is left.
    fn failure(self) -> Failure {
        match self.error {
            _ if self.is_no_part && self.pool.received() == 0 => Failure::Parts,
            Some(error) => error.into(),
            None => broken_off().into(),
        }
    }
}

fn broken_off() -> StorageError {
    StorageError::new(Kind::Transient, "the transfer broke off")
}
