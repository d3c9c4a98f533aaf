//! Checks of everything between a user and a working `whoami`, for `doctor`. Each check prints nothing, changes nothing
//! on the server, and returns [`Finding`]s, without secrets.
//! The command and its output are in `cli`.

pub mod authorities;
mod bearer;
mod certificates;
pub mod configuration;
pub mod credentials;
mod handshake;
pub mod hosts;
mod known;
pub mod login;
mod reach;
mod refusal;
pub mod server;
pub mod settings;
mod tickets;
pub mod token;
pub mod transfers;
pub mod variables;

use std::path::Path;

use serde::Serialize;

pub(crate) use crate::clock::date;
use crate::error::Error;

/// The command as shown in the server's log.
const SCRIPT: &str = "rucio::doctor";

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// No problem.
    Ok,
    /// It works, but with a problem, or not for long.
    Warning,
    /// It cannot work.
    Failed,
}

impl Status {
    /// Returns the status as a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// A finding of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The group of checks.
    pub check: &'static str,
    /// The result.
    pub status: Status,
    /// What was checked: a file, a variable, a server.
    pub subject: String,
    /// The observation, or the problem.
    pub message: String,
    /// The command to run, or other advice.
    pub hint: Option<String>,
    /// Whether only a login is missing.
    #[serde(skip)]
    pub requires_login: bool,
}

impl Finding {
    fn new(status: Status, check: &'static str, subject: impl ToString, message: impl Into<String>) -> Self {
        let (subject, message) = (one_line(&subject.to_string()), one_line(&message.into()));
        Self { check, status, subject, message, hint: None, requires_login: false }
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
        Self { hint: error.hint().map(str::to_owned), ..Self::failed(check, subject, reason(error)) }
    }

    /// Sets the hint.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Marks a problem that a login fixes, with a hint.
    pub(crate) fn requires_login(self, hint: impl Into<String>) -> Self {
        Self { requires_login: true, ..self.hint(hint) }
    }
}

/// Returns the details of an error, without the summary of its class if there are any.
pub(crate) fn reason(error: &Error) -> String {
    match error {
        Error::Rucio(refusal) if !refusal.details.is_empty() => refusal.details.clone(),
        Error::Login(error) => reason(error),
        error => error.to_string(),
    }
}

/// Joins the lines of a text: a finding is one line.
fn one_line(text: &str) -> String {
    text.split(['\n', '\r', '\t']).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Quotes a path for a shell.
pub(crate) fn shell(path: &Path) -> String {
    shell_word(&path.display().to_string())
}

/// Quotes a text for a shell.
pub(crate) fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%=,".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// Formats a duration in seconds by its two largest units.
pub(crate) fn format_duration(seconds: i64) -> String {
    let seconds = seconds.unsigned_abs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
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
    fn texts_are_for_one_line_and_for_shells() {
        assert_eq!(one_line("a:\n\t/b\r\n\t/c\n"), "a: /b /c");
        assert_eq!(shell(Path::new("/tmp/it's here")), r"'/tmp/it'\''s here'");
        assert_eq!(shell_word("CN=a,O=b"), "CN=a,O=b");
        let spans = [5, 60, 3_600, 90_000, 86_400 * 400].map(format_duration);
        assert_eq!(spans, ["5 s", "1 min", "1 h 0 min", "1 day 1 h", "400 days"]);
    }
}
