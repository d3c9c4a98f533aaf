//! The byte range of one connection, and how fast it arrives.

use std::time::Duration;

use crate::storage::ByteRange;

/// Weight of the latest rate in the moving average. Chosen: more follows the noise, less follows a change too late.
const RATE_WEIGHT: f64 = 0.3;

/// The range of one connection.
#[derive(Debug, Clone)]
pub(super) struct Assignment {
    /// The missing bytes of the range.
    pub(super) range: ByteRange,
    /// Number of bytes before them that are not wanted.
    pub(super) skip: u64,
    /// Offset at which the response ends, also beyond the range.
    pub(super) answer_end: u64,
    pub(super) source: usize,
    pub(super) requested_at: Duration,
    /// Start of the response.
    pub(super) answered_at: Option<Duration>,
    /// Time of the last bytes.
    pub(super) last_received: Duration,
    pub(super) bytes_received: u64,
    /// `bytes_received` and time at the last computation of `rate`.
    last_measured: (u64, Duration),
    /// Rate in bytes per second, once measured.
    pub(super) rate: Option<f64>,
}

/// Received bytes of which only some are wanted.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct AcceptedBytes {
    /// Offset of the wanted bytes in the file.
    pub(in super::super) start: u64,
    /// Number of unwanted bytes before them.
    pub(in super::super) skipped: usize,
    /// Number of wanted bytes.
    pub(in super::super) accepted: usize,
    /// Whether the connection's range is complete.
    pub(in super::super) is_last: bool,
}

impl Assignment {
    /// Assigns a range to a connection that is opened now.
    pub(super) fn new(range: ByteRange, source: usize, now: Duration) -> Self {
        Self {
            range,
            skip: 0,
            answer_end: range.end,
            source,
            requested_at: now,
            answered_at: None,
            last_received: now,
            bytes_received: 0,
            last_measured: (0, now),
            rate: None,
        }
    }

    /// Records the start of the response.
    pub(super) fn record_answer(&mut self, now: Duration) {
        self.answered_at = Some(now);
        self.last_received = now;
        self.last_measured = (0, now);
    }

    /// Records received bytes, and returns which of them are wanted.
    pub(super) fn accept_bytes(&mut self, bytes: usize, now: Duration) -> AcceptedBytes {
        let start = self.range.start;
        let skipped = at_most(self.skip, bytes);
        let accepted = at_most(self.range.len(), bytes - skipped);
        self.skip -= skipped as u64;
        self.range.start += accepted as u64;
        self.bytes_received += accepted as u64;
        self.last_received = now;
        AcceptedBytes { start, skipped, accepted, is_last: self.range.is_empty() }
    }

    /// Updates the rate, if the response has begun.
    pub(super) fn measure(&mut self, now: Duration) {
        let (bytes_before, then) = self.last_measured;
        let time = now.saturating_sub(then).as_secs_f64();
        if self.answered_at.is_none() || time <= 0.0 {
            return;
        }
        let rate = (self.bytes_received - bytes_before) as f64 / time;
        let average = self.rate.unwrap_or(rate);
        self.rate = Some(average + RATE_WEIGHT * (rate - average));
        self.last_measured = (self.bytes_received, now);
    }
}

/// Returns `count`, but at most `bytes`.
fn at_most(count: u64, bytes: usize) -> usize {
    usize::try_from(count).map_or(bytes, |count| count.min(bytes))
}
