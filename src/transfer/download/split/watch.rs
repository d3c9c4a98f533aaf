//! The first connection of a large file: is it fast enough alone?

use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::time::timeout_at;

use super::{Clock, LARGE, Lead, Ramp, TICK};
use crate::storage::{Reading, Result};

/// The least that may be left for it to be worth while.
const WORTH_IT: u64 = LARGE / 2;

/// Watches how the bytes come.
pub(in super::super) struct Watch {
    ramp: Ramp,
    clock: Clock,
    setup: Duration,
    whole: u64,
    next: Instant,
}

/// What there is to be done.
pub(in super::super) enum Seen {
    /// Take these bytes in; at the end, none.
    Came(Option<Bytes>),
    /// Others should help.
    Slow,
}

impl Watch {
    /// A connection that took this long to open brings a file of this size, of which so many bytes are here.
    pub(in super::super) fn new(setup: Duration, received: u64, whole: u64) -> Self {
        let ramp = Ramp::new(setup, Duration::ZERO, received);
        Self { ramp, clock: Clock::start(), setup, whole, next: Instant::now() + TICK }
    }

    /// The next bytes. So many are here already.
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

    /// Since this moment our own end has been busy.
    pub(in super::super) fn held_since(&mut self, moment: Instant) {
        self.clock.held_since(moment);
    }

    /// The connection, for several to go on with.
    pub(in super::super) fn lead(self, reading: Reading) -> Lead {
        Lead { reading, ramp: self.ramp, clock: self.clock, setup: self.setup }
    }
}
