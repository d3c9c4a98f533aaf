//! What a person is told directly: usage, and what to do during a login.

use super::clean;
use std::io::{self, IsTerminal, Write};

/// Shows help or the version on standard output, a mistake on standard error.
pub(in crate::cli) fn usage(message: &clap::Error) -> io::Result<()> {
    message.print()?;
    io::stdout().flush()
}

/// Tells the person at the terminal something, on standard error so that it never mixes with what is piped.
pub(in crate::cli) fn tell(text: &str) {
    // The text may quote the server. There is nowhere to tell that standard error is broken.
    let stderr = io::stderr();
    let text = if stderr.is_terminal() { clean(text) } else { text.into() };
    let _ = writeln!(&stderr, "{text}");
}
