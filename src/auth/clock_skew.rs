//! Checks of this machine's clock, which decides whether a token has expired.

use reqwest::Response;

use super::{Claims, Token};
use crate::time::{date, date_header, unix_time};

/// Accepted clock difference: the same as Rucio servers accept.
const LEEWAY_SECONDS: i64 = 120;

/// Warns if the `Date` header of a response differs from this machine's clock by more than `LEEWAY_SECONDS`.
pub(super) fn warn_on_clock_skew(response: &Response) {
    let there = date_header(response.headers());
    if let Some(difference) = there.and_then(|there| describe_skew(unix_time().saturating_sub(there))) {
        let whose = response.url().origin().ascii_serialization();
        tracing::warn!(
            "The clock of this machine is {difference} that of {whose}. Tokens will be taken for ended, or for not valid \
             yet: set the clock (timedatectl set-ntp true)."
        );
    }
}

/// Describes how far this clock is ahead or behind; `None` within `LEEWAY_SECONDS`.
fn describe_skew(ahead: i64) -> Option<String> {
    let minutes = ahead.saturating_abs().saturating_add(30) / 60;
    let amount = if minutes < 120 { format!("{minutes} minutes") } else { format!("{} hours", minutes / 60) };
    (ahead.saturating_abs() > LEEWAY_SECONDS)
        .then(|| format!("{amount} {}", if ahead > 0 { "ahead of" } else { "behind" }))
}

/// Sets the expiry of a new token from its lifetime (`exp` minus `iat`) if its issue time shows that this clock is
/// wrong.
pub(super) fn correct_expiry(token: Token) -> Token {
    let claims = Claims::parse(token.expose()).unwrap_or_default();
    match (claims.iat, claims.exp) {
        (Some(made), Some(end)) if unix_time().saturating_sub(made).saturating_abs() > LEEWAY_SECONDS => {
            Token { expires: Some(unix_time().saturating_add(end.saturating_sub(made))), ..token }
        }
        _ => token,
    }
}

/// Returns why a token is not valid yet (`nbf`) by this clock.
pub(super) fn not_valid_yet(claims: &Claims) -> Option<String> {
    let start = claims.nbf.filter(|start| start.saturating_sub(LEEWAY_SECONDS) > unix_time())?;
    let start = date(start);
    let now = date(unix_time());
    Some(format!("it is not valid before {start}, and the clock of this machine shows {now}. Check the clock."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_skew_is_reported_only_if_it_matters() {
        assert_eq!(describe_skew(LEEWAY_SECONDS), None);
        assert_eq!(describe_skew(-LEEWAY_SECONDS), None);
        assert_eq!(describe_skew(600).as_deref(), Some("10 minutes ahead of"));
        assert_eq!(describe_skew(-7200).as_deref(), Some("2 hours behind"));
    }

    #[test]
    fn token_lifetime_does_not_depend_on_a_wrong_clock() {
        for (made, end, expected) in [(0, 3600, 3600), (-7200, -3600, 3600), (7200, 10800, 3600)] {
            let claims = serde_json::json!({"iat": unix_time() + made, "exp": unix_time() + end});
            let token = correct_expiry(Token::new(&crate::auth::jwt::tests::token(&claims), None));
            let left = token.expires.unwrap() - unix_time();
            assert!((expected - 2..=expected).contains(&left), "{made} {end}: {left}");
        }
    }
}
