//! `rucio replica state update ...`: declare replicas bad, quarantined or unavailable.
//!
//! One file per state; reading list files (`--as-file`) is shared here.

pub(crate) mod bad;
pub(crate) mod quarantine;
pub(crate) mod unavailable;

use std::path::Path;

use crate::cli::commands::group;
use crate::cli::context::Context;
use crate::error::{Error, Result};

group! {
    Bad(bad::Args),
    Quarantine(quarantine::Args),
    Unavailable(unavailable::Args),
}

/// Returns the path of the list file. Errors: there is not exactly one argument, which `case` requires.
fn the_file<'a>(words: &'a [String], case: &str) -> Result<&'a Path> {
    match words {
        [path] => Ok(Path::new(path)),
        _ => Err(Error::value(format!(
            "Exactly one positional argument expected in case {case}: there are {}",
            words.len()
        ))),
    }
}

/// Reads a file named by the user.
fn text_of(path: &Path) -> Result<String> {
    crate::input_file::read_to_string(path).map_err(|error| Error::file(path, error))
}

/// Reads the lines of a file, trimmed and without empty ones.
fn lines_of(path: &Path) -> Result<Vec<String>> {
    Ok(text_of(path)?.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

/// Prints the summary after the last chunk.
fn summary(context: &Context, declared: &str) -> Result<()> {
    context.ui.line(&format!("--------------------------------\nSummary\n{declared} replicas successfully declared"))
}
