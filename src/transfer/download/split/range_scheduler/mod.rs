//! Assigns byte ranges to connections: pure decisions from missing ranges, assignments and rates.
//!
//! Times are since the beginning of the transfer, without local delays.

mod assignment;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::storage::ByteRange;
use assignment::Assignment;

pub(super) use assignment::AcceptedBytes;

/// Minimum length of a range that is worth a request. Chosen: a write buffer of `partial_file`.
pub(super) const MIN_RANGE: u64 = 256 * 1024;
/// The rest of a range is only split if reading it takes this many times as long as opening a connection. Chosen: with 1,
/// both would finish at the same time.
const MIN_GAIN: f64 = 2.0;
/// Connections that last received bytes within this interval have stalled together. Chosen: two measurements.
const SIMULTANEOUS: Duration = Duration::from_millis(30);

/// The missing ranges of a file, and the connections that read them, by number.
#[derive(Debug, Default)]
pub(super) struct RangeScheduler {
    unassigned: Vec<ByteRange>,
    assignments: Vec<Option<Assignment>>,
    received: u64,
    /// Time of the last bytes on any connection.
    last_received: Duration,
}

/// How a connection continues at the end of its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extension {
    /// It does not: nothing that its response still has is missing.
    None,
    /// With a range that was unassigned.
    Unassigned,
    /// With the range of this connection, which is now redundant.
    TakenFrom(usize),
}

impl RangeScheduler {
    /// Creates a scheduler in which these ranges are missing and unassigned.
    pub(super) fn new(missing_ranges: Vec<ByteRange>) -> Self {
        Self { unassigned: missing_ranges, ..Self::default() }
    }

    /// Assigns the first unassigned range to a connection that is already open.
    pub(super) fn adopt(&mut self, source: usize, now: Duration, rate: f64) {
        if let Some(range) = self.take_unassigned() {
            let connection = self.assign(range, source, now);
            if let Some(assignment) = self.assignment(connection) {
                assignment.record_answer(now);
                assignment.rate = Some(rate);
            }
        }
    }

    /// Returns the number and range of a new connection to this source: an unassigned range, else the tail of the slowest
    /// one. `None` if the gain is too small; `wanted` is the number of connections then open, `setup` the time
    /// to open one.
    pub(super) fn next_range(
        &mut self,
        source: usize,
        wanted: usize,
        setup: Duration,
        now: Duration,
    ) -> Option<(usize, ByteRange)> {
        let range = match self.take_unassigned() {
            Some(range) => range,
            None => self.steal_range(source, wanted, setup)?,
        };
        Some((self.assign(range, source, now), range))
    }

    fn take_unassigned(&mut self) -> Option<ByteRange> {
        (!self.unassigned.is_empty()).then(|| self.unassigned.remove(0))
    }

    fn assign(&mut self, range: ByteRange, source: usize, now: Duration) -> usize {
        let connection = self.assignments.iter().position(Option::is_none).unwrap_or(self.assignments.len());
        if connection == self.assignments.len() {
            self.assignments.push(None);
        }
        self.assignments[connection] = Some(Assignment::new(range, source, now));
        connection
    }

    /// Takes the tail of the slowest connection's range: so much that both finish at the same time, but no more than an
    /// equal share of all missing bytes.
    fn steal_range(&mut self, source: usize, wanted: usize, setup: Duration) -> Option<ByteRange> {
        let (usual, setup) = (self.rate().unwrap_or(1.0), setup.as_secs_f64());
        let ours = self.rate_of(source).unwrap_or(usual).max(1.0);
        let share = (self.remaining() / wanted.max(1) as u64).max(MIN_RANGE);
        let time = |one: &Assignment| one.range.len() as f64 / one.rate.unwrap_or(usual).max(1.0);
        let slowest = self.assignments.iter_mut().flatten().max_by(|one, two| time(one).total_cmp(&time(two)))?;
        let (length, theirs) = (slowest.range.len(), slowest.rate.unwrap_or(usual).max(1.0));
        if length < 2 * MIN_RANGE || slowest.rate.is_some() && time(slowest) < MIN_GAIN * setup {
            return None;
        }
        let kept = (setup + length as f64 / ours) * ours * theirs / (ours + theirs);
        // The float is never negative, and saturates if too large.
        let taken = length.saturating_sub(kept as u64).min(share).min(length - MIN_RANGE);
        if taken < MIN_RANGE {
            return None;
        }
        let (kept, taken) = slowest.range.split_at(slowest.range.end - taken);
        slowest.range = kept;
        Some(taken)
    }

    /// Records the start of the response. Returns its source, and the time of the request.
    pub(super) fn record_answer(&mut self, connection: usize, now: Duration) -> Option<(usize, Duration)> {
        let assignment = self.assignment(connection)?;
        assignment.record_answer(now);
        Some((assignment.source, assignment.requested_at))
    }

    pub(super) fn source(&self, connection: usize) -> Option<usize> {
        Some(self.assignments.get(connection)?.as_ref()?.source)
    }

    /// Records received bytes, of which those behind the end of the connection's range belong to another connection.
    pub(super) fn accept_bytes(&mut self, connection: usize, bytes: usize, now: Duration) -> AcceptedBytes {
        let Some(assignment) = self.assignment(connection) else {
            return AcceptedBytes { start: 0, skipped: 0, accepted: 0, is_last: true };
        };
        let bytes = assignment.accept_bytes(bytes, now);
        self.received += bytes.accepted as u64;
        self.last_received = now;
        bytes
    }

    /// Extends a finished range within the same response: by an unassigned range, or by one whose connection has not
    /// been answered yet. May waste up to `max_wasted` bytes before it.
    pub(super) fn extend(&mut self, connection: usize, max_wasted: u64) -> Extension {
        let Some(assignment) = self.assignment(connection) else { return Extension::None };
        let (end, answer_end) = (assignment.range.end, assignment.answer_end);
        let last_start = end.saturating_add(max_wasted);
        let is_within_reach = |range: ByteRange| (end..answer_end).contains(&range.start) && range.start <= last_start;
        let unassigned = self.unassigned.iter().position(|range| is_within_reach(*range));
        let pending = self
            .open()
            .filter(|(_, one)| one.answered_at.is_none() && is_within_reach(one.range))
            .min_by_key(|(_, one)| one.range.start)
            .map(|(other, one)| (other, one.range.start));
        let (range, extension) = match (unassigned, pending) {
            (Some(index), None) => (self.unassigned.remove(index), Extension::Unassigned),
            (Some(index), Some((_, start))) if self.unassigned[index].start <= start => {
                (self.unassigned.remove(index), Extension::Unassigned)
            }
            (_, Some((other, _))) => match self.assignments[other].take() {
                Some(one) => (one.range, Extension::TakenFrom(other)),
                None => return Extension::None,
            },
            (None, None) => return Extension::None,
        };
        let (taken, rest) = range.split_at(answer_end);
        if !rest.is_empty() {
            self.put_back(rest);
        }
        if let Some(assignment) = self.assignment(connection) {
            assignment.skip = taken.start - end;
            assignment.range = taken;
        }
        extension
    }

    /// Ends a connection and releases its remaining range. Returns its source and number of bytes received.
    pub(super) fn end(&mut self, connection: usize) -> Option<(usize, u64)> {
        let assignment = self.assignments.get_mut(connection)?.take()?;
        if !assignment.range.is_empty() {
            self.put_back(assignment.range);
        }
        Some((assignment.source, assignment.bytes_received))
    }

    fn put_back(&mut self, range: ByteRange) {
        let index = self.unassigned.partition_point(|other| other.start < range.start);
        self.unassigned.insert(index, range);
    }

    /// Measures the rates of all connections.
    pub(super) fn measure(&mut self, now: Duration) {
        for assignment in self.assignments.iter_mut().flatten() {
            assignment.measure(now);
        }
    }

    /// Returns the connections that received nothing for this long while others continued. If all stalled together, the
    /// cause is not a single connection.
    pub(super) fn stalled(&self, now: Duration, timeout: Duration) -> Vec<usize> {
        let is_stalled = |one: &Assignment| {
            now.saturating_sub(one.last_received) > timeout && one.last_received + SIMULTANEOUS < self.last_received
        };
        self.open().filter(|(_, one)| is_stalled(one)).map(|(connection, _)| connection).collect()
    }

    /// Whether nothing is missing.
    pub(super) fn is_done(&self) -> bool {
        self.remaining() == 0
    }

    /// Returns the number of missing bytes.
    pub(super) fn remaining(&self) -> u64 {
        let assigned = self.open().map(|(_, one)| one.range.len());
        self.unassigned.iter().map(|range| range.len()).chain(assigned).sum()
    }

    /// Returns the number of bytes received.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// Returns the number of open connections.
    pub(super) fn open_count(&self) -> usize {
        self.open().count()
    }

    /// Returns the number of open connections whose response has begun.
    pub(super) fn answered_count(&self) -> usize {
        self.open().filter(|(_, one)| one.answered_at.is_some()).count()
    }

    /// Returns the number of open connections to this source.
    pub(super) fn open_to(&self, source: usize) -> usize {
        self.open().filter(|(_, one)| one.source == source).count()
    }

    /// Returns the connection that was opened last.
    pub(super) fn newest(&self) -> Option<usize> {
        self.open().max_by_key(|(_, one)| one.requested_at).map(|(connection, _)| connection)
    }

    /// Returns the average rate of all connections, in bytes per second each.
    pub(super) fn rate(&self) -> Option<f64> {
        average(self.open().filter_map(|(_, one)| one.rate))
    }

    /// Returns the average rate of connections to this source, in bytes per second each.
    pub(super) fn rate_of(&self, source: usize) -> Option<f64> {
        average(self.open().filter(|(_, one)| one.source == source).filter_map(|(_, one)| one.rate))
    }

    /// Returns the open connections and their ranges.
    fn open(&self) -> impl Iterator<Item = (usize, &Assignment)> {
        self.assignments.iter().enumerate().filter_map(|(connection, one)| Some((connection, one.as_ref()?)))
    }

    fn assignment(&mut self, connection: usize) -> Option<&mut Assignment> {
        self.assignments.get_mut(connection)?.as_mut()
    }
}

fn average(rates: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = rates.fold((0.0, 0.0), |(sum, count), rate| (sum + rate, count + 1.0));
    (count > 0.0).then(|| sum / count)
}
