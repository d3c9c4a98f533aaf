//! The timeout of an attempt to download one file.

/// Timeout if the file's size is unknown or no speed is given, as in the official client.
const DEFAULT_SECONDS: f64 = 360.0;
/// Minimum speed in kB/s if the given one is zero or less, as in the official client.
const DEFAULT_SPEED: f64 = 500.0;
/// Added to the time that follows from the speed, as in the official client: opening connections takes time for small files
/// too.
const CONSTANT_SECONDS: f64 = 60.0;

/// The user's limits.
#[derive(Debug, Clone, Copy, Default)]
pub struct AttemptTimeout {
    /// Timeout of an attempt in seconds; zero or less disables it, fractions below one count as one. Overrides `speed`.
    pub seconds: Option<f64>,
    /// Minimum speed, in kB/s (1 kB = 1,000 bytes).
    pub speed: Option<f64>,
}

impl AttemptTimeout {
    /// Returns the timeout in seconds for a file of this size; `None` means no limit.
    pub fn for_size(&self, bytes: Option<u64>) -> Option<u64> {
        let seconds = match (self.seconds, self.speed, bytes.filter(|bytes| *bytes > 0)) {
            (Some(seconds), _, _) if seconds > 0.0 => seconds.max(1.0),
            (Some(_), _, _) => 0.0,
            (None, Some(speed), Some(bytes)) => seconds_at_speed(bytes, speed),
            _ => DEFAULT_SECONDS,
        };
        // The cast saturates: such a timeout is as good as none.
        Some(seconds as u64).filter(|seconds| *seconds > 0)
    }
}

fn seconds_at_speed(bytes: u64, speed: f64) -> f64 {
    let speed = if speed > 0.0 { speed } else { DEFAULT_SPEED };
    (bytes as f64 / (speed * 1000.0)).floor() + CONSTANT_SECONDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempt_timeouts_are_those_of_the_official_client() {
        for (seconds, speed, bytes, expected) in [
            (None, Some(500.0), Some(3_000_000), Some(66)),
            (None, Some(500.0), Some(1), Some(60)),
            (None, Some(-1.0), Some(500_000), Some(61)),
            (None, Some(500.0), None, Some(360)),
            (None, Some(500.0), Some(0), Some(360)),
            (None, None, Some(3_000_000), Some(360)),
            (Some(12.7), Some(500.0), Some(3_000_000), Some(12)),
            (Some(0.0), None, None, None),
            (Some(-3.0), Some(500.0), Some(1), None),
            (Some(0.2), Some(500.0), Some(1), Some(1)),
            (Some(f64::INFINITY), None, None, Some(u64::MAX)),
        ] {
            assert_eq!(AttemptTimeout { seconds, speed }.for_size(bytes), expected, "{seconds:?} {speed:?} {bytes:?}");
        }
    }
}
