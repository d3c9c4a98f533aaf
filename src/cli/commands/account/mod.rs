//! `rucio account ...`

pub(crate) mod add;
pub(crate) mod attribute;
pub(crate) mod identity;
pub(crate) mod limit;
pub(crate) mod list;
pub(crate) mod remove;
pub(crate) mod show;
pub(crate) mod update;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::error::Result;

/// An account, with all that is told of it.
const SHAPE: Shape = Shape::named(&["account"], &[]);
/// An account as the server describes it, its fields in no order.
pub(crate) const DESCRIPTION: Shape = Shape::named(
    &["account"],
    &["account", "account_type", "status", "email", "created_at", "updated_at", "suspended_at", "deleted_at"],
);
/// The types an account can have.
const TYPES: [&str; 3] = ["USER", "GROUP", "SERVICE"];

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Add(add::Args),
    /// Attributes of accounts, which stand for privileges
    #[command(subcommand)]
    Attribute(attribute::Command),
    /// Identities: who may log in as an account, and how
    #[command(subcommand)]
    Identity(identity::Command),
    /// What accounts use and may use at the RSEs
    #[command(subcommand)]
    Limit(limit::Command),
    List(list::Args),
    Remove(remove::Args),
    Show(show::Args),
    Update(update::Args),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Add(args) => add::run(context, args).await,
            Self::Attribute(command) => command.run(context).await,
            Self::Identity(command) => command.run(context).await,
            Self::Limit(command) => command.run(context).await,
            Self::List(args) => list::run(context, args).await,
            Self::Remove(args) => remove::run(context, args).await,
            Self::Show(args) => show::run(context, args).await,
            Self::Update(args) => update::run(context, args).await,
        }
    }
}
