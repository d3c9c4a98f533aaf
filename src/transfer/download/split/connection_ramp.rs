//! Decides how many connections a file is worth: one if that is fast, more as long as they increase the rate.
//!
//! The constants are chosen; `benches/run 'relay-*' https-2GiB` shows what they cost and gain.

use std::time::Duration;

/// Maximum number of connections per file: as many as aria2 allows per server.
pub(super) const MAX_CONNECTIONS: usize = 16;
/// Rate in bytes per second at which one connection is enough: more would only cost connections of the storage.
const FAST_RATE: f64 = 40e6;
/// Time to first byte from which a source counts as far away: one connection is slow there, so it is measured only
/// briefly.
const FAR_LATENCY: Duration = Duration::from_millis(30);
/// Duration of the first measurement for sources that are far away ([`FAR_WINDOW`]) or near ([`NEAR_WINDOW`]).
const FAR_WINDOW: Duration = Duration::from_millis(30);
const NEAR_WINDOW: Duration = Duration::from_millis(300);
/// Interval of measurements of a connection that was fast enough: short against the rest of a large file.
const RECHECK_INTERVAL: Duration = Duration::from_secs(1);
/// Number of connections if more have not increased the rate: enough to replace one that becomes slow.
const FEW_CONNECTIONS: usize = 4;
/// Minimum duration of a measurement of several connections: as a time, and as a multiple of the time to open one, as
/// all of them start slowly.
const MEASURE_WINDOW: Duration = Duration::from_millis(100);
const SETUP_TIMES: u32 = 3;
/// Timeout for opening connections, after which the others are measured without them.
const OPENING_TIMEOUT: Duration = Duration::from_secs(1);
/// Factor by which the rate must increase for more connections to be worthwhile: above the noise of a measurement.
const MIN_SPEEDUP: f64 = 1.2;

/// A time, and the number of bytes received by then.
#[derive(Debug, Clone, Copy)]
struct Sample {
    time: Duration,
    bytes: u64,
}

impl Sample {
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
pub(super) struct ConnectionRamp {
    target: usize,
    first_byte: Duration,
    stage: Stage,
    mark: Sample,
    rate: f64,
}

impl ConnectionRamp {
    /// Starts with one connection. `first_byte` is its time to first byte, received at `time`, when the file had this
    /// many bytes.
    pub(super) fn new(first_byte: Duration, time: Duration, bytes: u64) -> Self {
        let stage = Stage::Watching(if first_byte >= FAR_LATENCY { FAR_WINDOW } else { NEAR_WINDOW });
        Self { target: 1, first_byte, stage, mark: Sample { time, bytes }, rate: 0.0 }
    }

    pub(super) fn target(&self) -> usize {
        self.target
    }

    /// Returns the last measured rate, in bytes per second.
    pub(super) fn rate(&self) -> f64 {
        self.rate
    }

    /// Updates the decision with the time, the bytes received, and the numbers of open and answered connections.
    /// Returns how many connections are wanted.
    pub(super) fn update(&mut self, time: Duration, bytes: u64, (open, answered_at): (usize, usize)) -> usize {
        let (since, rate) = (time.saturating_sub(self.mark.time), self.mark.rate(time.max(self.mark.time), bytes));
        match self.stage {
            Stage::Watching(window) if since >= window && rate < FAST_RATE => {
                self.rate = rate;
                self.add_connections(time, bytes);
            }
            Stage::Watching(window) if since >= window => self.enter(Stage::Watching(RECHECK_INTERVAL), time, bytes),
            Stage::Opening if answered_at >= open || since >= OPENING_TIMEOUT => {
                // The connections opened earlier have continued meanwhile.
                if since >= MEASURE_WINDOW {
                    self.rate = self.rate.max(rate);
                }
                self.enter(Stage::Measuring, time, bytes);
            }
            Stage::Measuring if since >= MEASURE_WINDOW.max(self.first_byte * SETUP_TIMES) => {
                let is_better = rate >= self.rate * MIN_SPEEDUP;
                self.rate = rate;
                if is_better && self.target < MAX_CONNECTIONS {
                    self.add_connections(time, bytes);
                } else {
                    self.settle(is_better, time, bytes);
                }
            }
            _ => {}
        }
        self.target
    }

    /// Requests more connections: a few for a near source, whose problem may be temporary, else all at once: on a
    /// high-latency path, trying a few takes as long as the others need for a good part of the file.
    fn add_connections(&mut self, time: Duration, bytes: u64) {
        self.target = if self.target == 1 && self.first_byte < FAR_LATENCY { FEW_CONNECTIONS } else { MAX_CONNECTIONS };
        self.enter(Stage::Opening, time, bytes);
    }

    fn settle(&mut self, is_better: bool, time: Duration, bytes: u64) {
        if !is_better {
            self.target = FEW_CONNECTIONS;
        }
        self.enter(Stage::Settled, time, bytes);
    }

    fn enter(&mut self, stage: Stage, time: Duration, bytes: u64) {
        (self.stage, self.mark) = (stage, Sample { time, bytes });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Simulates a download of some seconds from a source with this time to open a connection; `rate` maps the number
    /// of connections to their total rate. Returns the final number of connections, and the time of its last change.
    fn download(opening: Duration, rate: fn(usize) -> f64) -> (usize, Duration) {
        let step = Duration::from_millis(10);
        let (mut ramp, mut time, mut bytes) = (ConnectionRamp::new(opening, Duration::ZERO, 0), Duration::ZERO, 0.0);
        let (mut open, mut answered_at, mut changed) = (1, 1, Duration::ZERO);
        while time < Duration::from_secs(5) {
            time += step;
            bytes += rate(answered_at) * step.as_secs_f64();
            if time - changed >= opening {
                answered_at = open;
            }
            let target = ramp.update(time, bytes as u64, (open, answered_at));
            if target != open {
                (open, changed) = (target, time);
            }
        }
        (open, changed)
    }

    #[test]
    fn ramp_stays_at_one_connection_where_it_is_fast() {
        for opening in [1, 10, 200] {
            assert_eq!(download(Duration::from_millis(opening), |_| 500e6).0, 1, "{opening} ms");
        }
    }

    #[test]
    fn ramp_opens_all_connections_within_a_few_round_trips_at_high_latency() {
        let (open, when) = download(Duration::from_millis(300), |open| 10e6 * open as f64);
        assert!(open == MAX_CONNECTIONS && when < Duration::from_millis(50), "{open} after {when:?}");
        let (open, when) = download(Duration::from_millis(2), |open| 4e6 * open as f64);
        assert!(open == MAX_CONNECTIONS && when < Duration::from_millis(500), "{open} after {when:?}");
    }

    #[test]
    fn ramp_keeps_a_few_where_more_bring_no_more() {
        assert_eq!(download(Duration::from_millis(2), |_| 12e6).0, FEW_CONNECTIONS);
        assert_eq!(download(Duration::from_millis(100), |_| 12e6).0, FEW_CONNECTIONS);
        assert_eq!(download(Duration::from_millis(2), |open| 5e6 * open.min(4) as f64).0, FEW_CONNECTIONS);
    }

    #[test]
    fn ramp_finds_a_connection_that_becomes_slow() {
        let mut ramp = ConnectionRamp::new(Duration::from_millis(1), Duration::ZERO, 0);
        assert_eq!(ramp.update(NEAR_WINDOW, 100_000_000, (1, 1)), 1);
        assert_eq!(ramp.update(NEAR_WINDOW + RECHECK_INTERVAL, 101_000_000, (1, 1)), 4);
        assert!(ramp.rate() < FAST_RATE);
    }
}
