//! The time of a transfer, without local delays: disk writes and the rate limit.

use std::time::{Duration, Instant};

/// Measures the time since its creation.
#[derive(Debug)]
pub(in super::super) struct TransferClock {
    start: Instant,
    excluded: Duration,
}

impl TransferClock {
    pub(in super::super) fn start() -> Self {
        Self { start: Instant::now(), excluded: Duration::ZERO }
    }

    /// Returns the time so far, without local delays.
    pub(in super::super) fn elapsed(&self) -> Duration {
        self.start.elapsed().saturating_sub(self.excluded)
    }

    /// Excludes the time since this moment.
    pub(in super::super) fn exclude_since(&mut self, moment: Instant) {
        self.excluded += moment.elapsed();
    }
}
