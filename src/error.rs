//! One error type for the whole library. It contains the server's exception class, message, status and URL.

use crate::exceptions::Exception;

/// A result of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this library.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An error with one of Rucio's exception classes, from the server or from this client.
    #[error("{}", .0.display())]
    Rucio(Box<Refusal>),
    /// An invalid value on the command line without an exception class; legacy commands exit with 1.
    #[error("{0}")]
    Value(String),
    /// A local read or write that failed.
    #[error("{what}: {source}")]
    Io {
        /// The operation that failed, with the path.
        what: String,
        /// The cause.
        source: std::io::Error,
    },
    /// No configuration, credentials or token at the start, so nothing was done; all commands exit with 1.
    #[error("{0}")]
    Login(Box<Error>),
    /// A wait that timed out.
    #[error("{0}")]
    Timeout(String),
    /// The user pressed Ctrl-C; everything has been stopped and cleaned up.
    #[error("interrupted")]
    Interrupted,
}

/// The details of an error in Rucio's terms.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The class; it determines the exit code.
    pub class: Exception,
    /// Details for the class: the server's message, or ours. May be empty.
    pub details: String,
    /// HTTP status of the response, if there was one.
    pub status: Option<u16>,
    /// The URL of the request, if there was one.
    pub url: Option<String>,
    /// What the user can do next: a sentence, usually with a command.
    pub hint: Option<String>,
}

impl Refusal {
    /// Returns the summary of the class and the details, in the format that the official client logs.
    fn display(&self) -> String {
        match self.details.is_empty() {
            true => self.class.summary().to_owned(),
            false => format!("{}\nDetails: {}", self.class.summary(), self.details),
        }
    }
}

impl Error {
    /// Creates an error of our own, with its details.
    pub fn new(class: Exception, details: impl Into<String>) -> Self {
        Self::Rucio(Box::new(Refusal { class, details: details.into(), status: None, url: None, hint: None }))
    }

    /// Creates an I/O error; `what` is the operation that failed.
    pub fn io(what: impl Into<String>, source: std::io::Error) -> Self {
        Self::Io { what: what.into(), source }
    }

    /// Creates the error for a result that cannot be written as JSON.
    pub(crate) fn unwritable(error: serde_json::Error) -> Self {
        Self::new(Exception::RucioException, format!("The result cannot be written as JSON: {error}"))
    }

    /// Adds a hint to an error with an exception class.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        if let Self::Rucio(refusal) = &mut self {
            refusal.hint = Some(hint.into());
        }
        self
    }

    /// Returns the exception class, if there is one.
    pub fn class(&self) -> Option<Exception> {
        match self {
            Self::Rucio(refusal) => Some(refusal.class),
            Self::Login(error) => error.class(),
            _ => None,
        }
    }

    /// Returns what the user can do next, if anything is known.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Rucio(refusal) => refusal.hint.as_deref(),
            Self::Login(error) => error.hint(),
            _ => None,
        }
    }

    /// Whether the cause is a closed pipe: such a command exits with 0 and no message.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == std::io::ErrorKind::BrokenPipe)
    }
}
