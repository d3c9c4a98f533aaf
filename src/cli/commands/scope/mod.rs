//! `rucio scope ...`: add and list scopes, and change their owners.
//!
//! One file per subcommand, with its arguments and output; the requests are in `api::scopes`.

pub(crate) mod add;
pub(crate) mod list;
pub(crate) mod update;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::error::Result;

/// A scope and its owner.
const SHAPE: Shape = Shape::named(&["scope"], &["scope", "account"]);

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Add(add::Args),
    List(list::Args),
    Update(update::Args),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Add(args) => add::run(context, args).await,
            Self::List(args) => list::run(context, args).await,
            Self::Update(args) => update::run(context, args).await,
        }
    }
}
