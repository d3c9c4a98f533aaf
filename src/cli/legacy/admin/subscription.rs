//! `rucio-admin subscription ...`

use clap::{Args, Subcommand};

use crate::cli::commands::subscription::{Definition, Options, add, list, touch, update};
use crate::cli::context::Context;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a subscription: add rules to matching new DIDs automatically
    Add(Words),
    /// List the subscriptions of an account
    List(List),
    /// Replace the filter and rules of a subscription
    Update(Words),
    /// Re-evaluate DIDs against all subscriptions, as if they were new
    Reevaluate(Dids),
}

#[derive(Debug, Args)]
pub(crate) struct Words {
    /// Subscription name
    name: String,
    /// Filter for DIDs, as JSON: {"scope": ["test"], "project": ["data12"]}
    filter: String,
    /// Rules to add to the DIDs, as JSON: [{"copies": 1, "rse_expression": "tier=2", "activity": "User Subscriptions"}]
    replication_rules: String,
    /// Comment on the subscription
    #[arg(allow_negative_numbers = true)]
    comments: String,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// List only subscriptions with this name
    name: Option<String>,
    /// Account that owns the subscriptions; * for all accounts [default: your own]
    #[arg(long, add = ValueKind::Account)]
    account: Option<String>,
    /// Show all fields of each subscription
    #[arg(long)]
    long: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Dids {
    /// DIDs (scope:name), comma-separated
    #[arg(add = ValueKind::Did)]
    dids: String,
}

/// Runs the command that this one is translated into.
pub(super) async fn run(context: &Context, command: Command) -> Result<()> {
    match command {
        Command::Add(words) => add::run(context, add::Args { definition: words.translate() }).await,
        Command::List(List { name, account, long }) => {
            list::list(context, list::Args { account, long }, name.as_deref()).await
        }
        Command::Update(words) => update::run(context, update::Args { definition: words.translate() }).await,
        Command::Reevaluate(args) => touch::run(context, touch::Args { dids: vec![args.dids] }).await,
    }
}

impl Words {
    fn translate(self) -> Definition {
        Definition {
            subscription_name: self.name,
            filter: self.filter,
            rule: self.replication_rules,
            comment: Some(self.comments),
            options: self.options,
        }
    }
}
