//! The time of a transfer, without what holds it back at our end: a disk, or a limit on the rate.

use std::time::{Duration, Instant};

/// Measures from its beginning.
#[derive(Debug)]
pub(in super::super) struct Clock {
    start: Instant,
    held: Duration,
}

impl Clock {
    pub(in super::super) fn start() -> Self {
        Self { start: Instant::now(), held: Duration::ZERO }
    }

    /// The time so far.
    pub(in super::super) fn now(&self) -> Duration {
        self.start.elapsed().saturating_sub(self.held)
    }

    /// Since this moment the transfer has been held back.
    pub(in super::super) fn held_since(&mut self, moment: Instant) {
        self.held += moment.elapsed();
    }
}
