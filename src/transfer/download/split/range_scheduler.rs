//! Assigns byte ranges to connections: pure decisions from missing ranges, assignments and rates.
//!
//! Times are since the beginning of the transfer, without local delays.

use std::time::Duration;

use crate::transfer::partial_file::range_map::ByteRange;

/// Minimum length of a range that is worth a request.
pub(super) const MIN_RANGE: u64 = 256 * 1024;
/// Weight of the latest rate in the moving average.
const RATE_WEIGHT: f64 = 0.3;
/// The rest of a range is only split if reading it takes this many times as long as opening a connection.
const MIN_GAIN: f64 = 2.0;

/// Connections that last received bytes within this interval have stalled together.
const SIMULTANEOUS: Duration = Duration::from_millis(30);

/// The range of one connection.
#[derive(Debug, Clone)]
struct Assignment {
    /// The next wanted byte, and the offset behind the last one.
    range: ByteRange,
    /// Number of unwanted bytes before it.
    skip: u64,
    /// Offset at which the response ends, also beyond the wanted range.
    answer_end: u64,
    source: usize,
    requested_at: Duration,
    /// Start of the response.
    answered_at: Option<Duration>,
    /// Time of the last bytes.
    last_received: Duration,
    bytes_received: u64,
    /// `bytes_received` and time at the last computation of `rate`.
    last_measured: (u64, Duration),
    /// Rate in bytes per second, once measured.
    rate: Option<f64>,
}

/// The missing ranges of a file, and the connections that read them, each in a lane of its own.
#[derive(Debug, Default)]
pub(super) struct RangeScheduler {
    unassigned: Vec<ByteRange>,
    assignments: Vec<Option<Assignment>>,
    received: u64,
    /// Time of the last bytes on any connection.
    last_received: Duration,
}

/// The wanted part of received bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Arrived {
    /// Offset of the wanted bytes.
    pub(super) start: u64,
    /// Number of unwanted bytes before them.
    pub(super) skipped: usize,
    /// Number of wanted bytes.
    pub(super) wanted: usize,
    /// Whether the connection's range is complete.
    pub(super) is_last: bool,
}

impl RangeScheduler {
    /// Creates a pool in which these ranges are missing and unassigned.
    pub(super) fn new(missing_ranges: Vec<ByteRange>) -> Self {
        Self { unassigned: missing_ranges, ..Self::default() }
    }

    /// Assigns the first unassigned range to a connection that is already open.
    pub(super) fn adopt(&mut self, source: usize, now: Duration, rate: f64) {
        if let Some(range) = self.take_unassigned() {
            let connection = self.assign(range, source, now);
            self.answered_at(connection, now);
            if let Some(assignment) = self.assignment(connection) {
                assignment.rate = Some(rate);
            }
        }
    }

    /// Returns the lane and range for a new connection to this source: an unassigned range, else the tail of the
    /// slowest one. `None` if the gain is too small; `wanted` is the number of connections then open, `setup` the time
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
        let assignment = Assignment {
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
        };
        let connection = self.assignments.iter().position(Option::is_none).unwrap_or(self.assignments.len());
        if connection == self.assignments.len() {
            self.assignments.push(None);
        }
        self.assignments[connection] = Some(assignment);
        connection
    }

    /// Takes the tail of the slowest connection's range: so much that both finish at the same time, but no more than an
    /// equal share of all missing bytes.
    fn steal_range(&mut self, source: usize, wanted: usize, setup: Duration) -> Option<ByteRange> {
        let (usual, setup) = (self.rate().unwrap_or(1.0), setup.as_secs_f64());
        let ours = self.rate_of(source).unwrap_or(usual).max(1.0);
        let share = (self.remaining() / wanted.max(1) as u64).max(MIN_RANGE);
        let time = |one: &Assignment| one.range.length() as f64 / one.rate.unwrap_or(usual).max(1.0);
        let slowest = self.assignments.iter_mut().flatten().max_by(|one, two| time(one).total_cmp(&time(two)))?;
        let (length, theirs) = (slowest.range.length(), slowest.rate.unwrap_or(usual).max(1.0));
        if length < 2 * MIN_RANGE || slowest.rate.is_some() && time(slowest) < MIN_GAIN * setup {
            return None;
        }
        let kept = (setup + length as f64 / ours) * ours * theirs / (ours + theirs);
        // The float is never negative, and saturates if too large.
        let taken = length.saturating_sub(kept as u64).min(share).min(length - MIN_RANGE);
        if taken < MIN_RANGE {
            return None;
        }
        let end = slowest.range.end;
        slowest.range.end = end - taken;
        Some(ByteRange { start: end - taken, end })
    }

    /// Records the start of the response. Returns its source, and the time of the request.
    pub(super) fn answered_at(&mut self, connection: usize, now: Duration) -> Option<(usize, Duration)> {
        let assignment = self.assignment(connection)?;
        (assignment.answered_at, assignment.last_received, assignment.last_measured) = (Some(now), now, (0, now));
        Some((assignment.source, assignment.requested_at))
    }

    pub(super) fn source(&self, connection: usize) -> Option<usize> {
        Some(self.assignments.get(connection)?.as_ref()?.source)
    }

    /// Records received bytes. Those behind the end of the range are not wanted: they belong to another connection by
    /// now.
    pub(super) fn arrived(&mut self, connection: usize, bytes: usize, now: Duration) -> Arrived {
        let Some(assignment) = self.assignment(connection) else {
            return Arrived { start: 0, skipped: 0, wanted: 0, is_last: true };
        };
        let skipped = clamp(assignment.skip, bytes);
        let wanted = clamp(assignment.range.length(), bytes - skipped);
        let start = assignment.range.start;
        assignment.skip -= skipped as u64;
        assignment.range.start += wanted as u64;
        assignment.bytes_received += wanted as u64;
        assignment.last_received = now;
        let is_last = assignment.range.length() == 0;
        self.received += wanted as u64;
        self.last_received = now;
        Arrived { start, skipped, wanted, is_last }
    }

    /// Extends a finished range within the same response: by an unassigned range, or by one whose connection has not
    /// been answered yet. May waste up to `in_vain` bytes before it. Returns the lane of the connection made redundant.
    pub(super) fn extend(&mut self, connection: usize, in_vain: u64) -> Option<Option<usize>> {
        let Assignment { range: ByteRange { end, .. }, answer_end, .. } = *self.assignment(connection)?;
        let can_do = |range: &ByteRange| {
            (end..answer_end.min(end.saturating_add(in_vain).saturating_add(1))).contains(&range.start)
        };
        let unassigned = self.unassigned.iter().position(can_do);
        let pending = |one: &&Assignment| one.answered_at.is_none() && can_do(&one.range);
        let assignments = self
            .assignments
            .iter()
            .enumerate()
            .filter_map(|(connection, one)| Some((connection, one.as_ref().filter(pending)?.range)));
        let other = assignments.min_by_key(|(_, range)| range.start);
        let (other, range) = match (unassigned.map(|index| (index, self.unassigned[index])), other) {
            (Some((_, unassigned)), Some((connection, range))) if range.start < unassigned.start => {
                (Some(connection), range)
            }
            (None, Some((connection, range))) => (Some(connection), range),
            (Some((index, _)), _) => (None, self.unassigned.remove(index)),
            (None, None) => return None,
        };
        if let Some(other) = other {
            self.assignments[other] = None;
        }
        let taken = ByteRange { start: range.start, end: range.end.min(answer_end) };
        if taken.end < range.end {
            self.put_back(ByteRange { start: taken.end, end: range.end });
        }
        let assignment = self.assignment(connection)?;
        (assignment.skip, assignment.range) = (taken.start - end, taken);
        Some(other)
    }

    /// Ends a connection and releases its remaining range. Returns its source and number of bytes received.
    pub(super) fn end(&mut self, connection: usize) -> Option<(usize, u64)> {
        let assignment = self.assignments.get_mut(connection)?.take()?;
        if assignment.range.length() > 0 {
            self.put_back(assignment.range);
        }
        Some((assignment.source, assignment.bytes_received))
    }

    fn put_back(&mut self, range: ByteRange) {
        let index = self.unassigned.partition_point(|other| other.start < range.start);
        self.unassigned.insert(index, range);
    }

    pub(super) fn measure(&mut self, now: Duration) {
        for assignment in self.assignments.iter_mut().flatten().filter(|assignment| assignment.answered_at.is_some()) {
            let time = now.saturating_sub(assignment.last_measured.1).as_secs_f64();
            if time > 0.0 {
                let rate = (assignment.bytes_received - assignment.last_measured.0) as f64 / time;
                let before = assignment.rate.unwrap_or(rate);
                assignment.rate = Some(before + RATE_WEIGHT * (rate - before));
                assignment.last_measured = (assignment.bytes_received, now);
            }
        }
    }

    /// Returns the connections that received nothing for this long while others continued. If all stalled together, the
    /// cause is not a single connection.
    pub(super) fn stalled(&self, now: Duration, timeout: Duration) -> Vec<usize> {
        let is_stalled = |one: &Assignment| {
            now.saturating_sub(one.last_received) > timeout && one.last_received + SIMULTANEOUS < self.last_received
        };
        let assignments = self.assignments.iter().enumerate();
        assignments
            .filter_map(|(connection, one)| one.as_ref().filter(|one| is_stalled(one)).map(|_| connection))
            .collect()
    }

    /// Whether nothing is missing.
    pub(super) fn is_done(&self) -> bool {
        self.remaining() == 0
    }

    /// Returns the number of missing bytes.
    pub(super) fn remaining(&self) -> u64 {
        let under_way = self.assignments.iter().flatten().map(|assignment| assignment.range.length());
        self.unassigned.iter().map(|range| range.length()).chain(under_way).sum()
    }

    /// Returns the number of bytes received.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// Returns how many connections are open, and how many of them have been answered.
    pub(super) fn open(&self) -> (usize, usize) {
        let open = self.assignments.iter().flatten();
        (open.clone().count(), open.filter(|assignment| assignment.answered_at.is_some()).count())
    }

    /// Returns the number of open connections to this source.
    pub(super) fn open_to(&self, source: usize) -> usize {
        self.assignments.iter().flatten().filter(|assignment| assignment.source == source).count()
    }

    /// Returns the connection that was opened last.
    pub(super) fn newest(&self) -> Option<usize> {
        let open = self
            .assignments
            .iter()
            .enumerate()
            .filter_map(|(connection, assignment)| Some((connection, assignment.as_ref()?.requested_at)));
        open.max_by_key(|(_, requested_at)| *requested_at).map(|(connection, _)| connection)
    }

    /// Returns the average rate of all connections, in bytes per second each.
    pub(super) fn rate(&self) -> Option<f64> {
        average(self.assignments.iter().flatten())
    }

    /// Returns the average rate of connections to this source, in bytes per second each.
    pub(super) fn rate_of(&self, source: usize) -> Option<f64> {
        average(self.assignments.iter().flatten().filter(|assignment| assignment.source == source))
    }

    fn assignment(&mut self, connection: usize) -> Option<&mut Assignment> {
        self.assignments.get_mut(connection)?.as_mut()
    }
}

/// Returns `count`, but at most `bytes`.
fn clamp(count: u64, bytes: usize) -> usize {
    usize::try_from(count).map_or(bytes, |count| count.min(bytes))
}

fn average<'s>(assignments: impl Iterator<Item = &'s Assignment>) -> Option<f64> {
    let (sum, count) =
        assignments.filter_map(|one| one.rate).fold((0.0, 0.0), |(sum, count), rate| (sum + rate, count + 1.0));
    (count > 0.0).then(|| sum / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1_000_000;
    const SETUP: Duration = Duration::from_millis(100);

    fn range(start: u64, end: u64) -> ByteRange {
        ByteRange { start, end }
    }

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// Returns a pool in which one connection to the first source reads a file of this size.
    fn led(whole: u64, rate: f64) -> RangeScheduler {
        let mut pool = RangeScheduler::new(vec![range(0, whole)]);
        pool.adopt(0, at(0), rate);
        pool
    }

    #[test]
    fn what_nobody_is_at_comes_first_and_in_order() {
        let mut pool = RangeScheduler::new(vec![range(5, 10), range(20, 30)]);
        assert_eq!(pool.next_range(0, 4, SETUP, at(0)), Some((0, range(5, 10))));
        assert_eq!(pool.next_range(1, 4, SETUP, at(0)), Some((1, range(20, 30))));
        assert_eq!(pool.next_range(1, 4, SETUP, at(0)), None);
        assert_eq!(pool.arrived(0, 2, at(1)), Arrived { start: 5, skipped: 0, wanted: 2, is_last: false });
        assert_eq!(pool.end(0), Some((0, 2)));
        assert_eq!((pool.remaining(), pool.open_to(1), pool.open_to(0)), (13, 1, 0));
        assert_eq!(pool.next_range(2, 4, SETUP, at(1)), Some((0, range(7, 10))));
    }

    #[test]
    fn many_at_once_get_equal_shares_from_the_end() {
        let mut pool = led(160 * MB, 10e6);
        let taken: Vec<_> = (0..15).map(|_| pool.next_range(0, 16, SETUP, at(0)).unwrap().1).collect();
        assert!(taken.iter().all(|range| range.length() == 10 * MB || range.length() == 9_500_000), "{taken:?}");
        assert_eq!(taken[0].end, 160 * MB);
        assert_eq!(pool.open(), (16, 1));
    }

    #[test]
    fn an_idle_connection_takes_over_from_the_slowest_one() {
        let mut pool = RangeScheduler::new(vec![range(0, 100 * MB), range(100 * MB, 200 * MB)]);
        for (connection, (source, bytes_received)) in [(0, 2 * MB), (1, 30 * MB)].into_iter().enumerate() {
            pool.next_range(source, 3, SETUP, at(0));
            pool.answered_at(connection, at(0));
            pool.arrived(connection, usize::try_from(bytes_received).unwrap(), at(1000));
        }
        pool.measure(at(1000));
        // The new connection is as fast as the second one: this and the first one finish at the same time.
        let (_, taken) = pool.next_range(1, 1, SETUP, at(1000)).unwrap();
        let kept = taken.start - 2 * MB;
        assert_eq!(taken.end, 100 * MB);
        let (theirs, ours) = (kept as f64 / 2e6, taken.length() as f64 / 30e6 + SETUP.as_secs_f64());
        assert!((theirs - ours).abs() < 0.01, "{theirs} and {ours} seconds");
    }

    #[test]
    fn what_is_nearly_done_is_left_alone() {
        let mut pool = led(MIN_RANGE * 2 - 1, 1.0);
        assert_eq!(pool.next_range(0, 2, SETUP, at(0)), None);
        let mut pool = led(10 * MB, 100e6);
        assert_eq!(pool.next_range(0, 2, SETUP, at(0)), None);
        assert!(pool.next_range(0, 2, at(10), at(0)).is_some());
    }

    #[test]
    fn bytes_behind_the_end_are_not_wanted() {
        let mut pool = led(10 * MB, 1e6);
        let (connection, taken) = pool.next_range(0, 2, SETUP, at(0)).unwrap();
        let all = usize::try_from(10 * MB).unwrap();
        let wanted = usize::try_from(taken.start).unwrap();
        assert_eq!(pool.arrived(0, all, at(1)), Arrived { start: 0, skipped: 0, wanted, is_last: true });
        pool.end(0);
        let wanted = usize::try_from(taken.length()).unwrap();
        assert_eq!(
            pool.arrived(connection, all, at(1)),
            Arrived { start: taken.start, skipped: 0, wanted, is_last: true }
        );
        assert!(pool.is_done());
    }

    #[test]
    fn the_one_that_is_silent_while_others_are_not_is_stalled() {
        let timeout = at(1000);
        let mut pool = led(100 * MB, 1e6);
        let (connection, _) = pool.next_range(0, 2, SETUP, at(0)).unwrap();
        pool.answered_at(connection, at(10));
        pool.arrived(connection, 10, at(1990));
        assert_eq!(pool.stalled(at(2000), timeout), [0]);
        assert!(pool.stalled(at(900), timeout).is_empty());
        pool.arrived(0, 10, at(2000));
        assert!(pool.stalled(at(4000), timeout).is_empty(), "all are silent");
        pool.arrived(connection, 10, at(2300));
        pool.end(connection);
        assert_eq!(pool.stalled(at(4000), timeout), [0], "the other one is through");
    }

    #[test]
    fn an_answer_goes_on_with_what_others_have_not_begun_or_given_up() {
        let mut pool = led(40 * MB, 1e6);
        let (second, taken) = pool.next_range(0, 4, SETUP, at(0)).unwrap();
        let (third, middle) = pool.next_range(0, 4, SETUP, at(0)).unwrap();
        assert_eq!(middle.end, taken.start);
        let length = |range: ByteRange| usize::try_from(range.length()).unwrap();
        assert!(pool.arrived(0, usize::try_from(middle.start).unwrap(), at(1)).is_last);
        // The third has not been answered.
        assert_eq!(pool.extend(0, 0), Some(Some(third)));
        assert!(pool.arrived(0, length(middle), at(2)).is_last);
        // The second one has, and fails after a megabyte, which the first one receives again.
        pool.answered_at(second, at(2));
        assert_eq!(pool.extend(0, MB), None);
        pool.arrived(second, 1_000_000, at(3));
        pool.end(second);
        assert_eq!((pool.extend(0, MB - 1), pool.extend(0, MB)), (None, Some(None)));
        let arrived = pool.arrived(0, length(taken), at(4));
        let wanted = length(taken) - 1_000_000;
        assert_eq!(arrived, Arrived { start: taken.start + MB, skipped: 1_000_000, wanted, is_last: true });
        assert!(pool.is_done() && pool.extend(0, u64::MAX).is_none());
    }

    /// For any order of events, takeovers, failures and rates, every byte is stored exactly once.
    #[test]
    fn every_byte_comes_exactly_once_whatever_happens() {
        let mut state = 11_u64;
        let mut random = move |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let (mut taken_over, mut gone_on) = (0, 0);
        for _ in 0..40 {
            let whole = 1 + random(6_000_000);
            let mut here = vec![0_u8; usize::try_from(whole).unwrap()];
            let (one, two) = (random(whole + 1), random(whole + 1));
            let known = one.min(two)..one.max(two);
            here[usize::try_from(known.start).unwrap()..usize::try_from(known.end).unwrap()].fill(1);
            let missing_ranges = [range(0, known.start), range(known.end, whole)];
            let mut pool = RangeScheduler::new(missing_ranges.into_iter().filter(|range| range.length() > 0).collect());
            let (mut time, mut open, mut failures) = (0, Vec::<(usize, u64)>::new(), 200);
            while !pool.is_done() {
                time += random(20);
                match random(if failures > 0 { 12 } else { 11 }) {
                    0..3 => {
                        if open.len() < 16
                            && let Some((connection, range)) =
                                pool.next_range(usize::try_from(random(3)).unwrap(), 16, at(random(9)), at(time))
                        {
                            taken_over += usize::from(!open.is_empty());
                            open.push((connection, range.start));
                        }
                    }
                    3 => pool.measure(at(time)),
                    4..11 => {
                        let chosen = usize::try_from(random(16)).unwrap();
                        let Some((connection, wire)) = open.get_mut(chosen) else { continue };
                        let connection = *connection;
                        pool.answered_at(connection, at(time));
                        let mut bytes = usize::try_from(random(400_000)).unwrap();
                        let (mut at_wire, mut goes_on) = (*wire, true);
                        *wire += bytes as u64;
                        while bytes > 0 && goes_on {
                            let arrived = pool.arrived(connection, bytes, at(time));
                            // Wanted bytes have their offset in the response.
                            at_wire += arrived.skipped as u64;
                            assert!(arrived.wanted == 0 || arrived.start == at_wire);
                            at_wire += arrived.wanted as u64;
                            bytes -= arrived.skipped + arrived.wanted;
                            let start = usize::try_from(arrived.start).unwrap();
                            here[start..start + arrived.wanted].iter_mut().for_each(|byte| *byte += 1);
                            if arrived.is_last {
                                let other = pool.extend(connection, random(300_000));
                                goes_on = other.is_some();
                                gone_on += usize::from(goes_on);
                                let over = other.unwrap_or_else(|| pool.end(connection).map(|_| connection));
                                open.retain(|(connection, _)| Some(*connection) != over);
                            }
                        }
                    }
                    _ => {
                        failures -= 1;
                        if let Some((connection, _)) = open.pop() {
                            pool.end(connection);
                        }
                    }
                }
            }
            assert!(here.iter().all(|times| *times == 1));
            assert_eq!(pool.received(), whole - (known.end - known.start));
        }
        assert!(taken_over > 50 && gone_on > 0, "{taken_over} {gone_on}");
    }
}
