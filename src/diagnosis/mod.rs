//! Checks of everything between a user and a working `whoami`, for `doctor`. Each check prints nothing, changes nothing
//! on the server, and returns [`Finding`]s, without secrets.
//! The command and its output are in `cli`.

pub(crate) mod authorities;
mod bearer;
mod certificates;
pub(crate) mod configuration;
pub(crate) mod credentials;
mod handshake;
pub(crate) mod hosts;
pub(crate) mod known;
pub(crate) mod login;
mod reach;
pub(crate) mod refusal;
pub(crate) mod server;
pub(crate) mod settings;
pub(crate) mod storages;
mod tickets;
pub(crate) mod token;
pub(crate) mod transfers;
pub(crate) mod variables;

pub(crate) use refusal::explain_refusal;
use serde::Serialize;

use crate::error::Error;
use crate::hint::Hint;
pub(crate) use crate::hint::{shell_path as shell, shell_word};
pub(crate) use crate::time::date;

/// The command as shown in the server's log.
const SCRIPT: &str = "rucio::doctor";

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// No problem.
    Ok,
    /// It works, but with a problem, or not for long.
    Warning,
    /// It cannot work.
    Failed,
}

impl Status {
    /// Returns the status as a word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// A finding of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The group of checks.
    pub check: &'static str,
    /// The result.
    pub status: Status,
    /// What was checked: a file, a variable, a server.
    pub subject: String,
    /// The observation, or the problem.
    pub message: String,
    /// What to do about it.
    pub hints: Vec<Hint>,
    /// Whether only a login is missing.
    pub requires_login: bool,
}

impl Finding {
    fn new(status: Status, check: &'static str, subject: impl ToString, message: impl Into<String>) -> Self {
        let subject = one_line(&subject.to_string());
        let message = one_line(&message.into());
        Self { check, status, subject, message, hints: Vec::new(), requires_login: false }
    }

    /// Creates a finding without a problem.
    pub(crate) fn ok(check: &'static str, subject: impl ToString, message: impl Into<String>) -> Self {
        Self::new(Status::Ok, check, subject, message)
    }

    /// Creates a warning.
    pub(crate) fn warning(check: &'static str, subject: impl ToString, message: impl Into<String>) -> Self {
        Self::new(Status::Warning, check, subject, message)
    }

    /// Creates a failure.
    pub(crate) fn failed(check: &'static str, subject: impl ToString, message: impl Into<String>) -> Self {
        Self::new(Status::Failed, check, subject, message)
    }

    /// Creates a failure from an error and its hint.
    pub(crate) fn from_error(error: &Error, check: &'static str, subject: impl ToString) -> Self {
        Self { hints: error.hints().to_vec(), ..Self::failed(check, subject, reason(error)) }
    }

    /// Replaces the hints by this one.
    pub(crate) fn hint(self, hint: impl Into<Hint>) -> Self {
        Self { hints: vec![hint.into()], ..self }
    }

    /// Adds this hint to a finding without one.
    pub(crate) fn or_hint(self, hint: impl FnOnce() -> Hint) -> Self {
        if self.hints.is_empty() { self.hint(hint()) } else { self }
    }

    /// Adds a hint.
    pub(crate) fn and_hint(mut self, hint: impl Into<Hint>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Marks a problem that a login fixes, with a hint.
    pub(crate) fn requires_login(self, hint: Hint) -> Self {
        Self { requires_login: true, ..self.hint(hint) }
    }
}

/// Returns the details of an error, without the phrase of its class if there are any.
pub(crate) fn reason(error: &Error) -> String {
    let text = error.to_string();
    text.split_once("\nDetails: ").map_or(text.as_str(), |(_, details)| details).to_owned()
}

/// Joins the lines of a text: a finding is one line.
fn one_line(text: &str) -> String {
    text.split(['\n', '\r', '\t']).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Formats a duration in seconds by its two largest units.
pub(crate) fn format_duration(seconds: i64) -> String {
    let seconds = seconds.unsigned_abs();
    let days = seconds / 86_400;
    let hours = seconds / 3_600 % 24;
    let minutes = seconds / 60 % 60;
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (1, hours, _) => format!("1 day {hours} h"),
        (days, ..) => format!("{days} days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_for_one_line() {
        assert_eq!(one_line("a:\n\t/b\r\n\t/c\n"), "a: /b /c");
        let spans = [5, 60, 3_600, 90_000, 86_400 * 400].map(format_duration);
        assert_eq!(spans, ["5 s", "1 min", "1 h 0 min", "1 day 1 h", "400 days"]);
    }
}
