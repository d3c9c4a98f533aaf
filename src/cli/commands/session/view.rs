//! Output format of a session.

use chrono::{DateTime, SecondsFormat};
use serde::Serialize;
use serde_json::Value;

use crate::auth::session::Session;
use crate::cli::ui::{Shape, field};
use crate::types::Validation;

/// A session, named by its account.
pub(crate) const SHAPE: Shape = Shape::named(&["account"], &[]);

/// Column at which values begin.
const INDENT: usize = 13;

/// State of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Accepted by the server, or unchecked and not expired.
    Valid,
    /// Expired.
    Expired,
    /// Rejected by the server.
    Refused,
    /// Not checked with the server, and without a known expiry.
    Unknown,
}

/// Result of checking the token with the server.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Checked<'a> {
    /// Not checked.
    No,
    /// Rejected by the server.
    Refused,
    /// Accepted, with the server's response.
    Accepted(&'a Validation),
}

/// A session for output: fields for machines, [`View::text`] for people. Dates are ISO 8601 in UTC.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    host: Option<String>,
    auth_host: Option<String>,
    pub(crate) account: Option<String>,
    identity: Option<String>,
    vo: Option<String>,
    auth_type: Option<String>,
    source: String,
    scope: Option<String>,
    audience: Option<String>,
    issued_at: Option<String>,
    expires_at: Option<String>,
    seconds_left: Option<i64>,
    pub(crate) state: State,
    checked: bool,
}

impl View {
    pub(crate) fn new(session: &Session, checked: Checked<'_>) -> Self {
        let said = match checked {
            Checked::Accepted(said) => Some(said),
            Checked::No | Checked::Refused => None,
        };
        let claims = session.claims.as_ref();
        // Rucio's format for OIDC identities.
        let of_claims =
            claims.and_then(|claims| Some(format!("SUB={}, ISS={}", claims.sub.as_deref()?, claims.iss.as_deref()?)));
        let audience = claims.map(|claims| claims.aud.join(" ")).filter(|audience| !audience.is_empty());
        let mut session = session.clone();
        session.expires = said.and_then(Validation::expires).or(session.expires);
        Self {
            account: said.map(|said| said.account.clone()).or_else(|| session.account.clone()),
            identity: said.and_then(|said| said.identity.clone()).or(of_claims),
            scope: said.and_then(|said| words(&said.authz_scope)).or_else(|| claims_scope(&session)),
            audience: said.and_then(|said| words(&said.audience)).or(audience),
            issued_at: session.since.and_then(iso),
            expires_at: session.expires.and_then(iso),
            seconds_left: session.seconds_left(),
            state: state(&session, checked),
            checked: !matches!(checked, Checked::No),
            source: session.source.to_string(),
            host: session.host,
            auth_host: session.auth_host,
            vo: session.vo,
            auth_type: session.auth_type,
        }
    }

    /// Returns the known fields, one per line, for a terminal of this width.
    pub(crate) fn text(&self, width: Option<usize>) -> String {
        let state = match (self.state, self.checked) {
            (State::Valid, true) => "valid (verified with the server)",
            (State::Valid, false) => "valid (not verified with the server)",
            (State::Expired, _) => "expired",
            (State::Refused, _) => "rejected by the server",
            (State::Unknown, _) => "unknown (not verified with the server)",
        };
        let fields = [
            ("host", self.host.clone()),
            ("auth host", self.auth_host.clone()),
            ("account", self.account.clone()),
            ("identity", self.identity.clone()),
            ("VO", self.vo.clone()),
            ("method", self.auth_type.clone()),
            ("token", Some(self.source.clone())),
            ("scopes", self.scope.clone()),
            ("audience", self.audience.clone()),
            ("logged in", self.issued_at.as_deref().map(plain)),
            ("expires", self.expires_at.as_deref().map(plain)),
            ("time left", self.time_left()),
            ("state", Some(state.to_owned())),
        ];
        let width = width.unwrap_or(usize::MAX);
        let line =
            |(name, value): (&str, Option<String>)| Some(field(&format!("{name:<10} :"), &value?, width, INDENT));
        let lines = fields.into_iter().filter_map(line);
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Returns the time until the session expires; `None` if it has expired, or if the time is unknown.
    fn time_left(&self) -> Option<String> {
        if self.state == State::Expired { None } else { self.seconds_left.map(format_duration) }
    }

    /// Returns a row for [`super::list`]: mark of the used session, host, account, method, state, time left.
    pub(crate) fn cells(&self, used: bool) -> [String; 6] {
        let state = serde_json::to_value(self.state).ok().and_then(|state| Some(state.as_str()?.to_owned()));
        let left = self.time_left();
        let cell = |value: &Option<String>| value.clone().unwrap_or_default();
        let used = if used { "*" } else { "" };
        [used.to_owned(), cell(&self.host), cell(&self.account), cell(&self.auth_type), cell(&state), cell(&left)]
    }
}

fn state(session: &Session, checked: Checked<'_>) -> State {
    match checked {
        Checked::Accepted(_) => State::Valid,
        Checked::Refused => State::Refused,
        Checked::No if session.has_ended() => State::Expired,
        Checked::No if session.expires.is_some() => State::Valid,
        Checked::No => State::Unknown,
    }
}

fn claims_scope(session: &Session) -> Option<String> {
    session.claims.as_ref()?.scope.clone()
}

/// Returns a list of words as text: the server sends it as a string or as an array.
fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => Some(items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")),
        _ => None,
    }
    .filter(|text| !text.is_empty())
}

/// Formats a Unix time as ISO 8601 in UTC.
pub(crate) fn iso(seconds: i64) -> Option<String> {
    DateTime::from_timestamp(seconds, 0).map(|date| date.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// Formats an ISO 8601 date for people.
fn plain(iso: &str) -> String {
    iso.replace('T', " ").replace('Z', " UTC")
}

/// Formats a duration in its two largest units.
pub(crate) fn format_duration(seconds: i64) -> String {
    const UNITS: [(i64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let at = UNITS.iter().position(|(length, _)| seconds >= *length).unwrap_or(UNITS.len() - 1);
    let (length, unit) = UNITS[at];
    let first = format!("{} {unit}", seconds / length);
    match UNITS.get(at + 1) {
        Some((next, unit)) => format!("{first} {} {unit}", seconds % length / next),
        None => first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn session_durations_have_two_units() {
        let cases = [(0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (3_599, "59 min 59 s"), (90_000, "1 d 1 h")];
        for (seconds, text) in cases {
            assert_eq!(format_duration(seconds), text);
        }
    }

    #[test]
    fn session_words_come_as_text_or_list() {
        assert_eq!(words(&json!("a b")).as_deref(), Some("a b"));
        assert_eq!(words(&json!(["a", "b"])).as_deref(), Some("a b"));
        assert_eq!((words(&Value::Null), words(&json!(""))), (None, None));
    }

    #[test]
    fn session_dates_are_utc() {
        assert_eq!(iso(1_795_500_000).as_deref(), Some("2026-11-24T06:00:00Z"));
    }
}
