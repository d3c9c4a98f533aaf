//! `rucio-admin replicas ...`: translated into commands of `cli::commands::replica`.
//!
//! `states` has the arguments that differ from theirs.

mod states;

use clap::Subcommand;

use crate::cli::commands::replica::state::update::{bad, quarantine, unavailable};
use crate::cli::commands::replica::{pfns, remove};
use crate::cli::compat::CompatOptions;
use crate::cli::context::Context;
use crate::error::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    DeclareBad(states::DeclareBad),
    DeclareTemporaryUnavailable(states::DeclareUnavailable),
    ListPfns(pfns::Args),
    Quarantine(states::Quarantine),
    SetTombstone(states::SetTombstone),
}

/// Runs the command that this one is translated into.
pub(super) async fn run(context: &Context, command: Command) -> Result<()> {
    match command {
        Command::DeclareBad(args) => bad::declare(context, args.translate(), CompatOptions::ADMIN).await,
        Command::DeclareTemporaryUnavailable(args) => unavailable::run(context, args.translate()).await,
        Command::ListPfns(args) => pfns::run(context, args).await,
        Command::Quarantine(args) => quarantine::run(context, args.translate()).await,
        Command::SetTombstone(args) => remove::run(context, args.translate()).await,
    }
}
