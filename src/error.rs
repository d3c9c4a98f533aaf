//! One error type for the whole library. It keeps what the server said: exception class, message, status, URL.

use crate::exceptions::Exception;

/// A result of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A refusal with one of Rucio's exception classes, the server's or our own.
    #[error("{}", .0.display())]
    Rucio(Box<Refusal>),
    /// A value on the command line that has no exception class of its own; the old tree exits with 1.
    #[error("{0}")]
    Value(String),
    /// Reading or writing something local failed. `what` says what was tried.
    #[error("{what}: {source}")]
    Io {
        /// What was tried, with the path.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// No configuration, no credentials or no token could be had at the start, so nothing was done; every tree exits
    /// with 1.
    #[error("{0}")]
    Login(Box<Error>),
    /// What was waited for has not come in the time that was given to it.
    #[error("{0}")]
    Late(String),
    /// The user pressed Ctrl-C; everything has been stopped and tidied.
    #[error("interrupted")]
    Interrupted,
}

/// A refusal in Rucio's terms.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The class; it decides the exit code.
    pub class: Exception,
    /// The details behind the class: the server's message, or ours. May be empty.
    pub details: String,
    /// HTTP status of the answer, if it was one.
    pub status: Option<u16>,
    /// The URL that was asked, if one was.
    pub url: Option<String>,
    /// What the user can do next: a sentence, mostly with a command.
    pub hint: Option<String>,
}

impl Refusal {
    /// Summary of the class and the details, in the shape the official client logs.
    fn display(&self) -> String {
        match self.details.is_empty() {
            true => self.class.summary().to_owned(),
            false => format!("{}\nDetails: {}", self.class.summary(), self.details),
        }
    }
}

impl Error {
    /// A refusal of our own, with its details.
    pub fn new(class: Exception, details: impl Into<String>) -> Self {
        Self::Rucio(Box::new(Refusal { class, details: details.into(), status: None, url: None, hint: None }))
    }

    /// An I/O error, with what was tried.
    pub fn io(what: impl Into<String>, source: std::io::Error) -> Self {
        Self::Io { what: what.into(), source }
    }

    /// A result that JSON has no words for.
    pub(crate) fn unwritable(error: serde_json::Error) -> Self {
        Self::new(Exception::RucioException, format!("The result cannot be written as JSON: {error}"))
    }

    /// The same error with a sentence on what to do next.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        if let Self::Rucio(refusal) = &mut self {
            refusal.hint = Some(hint.into());
        }
        self
    }

    /// The exception class, if it has one.
    pub fn class(&self) -> Option<Exception> {
        match self {
            Self::Rucio(refusal) => Some(refusal.class),
            Self::Login(error) => error.class(),
            _ => None,
        }
    }

    /// What the user can do next, if anything is known.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Rucio(refusal) => refusal.hint.as_deref(),
            Self::Login(error) => error.hint(),
            _ => None,
        }
    }

    /// Whether a pipe that nobody reads any more is the cause: such a command ends quietly, with 0.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == std::io::ErrorKind::BrokenPipe)
    }
}
