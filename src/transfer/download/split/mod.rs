//! A large file over several connections at once, and from several RSEs, where one connection is slow.
//!
//! [`ramp`] decides how many connections there are, [`pool`] which of them reads what; both are pure. [`connections`] waits
//! for all of them. What comes goes to [`Parts`], whatever its order.

mod clock;
mod connections;
mod pool;
mod ramp;
mod watch;

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::time::{MissedTickBehavior, interval};

use super::super::checksum::Checksum;
use super::super::events::FileEvent;
use super::super::job::{LARGE, Source};
use super::super::parts::{Parts, Span};
use super::Run;
use super::bound::Share;
use super::failure::Failure;
use super::waits::Waits;
use crate::storage::{Kind, Part, Reading, Storage, StorageError};
use clock::Clock;
use connections::{Connections, Event};
use pool::Pool;
use ramp::Ramp;
pub(super) use watch::{Seen, Watch};

/// How often rates are measured and decisions made.
const TICK: Duration = Duration::from_millis(15);
/// The most RSEs that a file comes from at the same time.
const SOURCES: usize = 4;
/// How long a connection may be silent while others are not.
const PATIENCE: Duration = Duration::from_secs(3);
/// A connection that breaks after so many bytes is opened again; after fewer, its source gets one less.
const FORGIVEN: u64 = 16 * 1024 * 1024;
/// The least that a connection should bring when it is opened.
const SHARE: u64 = 1024 * 1024;
/// A source that is so many times slower than the best one gets nothing new while the best one takes more.
const SLOWER: f64 = 4.0;

/// A place that parts of the file come from.
struct Origin<'a> {
    pfn: &'a str,
    storage: &'a dyn Storage,
    /// The version of the file, once it is known.
    version: Option<String>,
    /// How many connections it gives at a time, as far as is known.
    most: usize,
    /// Bytes a second of one connection.
    rate: Option<f64>,
}

/// The connection that has brought the beginning of the file.
pub(super) struct Lead {
    reading: Reading,
    ramp: Ramp,
    clock: Clock,
    /// How long it took to open.
    setup: Duration,
}

/// A transfer in several parts.
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
    /// Why the file cannot be had, if it cannot.
    error: Option<StorageError>,
    /// Whether the first source has answered with something else than the part that was asked for.
    is_no_part: bool,
}

impl Run<'_> {
    /// Whether so much of the file is missing, and can be had in such a way, that several connections could be of use. What
    /// they bring can only be checked together if the checksum is Adler-32.
    pub(super) fn may_be_split(&self, storage: &dyn Storage, missing: u64, share: &Share<'_>) -> bool {
        let can_be = storage.has_parts() && matches!(self.wanted(), Checksum::Adler32(_));
        can_be && missing >= LARGE && share.allowed() > 1
    }

    /// Fetches what is missing of a file. What has come stays in `parts`, whatever happens.
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

    /// The source whose turn it is, and one at each RSE whose turn has not come.
    fn origins<'a>(&'a self, source: &'a Source, storage: &'a dyn Storage) -> Vec<Origin<'a>> {
        let mut origins = vec![Origin::new(&source.pfn, storage)];
        let mut rses = vec![source.rse.as_str()];
        let is_same = |other: &Source| other.pfn == source.pfn || !other.rse.is_empty() && other.rse == source.rse;
        let later = self.job.sources.iter().skip_while(|other| !is_same(other));
        // Which implementation an RSE has, where that matters, is asked when its turn comes.
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
        Self { pfn, storage, version: None, most: ramp::MOST, rate: None }
    }
}

impl<'a> Split<'a> {
    /// Goes on with a connection that is under way.
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

    /// Opens as many connections as are wanted and of use.
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

    /// How many connections there may be. While one is being opened, another one brings what would be its share, if that is
    /// small.
    fn allowed(&self) -> usize {
        let while_opening = self.pool.rate().unwrap_or(0.0) * self.setup.as_secs_f64();
        let worth = self.pool.left() / SHARE.max(while_opening as u64);
        self.limit().min(usize::try_from(worth).unwrap_or(usize::MAX)).max(1)
    }

    /// How many connections there may be in any case.
    fn limit(&self) -> usize {
        self.ramp.as_ref().map_or(1, Ramp::wanted).min(self.share.allowed())
    }

    /// The source for another connection: that with the fewest, but a slow one last.
    fn choose(&self) -> Option<usize> {
        let best = self.origins.iter().filter_map(|origin| origin.rate).fold(0.0, f64::max);
        let open = self.origins.iter().enumerate().map(|(source, origin)| (self.pool.open_to(source), source, origin));
        let usable = open.filter(|(open, _, origin)| *open < origin.most);
        let key = |(open, source, origin): (usize, usize, &Origin<'_>)| {
            (origin.rate.is_some_and(|rate| rate * SLOWER < best), open, source)
        };
        usable.map(key).min().map(|(_, _, source)| source)
    }

    /// Looks how it goes: lets go of connections that are silent or too many.
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

    /// Takes in what came.
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

    /// A connection has brought what was wanted of it. If its answer has more that is missing, that comes without another
    /// request; if its source gives no other connection, even though some of it comes in vain.
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

    /// A connection was of no use: others take what it should have brought.
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

    /// Why nothing more can be had.
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
