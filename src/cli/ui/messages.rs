//! What a person is told directly: usage, and what to do during a login.

use std::io::{self, Write};

/// Shows help or the version on standard output, a mistake on standard error.
pub(in crate::cli) fn usage(message: &clap::Error) {
    // Nobody may be listening any more; the exit code says the rest.
    let _ = message.print();
}

/// Tells the person at the terminal something, on standard error so that it never mixes with what is piped.
pub(in crate::cli) fn tell(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
