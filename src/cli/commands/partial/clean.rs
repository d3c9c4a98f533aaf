//! `rucio partial clean`

use std::time::Duration;

use clap::ValueHint;

use super::{SHAPE, age, find, record, state};
use crate::cli::context::Context;
use crate::cli::duration;
use crate::cli::leaf::{Extension, NoServer};
use crate::cli::ui::values::Num;
use crate::error::{Error, Result};
use crate::transfer::partial_file::found::{FoundPartialFile, PartialFileState, remove};

/// Remove the partial files of unfinished downloads
///
/// Prints each file that it removes. Files that a running download is writing stay, and those of other users.
///
/// Example: rucio partial clean --older-than 7d data
#[derive(Debug, clap::Args)]
#[command(add = Extension, add = NoServer::Always)]
pub(crate) struct Args {
    /// Directory to search, with all directories below it
    #[arg(value_hint = ValueHint::DirPath)]
    dir: String,
    /// Remove only files that have not changed for this time: seconds, or 2h, 7d
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    older_than: Option<Duration>,
    /// Only print what would be removed
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let is_old = |file: &FoundPartialFile| {
        let age = u64::try_from(age(file)).unwrap_or_default();
        args.older_than.is_none_or(|limit| age >= limit.as_secs())
    };
    let mut list = context.ui.list(SHAPE);
    let (mut bytes, mut failed) = (0, 0);
    for file in find(&args.dir)?.iter().filter(|file| is_old(file)) {
        let outcome = match file.state {
            PartialFileState::Idle if args.dry_run => Ok(true),
            PartialFileState::Idle => remove(file),
            PartialFileState::InUse | PartialFileState::Foreign => Ok(false),
        };
        let path = file.path.display();
        match outcome {
            Ok(true) => {
                bytes += file.bytes;
                let state = if args.dry_run { "would be removed" } else { "removed" };
                list.line(&record(file, state), || path.to_string())?;
            }
            Ok(false) => tracing::warn!("{path} stays: it is {}.", state(file)),
            Err(error) => {
                failed += 1;
                tracing::error!("{path} cannot be removed: {error}");
            }
        }
    }
    list.end()?;
    let size = context.size(Some(Num::from(bytes)));
    tracing::info!("{size} {} removed.", if args.dry_run { "would be" } else { "were" });
    if failed > 0 { Err(Error::value(format!("{failed} file(s) could not be removed."))) } else { Ok(()) }
}
