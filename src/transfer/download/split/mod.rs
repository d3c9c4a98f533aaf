//! Downloads a large file over several concurrent connections, also from several RSEs, if one connection is slow.
//!
//! [`connection_ramp`] decides how many connections there are, [`range_scheduler`] which byte range each reads; both are pure.
//! [`connections`] polls them. Received bytes go to [`RangedFile`], in any order; how they are stored does not belong here.

mod connection_ramp;
mod connections;
mod range_scheduler;
mod speed_monitor;
mod transfer_clock;

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::time::{MissedTickBehavior, interval};

use super::FileDownload;
use super::attempt_error::AttemptError;
use crate::storage::{ObjectReader, Pfn, RangeRequest, Storage, StorageError, StorageErrorKind};
use crate::transfer::checksum::Checksum;
use crate::transfer::events::FileEvent;
use crate::transfer::job::{LARGE, Source};
use crate::transfer::limits::connection_budget::BudgetShare;
use crate::transfer::limits::throttle_time::ThrottleTime;
use crate::transfer::partial_file::ranged_file::RangedFile;
use connection_ramp::ConnectionRamp;
use connections::{ConnectionEvent, Connections};
use range_scheduler::{AcceptedBytes, Extension, RangeScheduler};
pub(super) use speed_monitor::{NextChunk, SpeedMonitor};
use transfer_clock::TransferClock;

/// Interval of measurements and decisions: half of the shortest measurement (`connection_ramp::FAR_WINDOW`).
const TICK: Duration = Duration::from_millis(15);
/// Maximum number of RSEs that a file is read from concurrently. Chosen: each more costs a connection set-up.
const MAX_SOURCES: usize = 4;
/// Maximum silence of a connection while others receive bytes: two TCP retransmission timeouts (1 s and 2 s, RFC 6298).
const SILENCE_TIMEOUT: Duration = Duration::from_secs(3);
/// A connection that fails after this many bytes is replaced; after fewer, its source gets one connection less. Chosen: trades
/// connection set-ups against connections of a storage that accepts fewer.
const REOPEN_AFTER: u64 = 16 * 1024 * 1024;
/// Minimum number of bytes that a new connection should bring. Chosen: less is not worth a TLS handshake.
const MIN_SHARE: u64 = 1024 * 1024;
/// A source slower than the best one by this factor gets no new connections while the best one accepts more. Chosen: trades
/// the load of the best source against its speed.
const SLOW_FACTOR: f64 = 4.0;

/// A source of byte ranges.
struct SplitSource<'a> {
    pfn: &'a Pfn,
    storage: &'a dyn Storage,
    /// Version of the file, once known.
    version: Option<String>,
    /// Maximum number of concurrent connections, as far as known.
    most: usize,
    /// Rate of one connection in bytes per second.
    rate: Option<f64>,
}

/// The connection that received the beginning of the file.
pub(super) struct FirstConnection {
    reader: ObjectReader,
    ramp: ConnectionRamp,
    clock: TransferClock,
    /// Time to open it.
    setup: Duration,
}

/// A transfer of several byte ranges.
struct SplitTransfer<'a> {
    download: &'a FileDownload<'a>,
    destination: &'a Path,
    sources: Vec<SplitSource<'a>>,
    share: &'a BudgetShare<'a>,
    scheduler: RangeScheduler,
    connections: Connections<'a>,
    ramp: Option<ConnectionRamp>,
    clock: TransferClock,
    setup: Duration,
    /// The error that ends the transfer if no connection is left.
    error: Option<StorageError>,
    /// Whether the first source did not answer with the requested byte range.
    ignores_range: bool,
}

impl FileDownload<'_> {
    /// Whether several connections could help: enough bytes are missing, the storage supports ranges, and the checksum
    /// is Adler-32, the only one that can be combined from ranges.
    pub(super) fn should_split(&self, storage: &dyn Storage, missing: u64, share: &BudgetShare<'_>) -> bool {
        let can_be = storage.supports_ranges() && matches!(self.expected_checksum(), Checksum::Adler32(_));
        can_be && missing >= LARGE && share.max_connections() > 1
    }

    /// Downloads the missing ranges of a file. Received bytes stay in `file`, also on errors.
    pub(super) async fn split(
        &self,
        (source, storage, destination): (&Source, &dyn Storage, &Path),
        first: Option<FirstConnection>,
        file: &mut RangedFile,
        share: &BudgetShare<'_>,
        throttle: &ThrottleTime,
    ) -> Result<(), AttemptError> {
        let missing_ranges = file.missing_ranges().await.map_err(|error| AttemptError::local(destination, error))?;
        let mut split = SplitTransfer {
            download: self,
            destination,
            sources: self.sources(source, storage),
            share,
            scheduler: RangeScheduler::new(missing_ranges),
            connections: Connections::default(),
            ramp: None,
            clock: TransferClock::start(),
            setup: Duration::ZERO,
            error: None,
            ignores_range: false,
        };
        if let Some(first) = first {
            split.adopt(first);
        }
        split.fetch(file, throttle).await
    }

    /// Returns the current source, and one at each RSE that has not been tried.
    fn sources<'a>(&'a self, source: &'a Source, storage: &'a dyn Storage) -> Vec<SplitSource<'a>> {
        let mut sources = vec![SplitSource::new(&source.pfn, storage)];
        let mut rses = vec![source.rse.as_str()];
        let is_same = |other: &Source| other.pfn == source.pfn || !other.rse.is_empty() && other.rse == source.rse;
        let later = self.job.sources.iter().skip_while(|other| !is_same(other));
        // If an implementation is requested, an RSE is only queried for it when it is tried.
        for other in later.filter(|other| self.downloader.implementations.is_none() && other.member.is_none()) {
            if rses.contains(&other.rse.as_str()) || sources.len() == MAX_SOURCES {
                continue;
            }
            let storage = self.downloader.storages.for_pfn(&other.pfn).ok().filter(|storage| storage.supports_ranges());
            if let Some(storage) = storage {
                sources.push(SplitSource::new(&other.pfn, storage));
                rses.push(&other.rse);
            }
        }
        sources
    }
}

impl<'a> SplitSource<'a> {
    fn new(pfn: &'a Pfn, storage: &'a dyn Storage) -> Self {
        Self { pfn, storage, version: None, most: connection_ramp::MAX_CONNECTIONS, rate: None }
    }
}

impl<'a> SplitTransfer<'a> {
    /// Takes over an open connection.
    fn adopt(&mut self, first: FirstConnection) {
        self.sources[0].version.clone_from(&first.reader.version);
        self.scheduler.adopt(0, first.clock.elapsed(), first.ramp.rate());
        self.connections.opened(0, first.reader);
        (self.ramp, self.clock, self.setup) = (Some(first.ramp), first.clock, first.setup);
    }

    async fn fetch(mut self, file: &mut RangedFile, throttle: &ThrottleTime) -> Result<(), AttemptError> {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.scheduler.is_done() {
            self.fill();
            if self.scheduler.open_count() == 0 {
                return Err(self.into_error());
            }
            tokio::select! {
                biased;
                _ = ticks.tick() => self.check_progress(file.received()),
                (connection, event) = self.connections.next() => match event {
                    ConnectionEvent::Answered(answer) => self.answered(connection, answer, file.received()),
                    ConnectionEvent::Received(Ok(Some(bytes))) => self.accept_bytes(connection, &bytes, file, throttle).await?,
                    ConnectionEvent::Received(Ok(None)) => self.drop_connection(connection, broken_off()),
                    ConnectionEvent::Received(Err(error)) => self.drop_connection(connection, error),
                },
            }
        }
        Ok(())
    }

    /// Opens connections while more are allowed and useful.
    fn fill(&mut self) {
        let allowed = self.allowed();
        while self.scheduler.open_count() < allowed {
            let Some(source) = self.choose_source() else { return };
            let next = self.scheduler.next_range(source, allowed, self.setup, self.clock.elapsed());
            let Some((connection, range)) = next else { return };
            let SplitSource { pfn, storage, ref version, .. } = self.sources[source];
            let whole = self.download.job.bytes.unwrap_or(range.end);
            let request = RangeRequest { range, whole, version: version.clone() };
            self.connections.open(connection, Box::pin(async move { storage.get_range(pfn, &request).await }));
        }
    }

    /// Returns how many connections there may be, as far as the remaining bytes make them worthwhile: a share must be
    /// larger than what one connection receives while another one opens.
    fn allowed(&self) -> usize {
        let while_opening = self.scheduler.rate().unwrap_or(0.0) * self.setup.as_secs_f64();
        let worth = self.scheduler.remaining() / MIN_SHARE.max(while_opening as u64);
        self.limit().min(usize::try_from(worth).unwrap_or(usize::MAX)).max(1)
    }

    /// Returns the limit of connections.
    fn limit(&self) -> usize {
        self.ramp.as_ref().map_or(1, ConnectionRamp::target).min(self.share.max_connections())
    }

    /// Returns the source for another connection: the one with the fewest, but slow ones last.
    fn choose_source(&self) -> Option<usize> {
        let best = self.sources.iter().filter_map(|origin| origin.rate).fold(0.0, f64::max);
        let open =
            self.sources.iter().enumerate().map(|(source, origin)| (self.scheduler.open_to(source), source, origin));
        let usable = open.filter(|(open, _, origin)| *open < origin.most);
        let key = |(open, source, origin): (usize, usize, &SplitSource<'_>)| {
            (origin.rate.is_some_and(|rate| rate * SLOW_FACTOR < best), open, source)
        };
        usable.map(key).min().map(|(_, _, source)| source)
    }

    /// Measures rates, and closes connections that are stalled or too many.
    fn check_progress(&mut self, received: u64) {
        let now = self.clock.elapsed();
        self.scheduler.measure(now);
        for (source, origin) in self.sources.iter_mut().enumerate() {
            origin.rate = self.scheduler.rate_of(source).or(origin.rate);
        }
        for connection in self.scheduler.stalled(now, SILENCE_TIMEOUT.max(self.setup * 4)) {
            self.drop_connection(connection, StorageError::new(StorageErrorKind::TimedOut, "the storage fell silent"));
        }
        let open = (self.scheduler.open_count(), self.scheduler.answered_count());
        if let Some(ramp) = &mut self.ramp {
            let before = ramp.target();
            let wanted = ramp.update(now, received, open);
            if wanted != before {
                let rate = ramp.rate() / 1e6;
                tracing::debug!("up to {wanted} connections for {}: {rate:.1} MB/s by now", self.download.job.did);
            }
        }
        while self.scheduler.open_count() > self.limit() {
            let Some(connection) = self.scheduler.newest() else { break };
            self.close(connection);
        }
    }

    fn answered(&mut self, connection: usize, answer: crate::storage::Result<Option<ObjectReader>>, received: u64) {
        let now = self.clock.elapsed();
        match answer {
            Ok(Some(reader)) => {
                let Some((source, requested_at)) = self.scheduler.record_answer(connection, now) else { return };
                self.setup = now.saturating_sub(requested_at);
                let version = &mut self.sources[source].version;
                *version = version.take().or_else(|| reader.version.clone());
                self.ramp.get_or_insert_with(|| ConnectionRamp::new(self.setup, now, received));
                self.connections.opened(connection, reader);
            }
            Ok(None) => {
                self.ignores_range |= self.scheduler.source(connection) == Some(0);
                self.drop_connection(
                    connection,
                    StorageError::new(StorageErrorKind::Refused, "the storage did not send the requested byte range"),
                );
            }
            Err(error) => self.drop_connection(connection, error),
        }
    }

    async fn accept_bytes(
        &mut self,
        connection: usize,
        bytes: &Bytes,
        file: &mut RangedFile,
        throttle: &ThrottleTime,
    ) -> Result<(), AttemptError> {
        let (moment, mut rest) = (Instant::now(), &bytes[..]);
        self.download.limit_rate(bytes.len(), throttle).await;
        self.clock.exclude_since(moment);
        while !rest.is_empty() {
            let AcceptedBytes { start, skipped, accepted, is_last } =
                self.scheduler.accept_bytes(connection, rest.len(), self.clock.elapsed());
            let moment = Instant::now();
            let pushed = file.push(connection, start, &rest[skipped..skipped + accepted]).await;
            pushed.map_err(|error| AttemptError::local(self.destination, error))?;
            self.download.emit(FileEvent::Received(accepted as u64));
            self.clock.exclude_since(moment);
            if is_last && !self.extend_answer(connection) {
                break;
            }
            rest = &rest[skipped + accepted..];
        }
        Ok(())
    }

    /// Extends a finished range within the same response if that has more missing bytes, which saves a request. It may
    /// waste up to [`MIN_SHARE`] bytes, or any number if its source gives no other connection. Returns false if it was
    /// closed.
    fn extend_answer(&mut self, connection: usize) -> bool {
        let is_last_one = |source: usize| self.scheduler.open_to(source) >= self.sources[source].most;
        let max_wasted = if self.scheduler.source(connection).is_some_and(is_last_one) { u64::MAX } else { MIN_SHARE };
        match self.scheduler.extend(connection, max_wasted) {
            Extension::None => {
                self.close(connection);
                return false;
            }
            Extension::Unassigned => {}
            Extension::TakenFrom(other) => self.connections.close(other),
        }
        true
    }

    fn close(&mut self, connection: usize) -> Option<(usize, u64)> {
        self.connections.close(connection);
        self.scheduler.end(connection)
    }

    /// Closes a failed connection; others take its range.
    fn drop_connection(&mut self, connection: usize, error: StorageError) {
        tracing::debug!("one of the connections for {} failed: {error}", self.download.job.did);
        let Some((source, bytes_received)) = self.close(connection) else { return };
        if bytes_received < REOPEN_AFTER {
            self.sources[source].most = self.scheduler.open_to(source);
        }
        if source == 0 || self.error.is_none() {
            self.error = Some(error);
        }
    }

    /// Returns the error when no connection is left.
    fn into_error(self) -> AttemptError {
        match self.error {
            _ if self.ignores_range && self.scheduler.received() == 0 => AttemptError::Inconsistent,
            Some(error) => error.into(),
            None => broken_off().into(),
        }
    }
}

fn broken_off() -> StorageError {
    StorageError::new(StorageErrorKind::Transient, "the transfer broke off")
}
