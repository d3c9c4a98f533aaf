//! Sizes, rates and times in few columns.

use std::time::Duration;

const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];

/// Returns the index of the unit in which a number of bytes has at most three digits before the point.
fn unit(bytes: f64) -> usize {
    // 999.95 is shown as 1000.0.
    let mut index = 0;
    let mut value = bytes;
    while value >= 999.95 && index + 1 < UNITS.len() {
        value /= 1000.0;
        index += 1;
    }
    index
}

fn number(bytes: f64, unit: usize) -> String {
    match unit {
        0 => format!("{bytes:.0}"),
        unit => format!("{:.1}", bytes / 1000_f64.powi(i32::try_from(unit).unwrap_or(0))),
    }
}

/// `25.0 MB`
pub(super) fn size(bytes: u64) -> String {
    let unit = unit(bytes as f64);
    format!("{} {}", number(bytes as f64, unit), UNITS[unit])
}

/// `11.0/25.0 MB`: both in the unit of the second.
pub(super) fn of(bytes: u64, of: u64) -> String {
    let unit = unit(of as f64);
    format!("{}/{} {}", number(bytes as f64, unit), number(of as f64, unit), UNITS[unit])
}

/// `3.6 MB/s`
pub(super) fn rate(bytes_per_second: f64) -> String {
    format!("{}/s", size(bytes_per_second as u64))
}

/// `5s`, `2m03s`, `1h02m`, `3d04h`.
pub(super) fn time(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..86400 => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86400, seconds / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_decimal_and_at_most_three_digits_before_it() {
        let cases = [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (999_949, "999.9 kB"), (999_951, "1.0 MB")];
        for (bytes, expected) in cases {
            assert_eq!(size(bytes), expected);
        }
        assert_eq!(size(u64::MAX), "18446.7 PB");
        assert_eq!((of(11_000_000, 25_000_000).as_str(), of(5, 1_000).as_str()), ("11.0/25.0 MB", "0.0/1.0 kB"));
        assert_eq!(rate(3_640_000.0), "3.6 MB/s");
    }

    #[test]
    fn times_are_short() {
        let cases = [(5, "5s"), (123, "2m03s"), (3720, "1h02m"), (273_600, "3d04h")];
        for (seconds, expected) in cases {
            assert_eq!(time(Duration::from_secs(seconds)), expected);
        }
    }
}
