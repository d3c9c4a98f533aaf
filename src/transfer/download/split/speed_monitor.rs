//! Measures whether the first connection of a large file is fast enough alone.

use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::time::timeout_at;

use super::{ConnectionRamp, FirstConnection, LARGE, TICK, TransferClock};
use crate::storage::{ObjectReader, Result};

/// Minimum number of missing bytes for more connections to be worthwhile. Chosen: half of a large file.
const MIN_REMAINING: u64 = LARGE / 2;

/// Measures the rate of a connection.
pub(in super::super) struct SpeedMonitor {
    ramp: ConnectionRamp,
    clock: TransferClock,
    setup: Duration,
    whole: u64,
    next: Instant,
}

/// What the reader has to do.
pub(in super::super) enum NextChunk {
    /// Store these bytes; `None` at the end.
    Received(Option<Bytes>),
    /// Open more connections.
    TooSlow,
}

impl SpeedMonitor {
    /// Starts with a connection that took `setup` to open, for a file of size `whole` of which `received` bytes exist.
    pub(in super::super) fn new(setup: Duration, received: u64, whole: u64) -> Self {
        let ramp = ConnectionRamp::new(setup, Duration::ZERO, received);
        Self { ramp, clock: TransferClock::start(), setup, whole, next: Instant::now() + TICK }
    }

    /// Waits for the next bytes. `received` is the number of bytes so far.
    pub(in super::super) async fn next(&mut self, reader: &mut ObjectReader, received: u64) -> Result<NextChunk> {
        loop {
            let now = Instant::now();
            if now >= self.next {
                self.next = now + TICK;
                let is_slow = self.ramp.update(self.clock.elapsed(), received, (1, 1)) > 1;
                if is_slow && self.whole.saturating_sub(received) >= MIN_REMAINING {
                    return Ok(NextChunk::TooSlow);
                }
            }
            if let Ok(came) = timeout_at(self.next.into(), reader.next()).await {
                return came.map(NextChunk::Received);
            }
        }
    }

    /// Excludes the time since this moment: it was a local delay.
    pub(in super::super) fn exclude_since(&mut self, moment: Instant) {
        self.clock.exclude_since(moment);
    }

    /// Returns the connection, for a split transfer to take over.
    pub(in super::super) fn into_first_connection(self, reader: ObjectReader) -> FirstConnection {
        FirstConnection { reader, ramp: self.ramp, clock: self.clock, setup: self.setup }
    }
}
