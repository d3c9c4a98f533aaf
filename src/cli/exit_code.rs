//! The exit codes of the program.

use crate::exceptions::Exception;

/// What an exit code tells the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ExitCode {
    Success,
    Failure,
    /// The command line does not parse.
    Usage,
    /// A login is required first; only from commands that the official client lacks.
    LogInFirst,
    /// Timed out, as in timeout(1).
    TimedOut,
    /// Ended by Ctrl-C, as shells report it: 128 + SIGINT.
    Interrupted,
    /// Ended by SIGTERM: 128 + SIGTERM.
    Terminated,
    /// A failure whose exception class decides the code.
    Class(Exception),
}

impl ExitCode {
    /// Returns the number that the process exits with.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::LogInFirst => 4,
            Self::TimedOut => 124,
            Self::Interrupted => 130,
            Self::Terminated => 143,
            Self::Class(class) => class.code(),
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        code.number().into()
    }
}
