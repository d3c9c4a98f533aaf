//! `rucio-admin subscription ...`

use clap::{Args, Subcommand};

use crate::cli::commands::subscription::{Definition, Options, add, list, touch, update};
use crate::cli::context::Context;
use crate::error::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Have rules made by themselves for all new DIDs of some kind
    Add(Words),
    /// List the subscriptions of an account
    List(List),
    /// Give a subscription another filter and other rules
    Update(Words),
    /// Have all subscriptions look at DIDs again, as if they were new
    Reevaluate(Dids),
}

#[derive(Debug, Args)]
pub(crate) struct Words {
    /// Its name
    name: String,
    /// Which DIDs it is about, as JSON: {"scope": ["test"], "project": ["data12"]}
    filter: String,
    /// The rules they get, as JSON: [{"copies": 1, "rse_expression": "tier=2", "activity": "User Subscriptions"}]
    replication_rules: String,
    /// What people should know about it
    #[arg(allow_negative_numbers = true)]
    comments: String,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those of this name
    name: Option<String>,
    /// Whose subscriptions, if not your own; * is everybody
    #[arg(long)]
    account: Option<String>,
    /// All fields of each
    #[arg(long)]
    long: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Dids {
    /// The DIDs, with commas between
    dids: String,
}

impl Command {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Add(words) => add::run(context, add::Args { definition: words.translate() }).await,
            Self::List(args) => list::run(context, args.translate()).await,
            Self::Update(words) => update::run(context, update::Args { definition: words.translate() }).await,
            Self::Reevaluate(args) => touch::run(context, touch::Args { dids: vec![args.dids] }).await,
        }
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

impl List {
    fn translate(self) -> list::Args {
        list::Args { account: self.account, long: self.long, name: self.name }
    }
}
