//! The clock of this machine, by which the end of a token is judged.

use reqwest::Response;

use crate::auth::{Claims, now, parse_expiry};

/// How far clocks may be apart: what Rucio servers allow for.
const LEEWAY_SECONDS: i64 = 120;

/// Warns where the clock of whoever answered shows another time.
pub(super) fn compare(response: &Response) {
    let date = response.headers().get("date").and_then(|date| date.to_str().ok()).and_then(parse_expiry);
    if let Some(difference) = date.and_then(|date| told(now() - date)) {
        let whose = response.url().origin().ascii_serialization();
        tracing::warn!(
            "The clock of this machine is {difference} that of {whose}. Tokens will be taken for ended, or for not valid \
             yet: set the clock (timedatectl set-ntp true)."
        );
    }
}

/// How far this clock is ahead, in words, if that is too far.
fn told(ahead: i64) -> Option<String> {
    let minutes = (ahead.abs() + 30) / 60;
    let amount = if minutes < 120 { format!("{minutes} minutes") } else { format!("{} hours", minutes / 60) };
    (ahead.abs() > LEEWAY_SECONDS).then(|| format!("{amount} {}", if ahead > 0 { "ahead of" } else { "behind" }))
}

/// Why a token is not valid yet, by this clock.
pub(in crate::auth) fn not_yet(claims: &Claims) -> Option<String> {
    let start = claims.nbf.filter(|start| start - LEEWAY_SECONDS > now())?;
    let (start, now) = (date(start), date(now()));
    Some(format!("it is not valid before {start}, and the clock of this machine shows {now}. Check the clock."))
}

/// A time as people read it.
pub(super) fn date(seconds: i64) -> String {
    let date = chrono::DateTime::from_timestamp(seconds, 0);
    date.map_or_else(|| format!("second {seconds}"), |date| date.format("%Y-%m-%d %H:%M:%S UTC").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_difference_that_matters_is_told() {
        assert_eq!(told(LEEWAY_SECONDS), None);
        assert_eq!(told(-LEEWAY_SECONDS), None);
        assert_eq!(told(600).as_deref(), Some("10 minutes ahead of"));
        assert_eq!(told(-7200).as_deref(), Some("2 hours behind"));
    }

    #[test]
    fn dates_are_told_in_utc() {
        assert_eq!(date(60), "1970-01-01 00:01:00 UTC");
        assert_eq!(date(i64::MAX), format!("second {}", i64::MAX));
    }
}
