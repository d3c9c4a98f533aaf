//! The time of a transfer, without local delays: disk writes and the rate limit.

use std::time::{Duration, Instant};

/// Measures the time since its creation.
#[derive(Debug)]
pub(in super::super) struct Clock {
    start: Instant,
    held: Duration,
}

impl Clock {
    pub(in super::super) fn start() -> Self {
        Self { start: Instant::now(), held: Duration::ZERO }
    }

    /// Returns the time so far, without local delays.
    pub(in super::super) fn now(&self) -> Duration {
        self.start.elapsed().saturating_sub(self.held)
    }

    /// Excludes the time since this moment.
    pub(in super::super) fn held_since(&mut self, moment: Instant) {
        self.held += moment.elapsed();
    }
}
