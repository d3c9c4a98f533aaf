//! `rucio replica state update ...`

pub(crate) mod bad;
pub(crate) mod quarantine;
pub(crate) mod unavailable;

use std::path::Path;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::error::{Error, Result};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Bad(bad::Args),
    Quarantine(quarantine::Args),
    Unavailable(unavailable::Args),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Bad(args) => bad::run(context, args).await,
            Self::Quarantine(args) => quarantine::run(context, args).await,
            Self::Unavailable(args) => unavailable::run(context, args).await,
        }
    }
}

/// The one path among the words, where a list is given as a file.
fn the_file(words: &[String]) -> Result<&Path> {
    match words {
        [path] => Ok(Path::new(path)),
        _ => Err(Error::Value(format!("Give one file with a list in it, not {} words.", words.len()))),
    }
}

/// The text of a file that the user named.
fn text_of(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| Error::io(format!("Cannot read {}", path.display()), error))
}

/// The lines of a file, without blanks around them and without empty ones.
fn lines_of(path: &Path) -> Result<Vec<String>> {
    Ok(text_of(path)?.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

/// The end of a report on chunks.
fn summary(context: &Context, declared: &str) -> Result<()> {
    context.ui.line(&format!("--------------------------------\nSummary\n{declared} replicas successfully declared"))
}
