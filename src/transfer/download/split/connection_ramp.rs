//! Decides how many connections a file is worth: one if that is fast, more as long as they increase the rate.

use std::time::Duration;

/// Maximum number of connections per file.
pub(super) const MOST: usize = 16;
/// Rate in bytes per second at which one connection is enough: more would only cost.
const FAST: f64 = 40e6;
/// Time to first byte from which a source counts as far away: one connection is slow there, so it is measured only
/// briefly.
const FAR: Duration = Duration::from_millis(30);
/// Duration of the first measurement for sources that are far away ([`GLANCE`]) or near ([`LOOK`]).
const GLANCE: Duration = Duration::from_millis(30);
const LOOK: Duration = Duration::from_millis(300);
/// Interval of measurements of a connection that was fast enough.
const AGAIN: Duration = Duration::from_secs(1);
/// Number of connections if more have not increased the rate.
const FEW: usize = 4;
/// Minimum duration of a measurement of several connections: as a time, and as a multiple of the time to open one, as
/// all of them start slowly.
const MEASURE: Duration = Duration::from_millis(100);
const OPENINGS: u32 = 3;
/// Timeout for opening connections, after which the others are measured without them.
const OPENING: Duration = Duration::from_secs(1);
/// Factor by which the rate must increase for more connections to be worthwhile.
const BETTER: f64 = 1.2;

/// A time, and the number of bytes received by then.
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
    /// One connection is measured for this time.
    Watching(Duration),
    /// More connections are being opened.
    Opening,
    /// They are open and being measured.
    Measuring,
    /// The number of connections is final.
    Settled,
}

/// Decides on the number of connections.
#[derive(Debug)]
pub(super) struct Ramp {
    wanted: usize,
    first_byte: Duration,
    stage: Stage,
    mark: Mark,
    rate: f64,
}

impl Ramp {
    /// Starts with one connection. `first_byte` is its time to first byte, received at `time`, when the file had this
    /// many bytes.
    pub(super) fn new(first_byte: Duration, time: Duration, bytes: u64) -> Self {
        let stage = Stage::Watching(if first_byte >= FAR { GLANCE } else { LOOK });
        Self { wanted: 1, first_byte, stage, mark: Mark { time, bytes }, rate: 0.0 }
    }

    pub(super) fn wanted(&self) -> usize {
        self.wanted
    }

    /// Returns the last measured rate, in bytes per second.
    pub(super) fn rate(&self) -> f64 {
        self.rate
    }

    /// Updates the decision with the time, the bytes received, and the numbers of open and answered connections.
    /// Returns how many connections are wanted.
    pub(super) fn look(&mut self, time: Duration, bytes: u64, (open, begun): (usize, usize)) -> usize {
        let (since, rate) = (time.saturating_sub(self.mark.time), self.mark.rate(time.max(self.mark.time), bytes));
        match self.stage {
            Stage::Watching(window) if since >= window && rate < FAST => {
                self.rate = rate;
                self.grow(time, bytes);
            }
            Stage::Watching(window) if since >= window => self.enter(Stage::Watching(AGAIN), time, bytes),
            Stage::Opening if begun >= open || since >= OPENING => {
                // The connections opened earlier have continued meanwhile.
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

    /// Requests more connections: a few for a near source, whose problem may be temporary, else all at once: on a
    /// high-latency path, trying a few takes as long as the others need for a good part of the file.
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

    /// Simulates a download of some seconds from a source with this time to open a connection; `rate` maps the number
    /// of connections to their total rate. Returns the final number of connections, and the time of its last change.
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
