//! One error type for the whole library: its kind, message, cause, HTTP status, and hints for the user.

use std::fmt;
use std::io;
use std::path::Path;

use crate::exceptions::Exception;
use crate::hint::Hint;

/// A result of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Target of log events that a person at a terminal is not shown: the error that follows tells the same.
pub(crate) const LOG_ONLY: &str = "rucio::log_only";

/// The cause of an error.
type Source = Box<dyn std::error::Error + Send + Sync>;

/// The kind of an error; it decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// One of Rucio's exception classes, from the server or from this client.
    Class(Exception),
    /// An invalid value on the command line, without an exception class.
    Value,
    /// A local read or write that failed.
    Io,
    /// A wait that timed out.
    Timeout,
    /// The user pressed Ctrl-C; everything has been stopped and cleaned up.
    Interrupted,
    /// The same after SIGTERM, which batch systems send.
    Terminated,
}

/// An error of this library.
#[derive(Debug)]
pub struct Error(Box<Details>);

#[derive(Debug)]
struct Details {
    kind: ErrorKind,
    /// The server's message, or ours. May be empty if there is a class.
    message: String,
    source: Option<Source>,
    /// HTTP status of the response, if there was one.
    status: Option<u16>,
    /// Whether configuration, credentials or token were missing at the start, so that nothing was done.
    is_before_start: bool,
    /// Whether the server was unavailable for as long as a command waits for it.
    is_after_outage: bool,
    /// Whether the server does not know the call.
    is_unknown_call: bool,
    hints: Vec<Hint>,
}

impl Error {
    /// Creates an error with an exception class and details.
    pub fn new(class: Exception, details: impl Into<String>) -> Self {
        Self::of_kind(ErrorKind::Class(class), details)
    }

    /// Creates the error for an invalid value on the command line.
    pub fn value(message: impl Into<String>) -> Self {
        Self::of_kind(ErrorKind::Value, message)
    }

    /// Creates an I/O error; `what` is the operation that failed, with the path.
    pub fn io(what: impl Into<String>, source: io::Error) -> Self {
        Self::of_kind(ErrorKind::Io, what).with_source(source)
    }

    /// Creates the error for a file of the user that cannot be read, in Python's words.
    pub(crate) fn file(path: &Path, source: io::Error) -> Self {
        let text = source.to_string();
        let reason = text.split(" (os error").next().unwrap_or(&text);
        let number = source.raw_os_error().map(|number| format!("[Errno {number}] ")).unwrap_or_default();
        Self::of_kind(ErrorKind::Io, format!("{number}{reason}: '{}'", path.display()))
    }

    /// Creates the error for a wait that timed out.
    pub fn timeout(message: impl Into<String>) -> Self {
        Self::of_kind(ErrorKind::Timeout, message)
    }

    /// Creates the error for a command that the user interrupted.
    pub fn interrupted() -> Self {
        Self::of_kind(ErrorKind::Interrupted, "interrupted")
    }

    /// Creates the error for a command that was ended by SIGTERM.
    pub(crate) fn terminated() -> Self {
        Self::of_kind(ErrorKind::Terminated, "terminated")
    }

    /// Creates the error for a result that cannot be written as JSON.
    pub(crate) fn unwritable(error: serde_json::Error) -> Self {
        Self::new(Exception::RucioException, "The result cannot be written as JSON").with_source(error)
    }

    fn of_kind(kind: ErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self(Box::new(Details {
            kind,
            message,
            source: None,
            status: None,
            is_before_start: false,
            is_after_outage: false,
            is_unknown_call: false,
            hints: Vec::new(),
        }))
    }

    /// Sets the cause. Messages end with it.
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Sets the HTTP status of the response.
    pub fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Replaces the details.
    pub(crate) fn with_details(mut self, details: impl Into<String>) -> Self {
        self.0.message = details.into();
        self
    }

    /// Marks an error of configuration or login, before anything was done: all commands exit with 1.
    pub fn before_start(mut self) -> Self {
        self.0.is_before_start = true;
        self
    }

    /// Marks the error of a server that was unavailable for as long as a command waits for it: it is not retried.
    pub(crate) fn after_outage(mut self) -> Self {
        self.0.is_after_outage = true;
        self
    }

    /// Marks the error of a server that does not know the call.
    pub(crate) fn of_unknown_call(mut self) -> Self {
        self.0.is_unknown_call = true;
        self
    }

    /// Adds a hint.
    pub fn with_hint(mut self, hint: impl Into<Hint>) -> Self {
        self.0.hints.push(hint.into());
        self
    }

    /// Adds several hints.
    pub fn with_hints(mut self, hints: impl IntoIterator<Item = Hint>) -> Self {
        self.0.hints.extend(hints);
        self
    }

    /// Replaces all hints, where the caller knows more than the place where the error occurred.
    pub fn with_only_hint(self, hint: impl Into<Hint>) -> Self {
        self.without_hints().with_hint(hint)
    }

    /// Removes all hints, where the caller knows better ones.
    pub fn without_hints(mut self) -> Self {
        self.0.hints.clear();
        self
    }

    /// Returns the kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the exception class, if there is one.
    pub fn class(&self) -> Option<Exception> {
        match self.0.kind {
            ErrorKind::Class(class) => Some(class),
            _ => None,
        }
    }

    /// Returns the HTTP status of the response, if there was one.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// Returns the details without the phrase of the exception class: the server's message, or ours. May be empty.
    pub fn details(&self) -> &str {
        &self.0.message
    }

    /// Returns the details and the cause, without the phrase of the exception class. May be empty.
    fn reason(&self) -> String {
        let Details { message, source, .. } = &*self.0;
        match source {
            Some(source) if message.is_empty() => source.to_string(),
            Some(source) => format!("{message}: {source}"),
            None => message.clone(),
        }
    }

    /// Returns what the user can do next, in order; empty if nothing is known.
    pub fn hints(&self) -> &[Hint] {
        &self.0.hints
    }

    /// Whether configuration, credentials or token were missing at the start, so that nothing was done.
    pub fn is_before_start(&self) -> bool {
        self.0.is_before_start
    }

    /// Whether the server was unavailable for as long as a command waits for it.
    pub(crate) fn is_after_outage(&self) -> bool {
        self.0.is_after_outage
    }

    /// Whether the server does not know the call, as it is older than this client.
    pub(crate) fn is_unknown_call(&self) -> bool {
        self.0.is_unknown_call
    }

    /// Whether Ctrl-C or SIGTERM ended the command.
    pub fn is_interrupted(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Interrupted | ErrorKind::Terminated)
    }

    /// Whether the cause is a closed pipe: such a command exits with 0 and no message.
    pub fn is_broken_pipe(&self) -> bool {
        let source = self.0.source.as_ref().and_then(|source| source.downcast_ref::<io::Error>());
        source.is_some_and(|source| source.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// Writes the phrase of the class and the details in the format that the official client logs, and the cause.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = self.reason();
        match self.class() {
            Some(class) => f.write_str(&class.message(&reason)),
            None => f.write_str(&reason),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_has_class_details_and_cause() {
        let io = || io::Error::other("disk full");
        let phrase = Exception::AccessDenied.message("");
        for (error, expected) in [
            (Error::new(Exception::AccessDenied, ""), phrase.clone()),
            (Error::new(Exception::AccessDenied, "no"), format!("{phrase}\nDetails: no")),
            (Error::new(Exception::AccessDenied, "").with_source("cause"), format!("{phrase}\nDetails: cause")),
            (Error::io("Cannot write x", io()), "Cannot write x: disk full".to_owned()),
            (Error::value("bad").before_start(), "bad".to_owned()),
            (
                Error::file(Path::new("/no"), io::Error::from_raw_os_error(2)),
                "[Errno 2] No such file or directory: '/no'".to_owned(),
            ),
        ] {
            assert_eq!(error.to_string(), expected, "{error:?}");
        }
    }

    #[test]
    fn hint_is_kept_by_errors_of_every_kind() {
        let io = || Error::io("Cannot write x", io::ErrorKind::BrokenPipe.into());
        let errors = [Error::new(Exception::AccessDenied, ""), Error::value(""), io(), Error::timeout("")];
        for error in errors.into_iter().chain([Error::interrupted(), io().before_start()]) {
            let error = error.with_hint("First.").with_hint("Second.");
            assert_eq!(error.hints(), [Hint::from("First."), Hint::from("Second.")], "{error:?}");
        }
        assert!(io().is_broken_pipe() && !Error::timeout("").is_broken_pipe());
    }
}
