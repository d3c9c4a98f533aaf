//! Rate limit in bytes per second, shared by all files.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::lock::lock;
use crate::size_units;

/// Maximum wait for one chunk: practically endless, but small enough to be added to an `Instant`.
const LONGEST: Duration = Duration::from_secs(10_000_000);

/// The limit, and the time at which all bytes received so far are within it.
#[derive(Debug)]
pub struct Rate {
    bytes_per_second: f64,
    paid: Mutex<Option<Instant>>,
}

impl Rate {
    /// Creates a limit in bytes per second; at least one.
    pub fn new(bytes_per_second: u64) -> Self {
        Self { bytes_per_second: bytes_per_second.max(1) as f64, paid: Mutex::new(None) }
    }

    /// Returns how long to wait after receiving these bytes. Bytes of several files queue up; idle time is not
    /// credited.
    pub fn reserve(&self, bytes: u64, now: Instant) -> Duration {
        let mut paid = lock(&self.paid);
        let cost = Duration::try_from_secs_f64(bytes as f64 / self.bytes_per_second).unwrap_or(LONGEST).min(LONGEST);
        let end = paid.unwrap_or(now).max(now) + cost;
        *paid = Some(end);
        end - now
    }

    /// Parses a number of bytes with an optional suffix: `k`, `M`, `G` (10^3, 10^6, 10^9) and so on.
    pub fn parse(text: &str) -> Option<u64> {
        let (number, prefix) = size_units::split(text);
        // Rust's parser would also accept signs, exponents and names like `inf`.
        if !number.chars().all(|c| c.is_ascii_digit() || c == '.') {
            return None;
        }
        let bytes = number.parse::<f64>().ok()? * size_units::decimal_factor(prefix)? as f64;
        (1.0..1e18).contains(&bytes).then_some(bytes as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_limit_is_shared_by_all_connections() {
        let (rate, start) = (Rate::new(1000), Instant::now());
        assert_eq!(rate.reserve(500, start), Duration::from_millis(500));
        assert_eq!(rate.reserve(1000, start), Duration::from_millis(1500));
        assert_eq!(rate.reserve(100, start + Duration::from_secs(1)), Duration::from_millis(600));
        // Idle time is not credited.
        assert_eq!(rate.reserve(100, start + Duration::from_secs(60)), Duration::from_millis(100));
        assert!(Rate::new(0).reserve(u64::MAX, start) > Duration::from_secs(1_000_000));
    }

    #[test]
    fn rate_limits_parse_with_units() {
        for (text, expected) in [
            ("1", Some(1)),
            ("500k", Some(500_000)),
            ("500K", Some(500_000)),
            ("1.5M", Some(1_500_000)),
            ("2G", Some(2_000_000_000)),
            ("0", None),
            ("", None),
            ("M", None),
            ("-1M", None),
            ("1MB", None),
            ("1 M", None),
            ("1e3", None),
            ("inf", None),
            ("ü", None),
        ] {
            assert_eq!(Rate::parse(text), expected, "{text:?}");
        }
    }
}
