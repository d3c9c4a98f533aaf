//! Assigns byte ranges to connections: pure decisions from missing ranges, assignments and rates.
//!
//! Times are since the beginning of the transfer, without local delays.

use std::time::Duration;

use super::super::super::partial_file::Span;

/// Minimum length of a range that is worth a request.
pub(super) const LEAST: u64 = 256 * 1024;
/// Weight of the latest rate in the moving average.
const WEIGHT: f64 = 0.3;
/// The rest of a range is only split if reading it takes this many times as long as opening a connection.
const WORTH_IT: f64 = 2.0;

/// Connections that last received bytes within this interval have stalled together.
const TOGETHER: Duration = Duration::from_millis(30);

/// The range of one connection.
#[derive(Debug, Clone)]
struct Stretch {
    /// The next wanted byte, and the offset behind the last one.
    span: Span,
    /// Number of unwanted bytes before it.
    skip: u64,
    /// Offset at which the response ends, also beyond the wanted range.
    reach: u64,
    source: usize,
    asked: Duration,
    /// Start of the response.
    begun: Option<Duration>,
    /// Time of the last bytes.
    heard: Duration,
    brought: u64,
    /// `brought` and time at the last computation of `rate`.
    counted: (u64, Duration),
    /// Rate in bytes per second, once measured.
    rate: Option<f64>,
}

/// The missing ranges of a file, and the connections that read them, each in a lane of its own.
#[derive(Debug, Default)]
pub(super) struct Pool {
    free: Vec<Span>,
    lanes: Vec<Option<Stretch>>,
    received: u64,
    /// Time of the last bytes on any connection.
    heard: Duration,
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

impl Pool {
    /// Creates a pool in which these ranges are missing and unassigned.
    pub(super) fn new(holes: Vec<Span>) -> Self {
        Self { free: holes, ..Self::default() }
    }

    /// Assigns the first unassigned range to a connection that is already open.
    pub(super) fn lead(&mut self, source: usize, now: Duration, rate: f64) {
        if let Some(span) = self.take_free() {
            let lane = self.begin(span, source, now);
            self.begun(lane, now);
            if let Some(stretch) = self.stretch(lane) {
                stretch.rate = Some(rate);
            }
        }
    }

    /// Returns the lane and range for a new connection to this source: an unassigned range, else the tail of the
    /// slowest one. `None` if the gain is too small; `wanted` is the number of connections then open, `setup` the time
    /// to open one.
    pub(super) fn next(
        &mut self,
        source: usize,
        wanted: usize,
        setup: Duration,
        now: Duration,
    ) -> Option<(usize, Span)> {
        let span = match self.take_free() {
            Some(span) => span,
            None => self.take_over(source, wanted, setup)?,
        };
        Some((self.begin(span, source, now), span))
    }

    fn take_free(&mut self) -> Option<Span> {
        (!self.free.is_empty()).then(|| self.free.remove(0))
    }

    fn begin(&mut self, span: Span, source: usize, now: Duration) -> usize {
        let stretch = Stretch {
            span,
            skip: 0,
            reach: span.end,
            source,
            asked: now,
            begun: None,
            heard: now,
            brought: 0,
            counted: (0, now),
            rate: None,
        };
        let lane = self.lanes.iter().position(Option::is_none).unwrap_or(self.lanes.len());
        if lane == self.lanes.len() {
            self.lanes.push(None);
        }
        self.lanes[lane] = Some(stretch);
        lane
    }

    /// Takes the tail of the slowest connection's range: so much that both finish at the same time, but no more than an
    /// equal share of all missing bytes.
    fn take_over(&mut self, source: usize, wanted: usize, setup: Duration) -> Option<Span> {
        let (usual, setup) = (self.rate().unwrap_or(1.0), setup.as_secs_f64());
        let ours = self.rate_of(source).unwrap_or(usual).max(1.0);
        let share = (self.left() / wanted.max(1) as u64).max(LEAST);
        let time = |one: &Stretch| one.span.length() as f64 / one.rate.unwrap_or(usual).max(1.0);
        let slowest = self.lanes.iter_mut().flatten().max_by(|one, two| time(one).total_cmp(&time(two)))?;
        let (length, theirs) = (slowest.span.length(), slowest.rate.unwrap_or(usual).max(1.0));
        if length < 2 * LEAST || slowest.rate.is_some() && time(slowest) < WORTH_IT * setup {
            return None;
        }
        let kept = (setup + length as f64 / ours) * ours * theirs / (ours + theirs);
        // The float is never negative, and saturates if too large.
        let taken = length.saturating_sub(kept as u64).min(share).min(length - LEAST);
        if taken < LEAST {
            return None;
        }
        let end = slowest.span.end;
        slowest.span.end = end - taken;
        Some(Span { start: end - taken, end })
    }

    /// Records the start of the response. Returns its source, and the time of the request.
    pub(super) fn begun(&mut self, lane: usize, now: Duration) -> Option<(usize, Duration)> {
        let stretch = self.stretch(lane)?;
        (stretch.begun, stretch.heard, stretch.counted) = (Some(now), now, (0, now));
        Some((stretch.source, stretch.asked))
    }

    pub(super) fn source(&self, lane: usize) -> Option<usize> {
        Some(self.lanes.get(lane)?.as_ref()?.source)
    }

    /// Records received bytes. Those behind the end of the range are not wanted: they belong to another connection by
    /// now.
    pub(super) fn arrived(&mut self, lane: usize, bytes: usize, now: Duration) -> Arrived {
        let Some(stretch) = self.stretch(lane) else {
            return Arrived { start: 0, skipped: 0, wanted: 0, is_last: true };
        };
        let skipped = at_most(stretch.skip, bytes);
        let wanted = at_most(stretch.span.length(), bytes - skipped);
        let start = stretch.span.start;
        stretch.skip -= skipped as u64;
        stretch.span.start += wanted as u64;
        stretch.brought += wanted as u64;
        stretch.heard = now;
        let is_last = stretch.span.length() == 0;
        self.received += wanted as u64;
        self.heard = now;
        Arrived { start, skipped, wanted, is_last }
    }

    /// Extends a finished range within the same response: by an unassigned range, or by one whose connection has not
    /// been answered yet. May waste up to `in_vain` bytes before it. Returns the lane of the connection made redundant.
    pub(super) fn go_on(&mut self, lane: usize, in_vain: u64) -> Option<Option<usize>> {
        let Stretch { span: Span { end, .. }, reach, .. } = *self.stretch(lane)?;
        let can_do =
            |span: &Span| (end..reach.min(end.saturating_add(in_vain).saturating_add(1))).contains(&span.start);
        let free = self.free.iter().position(can_do);
        let pending = |one: &&Stretch| one.begun.is_none() && can_do(&one.span);
        let lanes =
            self.lanes.iter().enumerate().filter_map(|(lane, one)| Some((lane, one.as_ref().filter(pending)?.span)));
        let other = lanes.min_by_key(|(_, span)| span.start);
        let (other, span) = match (free.map(|index| (index, self.free[index])), other) {
            (Some((_, free)), Some((lane, span))) if span.start < free.start => (Some(lane), span),
            (None, Some((lane, span))) => (Some(lane), span),
            (Some((index, _)), _) => (None, self.free.remove(index)),
            (None, None) => return None,
        };
        if let Some(other) = other {
            self.lanes[other] = None;
        }
        let taken = Span { start: span.start, end: span.end.min(reach) };
        if taken.end < span.end {
            self.set_free(Span { start: taken.end, end: span.end });
        }
        let stretch = self.stretch(lane)?;
        (stretch.skip, stretch.span) = (taken.start - end, taken);
        Some(other)
    }

    /// Ends a connection and releases its remaining range. Returns its source and number of bytes received.
    pub(super) fn end(&mut self, lane: usize) -> Option<(usize, u64)> {
        let stretch = self.lanes.get_mut(lane)?.take()?;
        if stretch.span.length() > 0 {
            self.set_free(stretch.span);
        }
        Some((stretch.source, stretch.brought))
    }

    fn set_free(&mut self, span: Span) {
        let place = self.free.partition_point(|other| other.start < span.start);
        self.free.insert(place, span);
    }

    pub(super) fn measure(&mut self, now: Duration) {
        for stretch in self.lanes.iter_mut().flatten().filter(|stretch| stretch.begun.is_some()) {
            let time = now.saturating_sub(stretch.counted.1).as_secs_f64();
            if time > 0.0 {
                let rate = (stretch.brought - stretch.counted.0) as f64 / time;
                let before = stretch.rate.unwrap_or(rate);
                stretch.rate = Some(before + WEIGHT * (rate - before));
                stretch.counted = (stretch.brought, now);
            }
        }
    }

    /// Returns the connections that received nothing for this long while others continued. If all stalled together, the
    /// cause is not a single connection.
    pub(super) fn stalled(&self, now: Duration, patience: Duration) -> Vec<usize> {
        let is_stalled = |one: &Stretch| now.saturating_sub(one.heard) > patience && one.heard + TOGETHER < self.heard;
        let lanes = self.lanes.iter().enumerate();
        lanes.filter_map(|(lane, one)| one.as_ref().filter(|one| is_stalled(one)).map(|_| lane)).collect()
    }

    /// Whether nothing is missing.
    pub(super) fn is_done(&self) -> bool {
        self.left() == 0
    }

    /// Returns the number of missing bytes.
    pub(super) fn left(&self) -> u64 {
        let under_way = self.lanes.iter().flatten().map(|stretch| stretch.span.length());
        self.free.iter().map(|span| span.length()).chain(under_way).sum()
    }

    /// Returns the number of bytes received.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// Returns how many connections are open, and how many of them have been answered.
    pub(super) fn open(&self) -> (usize, usize) {
        let open = self.lanes.iter().flatten();
        (open.clone().count(), open.filter(|stretch| stretch.begun.is_some()).count())
    }

    /// Returns the number of open connections to this source.
    pub(super) fn open_to(&self, source: usize) -> usize {
        self.lanes.iter().flatten().filter(|stretch| stretch.source == source).count()
    }

    /// Returns the connection that was opened last.
    pub(super) fn latest(&self) -> Option<usize> {
        let open = self.lanes.iter().enumerate().filter_map(|(lane, stretch)| Some((lane, stretch.as_ref()?.asked)));
        open.max_by_key(|(_, asked)| *asked).map(|(lane, _)| lane)
    }

    /// Returns the average rate of all connections, in bytes per second each.
    pub(super) fn rate(&self) -> Option<f64> {
        average(self.lanes.iter().flatten())
    }

    /// Returns the average rate of connections to this source, in bytes per second each.
    pub(super) fn rate_of(&self, source: usize) -> Option<f64> {
        average(self.lanes.iter().flatten().filter(|stretch| stretch.source == source))
    }

    fn stretch(&mut self, lane: usize) -> Option<&mut Stretch> {
        self.lanes.get_mut(lane)?.as_mut()
    }
}

/// Returns `count`, but at most `bytes`.
fn at_most(count: u64, bytes: usize) -> usize {
    usize::try_from(count).map_or(bytes, |count| count.min(bytes))
}

fn average<'s>(stretches: impl Iterator<Item = &'s Stretch>) -> Option<f64> {
    let (sum, count) =
        stretches.filter_map(|one| one.rate).fold((0.0, 0.0), |(sum, count), rate| (sum + rate, count + 1.0));
    (count > 0.0).then(|| sum / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1_000_000;
    const SETUP: Duration = Duration::from_millis(100);

    fn span(start: u64, end: u64) -> Span {
        Span { start, end }
    }

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// Returns a pool in which one connection to the first source reads a file of this size.
    fn led(whole: u64, rate: f64) -> Pool {
        let mut pool = Pool::new(vec![span(0, whole)]);
        pool.lead(0, at(0), rate);
        pool
    }

    #[test]
    fn what_nobody_is_at_comes_first_and_in_order() {
        let mut pool = Pool::new(vec![span(5, 10), span(20, 30)]);
        assert_eq!(pool.next(0, 4, SETUP, at(0)), Some((0, span(5, 10))));
        assert_eq!(pool.next(1, 4, SETUP, at(0)), Some((1, span(20, 30))));
        assert_eq!(pool.next(1, 4, SETUP, at(0)), None);
        assert_eq!(pool.arrived(0, 2, at(1)), Arrived { start: 5, skipped: 0, wanted: 2, is_last: false });
        assert_eq!(pool.end(0), Some((0, 2)));
        assert_eq!((pool.left(), pool.open_to(1), pool.open_to(0)), (13, 1, 0));
        assert_eq!(pool.next(2, 4, SETUP, at(1)), Some((0, span(7, 10))));
    }

    #[test]
    fn many_at_once_get_equal_shares_from_the_end() {
        let mut pool = led(160 * MB, 10e6);
        let taken: Vec<_> = (0..15).map(|_| pool.next(0, 16, SETUP, at(0)).unwrap().1).collect();
        assert!(taken.iter().all(|span| span.length() == 10 * MB || span.length() == 9_500_000), "{taken:?}");
        assert_eq!(taken[0].end, 160 * MB);
        assert_eq!(pool.open(), (16, 1));
    }

    #[test]
    fn an_idle_connection_takes_over_from_the_slowest_one() {
        let mut pool = Pool::new(vec![span(0, 100 * MB), span(100 * MB, 200 * MB)]);
        for (lane, (source, brought)) in [(0, 2 * MB), (1, 30 * MB)].into_iter().enumerate() {
            pool.next(source, 3, SETUP, at(0));
            pool.begun(lane, at(0));
            pool.arrived(lane, usize::try_from(brought).unwrap(), at(1000));
        }
        pool.measure(at(1000));
        // The new connection is as fast as the second one: this and the first one finish at the same time.
        let (_, taken) = pool.next(1, 1, SETUP, at(1000)).unwrap();
        let kept = taken.start - 2 * MB;
        assert_eq!(taken.end, 100 * MB);
        let (theirs, ours) = (kept as f64 / 2e6, taken.length() as f64 / 30e6 + SETUP.as_secs_f64());
        assert!((theirs - ours).abs() < 0.01, "{theirs} and {ours} seconds");
    }

    #[test]
    fn what_is_nearly_done_is_left_alone() {
        let mut pool = led(LEAST * 2 - 1, 1.0);
        assert_eq!(pool.next(0, 2, SETUP, at(0)), None);
        let mut pool = led(10 * MB, 100e6);
        assert_eq!(pool.next(0, 2, SETUP, at(0)), None);
        assert!(pool.next(0, 2, at(10), at(0)).is_some());
    }

    #[test]
    fn bytes_behind_the_end_are_not_wanted() {
        let mut pool = led(10 * MB, 1e6);
        let (lane, taken) = pool.next(0, 2, SETUP, at(0)).unwrap();
        let all = usize::try_from(10 * MB).unwrap();
        let wanted = usize::try_from(taken.start).unwrap();
        assert_eq!(pool.arrived(0, all, at(1)), Arrived { start: 0, skipped: 0, wanted, is_last: true });
        pool.end(0);
        let wanted = usize::try_from(taken.length()).unwrap();
        assert_eq!(pool.arrived(lane, all, at(1)), Arrived { start: taken.start, skipped: 0, wanted, is_last: true });
        assert!(pool.is_done());
    }

    #[test]
    fn the_one_that_is_silent_while_others_are_not_is_stalled() {
        let patience = at(1000);
        let mut pool = led(100 * MB, 1e6);
        let (lane, _) = pool.next(0, 2, SETUP, at(0)).unwrap();
        pool.begun(lane, at(10));
        pool.arrived(lane, 10, at(1990));
        assert_eq!(pool.stalled(at(2000), patience), [0]);
        assert!(pool.stalled(at(900), patience).is_empty());
        pool.arrived(0, 10, at(2000));
        assert!(pool.stalled(at(4000), patience).is_empty(), "all are silent");
        pool.arrived(lane, 10, at(2300));
        pool.end(lane);
        assert_eq!(pool.stalled(at(4000), patience), [0], "the other one is through");
    }

    #[test]
    fn an_answer_goes_on_with_what_others_have_not_begun_or_given_up() {
        let mut pool = led(40 * MB, 1e6);
        let (second, taken) = pool.next(0, 4, SETUP, at(0)).unwrap();
        let (third, middle) = pool.next(0, 4, SETUP, at(0)).unwrap();
        assert_eq!(middle.end, taken.start);
        let length = |span: Span| usize::try_from(span.length()).unwrap();
        assert!(pool.arrived(0, usize::try_from(middle.start).unwrap(), at(1)).is_last);
        // The third has not been answered.
        assert_eq!(pool.go_on(0, 0), Some(Some(third)));
        assert!(pool.arrived(0, length(middle), at(2)).is_last);
        // The second one has, and fails after a megabyte, which the first one receives again.
        pool.begun(second, at(2));
        assert_eq!(pool.go_on(0, MB), None);
        pool.arrived(second, 1_000_000, at(3));
        pool.end(second);
        assert_eq!((pool.go_on(0, MB - 1), pool.go_on(0, MB)), (None, Some(None)));
        let arrived = pool.arrived(0, length(taken), at(4));
        let wanted = length(taken) - 1_000_000;
        assert_eq!(arrived, Arrived { start: taken.start + MB, skipped: 1_000_000, wanted, is_last: true });
        assert!(pool.is_done() && pool.go_on(0, u64::MAX).is_none());
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
            let holes = [span(0, known.start), span(known.end, whole)];
            let mut pool = Pool::new(holes.into_iter().filter(|span| span.length() > 0).collect());
            let (mut time, mut open, mut failures) = (0, Vec::<(usize, u64)>::new(), 200);
            while !pool.is_done() {
                time += random(20);
                match random(if failures > 0 { 12 } else { 11 }) {
                    0..3 => {
                        if open.len() < 16
                            && let Some((lane, span)) =
                                pool.next(usize::try_from(random(3)).unwrap(), 16, at(random(9)), at(time))
                        {
                            taken_over += usize::from(!open.is_empty());
                            open.push((lane, span.start));
                        }
                    }
                    3 => pool.measure(at(time)),
                    4..11 => {
                        let chosen = usize::try_from(random(16)).unwrap();
                        let Some((lane, wire)) = open.get_mut(chosen) else { continue };
                        let lane = *lane;
                        pool.begun(lane, at(time));
                        let mut bytes = usize::try_from(random(400_000)).unwrap();
                        let (mut at_wire, mut goes_on) = (*wire, true);
                        *wire += bytes as u64;
                        while bytes > 0 && goes_on {
                            let arrived = pool.arrived(lane, bytes, at(time));
                            // Wanted bytes have their offset in the response.
                            at_wire += arrived.skipped as u64;
                            assert!(arrived.wanted == 0 || arrived.start == at_wire);
                            at_wire += arrived.wanted as u64;
                            bytes -= arrived.skipped + arrived.wanted;
                            let start = usize::try_from(arrived.start).unwrap();
                            here[start..start + arrived.wanted].iter_mut().for_each(|byte| *byte += 1);
                            if arrived.is_last {
                                let other = pool.go_on(lane, random(300_000));
                                goes_on = other.is_some();
                                gone_on += usize::from(goes_on);
                                let over = other.unwrap_or_else(|| pool.end(lane).map(|_| lane));
                                open.retain(|(lane, _)| Some(*lane) != over);
                            }
                        }
                    }
                    _ => {
                        failures -= 1;
                        if let Some((lane, _)) = open.pop() {
                            pool.end(lane);
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
