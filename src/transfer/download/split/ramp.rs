//! How many connections a file is worth: one where that is fast, more while more bring more.

use std::time::Duration;

/// The most connections for a file.
pub(super) const MOST: usize = 16;
/// One connection that brings so many bytes a second is fast enough: more would only cost.
const FAST: f64 = 40e6;
/// A source whose first byte takes so long is far away: there one connection is slow, and it pays to find out soon.
const FAR: Duration = Duration::from_millis(30);
/// How long one looks at the first bytes of a source that is far away, or near.
const GLANCE: Duration = Duration::from_millis(30);
const LOOK: Duration = Duration::from_millis(300);
/// How often one looks again at a connection that was fast enough.
const AGAIN: Duration = Duration::from_secs(1);
/// How many there are where more have brought no more.
const FEW: usize = 4;
/// How long the rate of several connections is measured at least; and in times that it took to open them, as all of them
/// begin slowly.
const MEASURE: Duration = Duration::from_millis(100);
const OPENINGS: u32 = 3;
/// How long connections may take to open before the others are measured without them.
const OPENING: Duration = Duration::from_secs(1);
/// How many times as much must come for more connections to have been worth it.
const BETTER: f64 = 1.2;

/// A moment, and how many bytes had come.
#[derive(Debug, Clone, Copy)]
struct Mark {
    time: Duration,
    bytes: u64,
}

impl Mark {
    fn rate(self, time: Duration, bytes: u64) -> f64 {
        (bytes - self.bytes) as f64 / (time - self.time).as_secs_f64().max(1e-3)
    }
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    /// One connection, for so long.
    Watching(Duration),
    /// More are being opened.
    Opening,
    /// They are open; now it shows what they bring.
    Measuring,
    /// It is as good as it gets.
    Settled,
}

/// Decides about the number of connections.
#[derive(Debug)]
pub(super) struct Ramp {
    wanted: usize,
    first_byte: Duration,
    stage: Stage,
    mark: Mark,
    rate: f64,
}

impl Ramp {
    /// One connection, whose first byte took this long and came at this time, when so many bytes had come.
    pub(super) fn new(first_byte: Duration, time: Duration, bytes: u64) -> Self {
        let stage = Stage::Watching(if first_byte >= FAR { GLANCE } else { LOOK });
        Self { wanted: 1, first_byte, stage, mark: Mark { time, bytes }, rate: 0.0 }
    }

    /// How many connections are wanted.
    pub(super) fn wanted(&self) -> usize {
        self.wanted
    }

    /// The rate that was measured last, in bytes a second.
    pub(super) fn rate(&self) -> f64 {
        self.rate
    }

    /// Looks again: so many bytes have come by this time, so many connections are open, and so many of them answered.
    /// Gives how many are wanted.
    pub(super) fn look(&mut self, time: Duration, bytes: u64, (open, begun): (usize, usize)) -> usize {
        let (since, rate) = (time.saturating_sub(self.mark.time), self.mark.rate(time.max(self.mark.time), bytes));
        match self.stage {
            Stage::Watching(window) if since >= window && rate < FAST => {
                self.rate = rate;
                self.grow(time, bytes);
            }
            Stage::Watching(window) if since >= window => self.enter(Stage::Watching(AGAIN), time, bytes),
            Stage::Opening if begun >= open || since >= OPENING => {
                // Those that were open before went on meanwhile.
                if since >= MEASURE {
                    self.rate = self.rate.max(rate);
                }
                self.enter(Stage::Measuring, time, bytes);
            }
            Stage::Measuring if since >= MEASURE.max(self.first_byte * OPENINGS) => {
                let is_better = rate >= self.rate * BETTER;
                self.rate = rate;
                match is_better && self.wanted < MOST {
                    true => self.grow(time, bytes),
                    false => self.settle(is_better, time, bytes),
                }
            }
            _ => {}
        }
        self.wanted
    }

    /// Where the source is near, the trouble may be a passing one, and it soon shows whether a few are enough. Across an
    /// ocean that would take as long as the others need for a good part of the file.
    fn grow(&mut self, time: Duration, bytes: u64) {
        self.wanted = if self.wanted == 1 && self.first_byte < FAR { FEW } else { MOST };
        self.enter(Stage::Opening, time, bytes);
    }

    fn settle(&mut self, is_better: bool, time: Duration, bytes: u64) {
        if !is_better {
            self.wanted = FEW;
        }
        self.enter(Stage::Settled, time, bytes);
    }

    fn enter(&mut self, stage: Stage, time: Duration, bytes: u64) {
        (self.stage, self.mark) = (stage, Mark { time, bytes });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Downloads for some seconds from a source that opens connections in this time; `rate` tells what so many bring
    /// together. Gives how many connections were wanted in the end, and when no more were added.
    fn download(opening: Duration, rate: fn(usize) -> f64) -> (usize, Duration) {
        let step = Duration::from_millis(10);
        let (mut ramp, mut time, mut bytes) = (Ramp::new(opening, Duration::ZERO, 0), Duration::ZERO, 0.0);
        let (mut open, mut begun, mut changed) = (1, 1, Duration::ZERO);
        while time < Duration::from_secs(5) {
            time += step;
            bytes += rate(begun) * step.as_secs_f64();
            if time - changed >= opening {
                begun = open;
            }
            let wanted = ramp.look(time, bytes as u64, (open, begun));
            if wanted != open {
                (open, changed) = (wanted, time);
            }
        }
        (open, changed)
    }

    #[test]
    fn one_connection_is_enough_where_it_is_fast() {
        for opening in [1, 10, 200] {
            assert_eq!(download(Duration::from_millis(opening), |_| 500e6).0, 1, "{opening} ms");
        }
    }

    #[test]
    fn across_an_ocean_all_of_them_are_open_within_a_few_round_trips() {
        let (open, when) = download(Duration::from_millis(300), |open| 10e6 * open as f64);
        assert!(open == MOST && when < Duration::from_millis(50), "{open} after {when:?}");
        let (open, when) = download(Duration::from_millis(2), |open| 4e6 * open as f64);
        assert!(open == MOST && when < Duration::from_millis(500), "{open} after {when:?}");
    }

    #[test]
    fn a_few_are_left_where_more_bring_no_more() {
        assert_eq!(download(Duration::from_millis(2), |_| 12e6).0, FEW);
        assert_eq!(download(Duration::from_millis(100), |_| 12e6).0, FEW);
        assert_eq!(download(Duration::from_millis(2), |open| 5e6 * open.min(4) as f64).0, FEW);
    }

    #[test]
    fn a_connection_that_becomes_slow_is_found_out() {
        let mut ramp = Ramp::new(Duration::from_millis(1), Duration::ZERO, 0);
        assert_eq!(ramp.look(LOOK, 100_000_000, (1, 1)), 1);
        assert_eq!(ramp.look(LOOK + AGAIN, 101_000_000, (1, 1)), 4);
        assert!(ramp.rate() < FAST);
    }
}
