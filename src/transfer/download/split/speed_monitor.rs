//! Measures whether the first connection of a large file is fast enough alone.

use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::time::timeout_at;

use super::{Clock, LARGE, Lead, Ramp, TICK};
use crate::storage::{Reading, Result};

/// Minimum number of missing bytes for more connections to be worthwhile.
const WORTH_IT: u64 = LARGE / 2;

/// Measures the rate of a connection.
pub(in super::super) struct Watch {
    ramp: Ramp,
    clock: Clock,
    setup: Duration,
    whole: u64,
    next: Instant,
}

/// What the reader has to do.
pub(in super::super) enum Seen {
    /// Store these bytes; `None` at the end.
    Came(Option<Bytes>),
    /// Open more connections.
    Slow,
}

impl Watch {
    /// Starts with a connection that took `setup` to open, for a file of size `whole` of which `received` bytes exist.
    pub(in super::super) fn new(setup: Duration, received: u64, whole: u64) -> Self {
        let ramp = Ramp::new(setup, Duration::ZERO, received);
        Self { ramp, clock: Clock::start(), setup, whole, next: Instant::now() + TICK }
    }

    /// Waits for the next bytes. `received` is the number of bytes so far.
    pub(in super::super) async fn next(&mut self, reading: &mut Reading, received: u64) -> Result<Seen> {
        loop {
            let now = Instant::now();
            if now >= self.next {
                self.next = now + TICK;
                let is_slow = self.ramp.look(self.clock.now(), received, (1, 1)) > 1;
                if is_slow && self.whole.saturating_sub(received) >= WORTH_IT {
                    return Ok(Seen::Slow);
                }
            }
            if let Ok(came) = timeout_at(self.next.into(), reading.next()).await {
                return came.map(Seen::Came);
            }
        }
    }

    /// Excludes the time since this moment: it was a local delay.
    pub(in super::super) fn held_since(&mut self, moment: Instant) {
        self.clock.held_since(moment);
    }

    /// Returns the connection, for a split transfer to take over.
    pub(in super::super) fn lead(self, reading: Reading) -> Lead {
        Lead { reading, ramp: self.ramp, clock: self.clock, setup: self.setup }
    }
}
