//! Messages outside the log: usage, and instructions during a login.

use super::clean;
use std::io::{self, IsTerminal, Write};

/// Prints help or the version on standard output, a parse error on standard error.
pub(in crate::cli) fn usage(message: &clap::Error) -> io::Result<()> {
    message.print()?;
    io::stdout().flush()
}

/// Prints a message on standard error, so that it never mixes with piped output.
pub(in crate::cli) fn print_message(text: &str) {
    // The text may quote the server. Errors are ignored: they could only be reported on standard error.
    let stderr = io::stderr();
    let text = if stderr.is_terminal() { clean(text) } else { text.into() };
    let _ = writeln!(&stderr, "{text}");
}

/// Whether error messages go to a terminal.
pub(crate) fn is_error_terminal() -> bool {
    io::stderr().is_terminal()
}
