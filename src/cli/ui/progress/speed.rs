//! Recent transfer rate.

use std::time::{Duration, Instant};

/// Decay time of the mean: a rate this old has 1/e of its weight.
const MEMORY: Duration = Duration::from_secs(5);
/// Minimum time between two samples.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);

/// Exponentially weighted mean of bytes per second.
#[derive(Debug)]
pub(super) struct Speed {
    last: Instant,
    bytes: u64,
    /// Weighted sum of the rates, and sum of the weights.
    sum: f64,
    weights: f64,
}

impl Speed {
    /// Starts measuring at `now`.
    pub(super) fn new(now: Instant) -> Self {
        Self { last: now, bytes: 0, sum: 0.0, weights: 0.0 }
    }

    /// Takes the total of bytes at `now` and returns the bytes per second; `None` before the first sample.
    pub(super) fn at(&mut self, now: Instant, bytes: u64) -> Option<f64> {
        let time = now.saturating_duration_since(self.last);
        if time >= PROGRESS_INTERVAL {
            let rate = bytes.saturating_sub(self.bytes) as f64 / time.as_secs_f64();
            let kept = (-time.as_secs_f64() / MEMORY.as_secs_f64()).exp();
            self.sum = self.sum * kept + rate * (1.0 - kept);
            self.weights = self.weights * kept + (1.0 - kept);
            (self.last, self.bytes) = (now, bytes);
        }
        (self.weights > 0.0).then(|| self.sum / self.weights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(bytes: &[u64]) -> Vec<Option<u64>> {
        let start = Instant::now();
        let mut speed = Speed::new(start);
        let at = |(second, bytes): (usize, &u64)| {
            let rate = speed.at(start + Duration::from_secs(second as u64), *bytes);
            rate.map(|rate| rate.round() as u64)
        };
        bytes.iter().enumerate().map(at).collect()
    }

    #[test]
    fn speed_is_right_from_the_first_second_and_follows() {
        assert_eq!(rates(&[0, 100, 200, 300]), [None, Some(100), Some(100), Some(100)]);
        let slower = rates(&[0, 100, 200, 210, 220, 230, 240, 250, 260, 270, 280, 290, 300, 310, 320, 330, 340]);
        assert!(slower.last().unwrap().unwrap() < 15, "{slower:?}");
        assert!(slower.iter().skip(2).is_sorted_by(|a, b| a >= b), "{slower:?}");
    }

    #[test]
    fn speed_of_bytes_that_are_subtracted_is_none() {
        assert_eq!(rates(&[0, 100, 0]).last().unwrap().unwrap(), 45);
    }
}
