//! `rucio config ...`: commands for the configuration in the server's database. The configuration of the client is read
//! in `crate::config`, and created by `rucio login --setup`.

pub(crate) mod list;
pub(crate) mod set;
pub(crate) mod unset;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::error::Result;

/// An option of a section.
const SHAPE: Shape = Shape { name: &["section", "option"], columns: &["section", "option", "value"] };

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(list::Args),
    Set(set::Args),
    Unset(unset::Args),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::List(args) => list::run(context, args).await,
            Self::Set(args) => set::run(context, args).await,
            Self::Unset(args) => unset::run(context, args).await,
        }
    }
}
