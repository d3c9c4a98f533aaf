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
    /// All but those of the exception classes.
    pub(super) const WITHOUT_CLASS: [Self; 7] = [
        Self::Success,
        Self::Failure,
        Self::Usage,
        Self::LogInFirst,
        Self::TimedOut,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// Returns the exception classes with their codes, in order.
    pub(super) fn classes() -> impl Iterator<Item = (u8, Exception)> {
        Exception::all().map(|class| (Self::Class(class).number(), class))
    }

    /// Returns what the code means, for the help.
    pub(super) fn meaning(self) -> String {
        let text = match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Usage => "the command line is invalid, or permission is denied",
            Self::LogInFirst => {
                "log in first; from session, token, doctor and other commands that only this client has"
            }
            Self::TimedOut => "timed out, as rule wait may",
            Self::Interrupted => "ended by Ctrl-C",
            Self::Terminated => "ended by SIGTERM, as from a batch system",
            Self::Class(class) => return class.summary(),
        };
        text.to_owned()
    }

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
