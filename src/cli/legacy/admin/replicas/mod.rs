//! `rucio-admin replicas ...`: translated into commands of `cli::commands::replica`.
//!
//! `states` has the arguments that differ from theirs.

mod states;

use clap::Subcommand;

use crate::cli::commands::replica::state::update::{bad, quarantine, unavailable};
use crate::cli::commands::replica::{pfns, remove};
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

impl Command {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::DeclareBad(args) => bad::run(context, args.translate()).await,
            Self::DeclareTemporaryUnavailable(args) => unavailable::run(context, args.translate()).await,
            Self::ListPfns(args) => pfns::run(context, args).await,
            Self::Quarantine(args) => quarantine::run(context, args.translate()).await,
            Self::SetTombstone(args) => remove::run(context, args.translate()).await,
        }
    }
}
