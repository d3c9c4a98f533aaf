//! `rucio-admin account ...`

use clap::{Args, Subcommand, value_parser};

use crate::cli::commands::account::limit::{LOCALITIES, get, set, unset};
use crate::cli::commands::account::update::Change;
use crate::cli::commands::account::{add, attribute, identity, list, remove, show, update};
use crate::cli::context::Context;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(mut_arg("account_type", |kind| kind.value_parser(value_parser!(String))))]
    #[command(mut_arg("filter", |filter| filter.long("filters")))]
    List(list::Args),
    ListAttributes(attribute::list::Args),
    AddAttribute(attribute::set::Args),
    DeleteAttribute(attribute::unset::Args),
    /// Create an account
    Add(Add),
    Delete(remove::Args),
    Info(show::Args),
    ListIdentities(identity::list::Args),
    /// Set the storage limit of an account at an RSE
    SetLimits(SetLimits),
    GetLimits(get::Args),
    /// Delete the storage limit of an account at an RSE
    DeleteLimits(get::Args),
    /// Ban an account, so that it cannot log in
    Ban(Account),
    /// Lift the ban of an account
    Unban(Account),
    /// Update a field of an account
    Update(Update),
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Name of the new account
    #[arg(add = ValueKind::Account)]
    account: String,
    /// Account type: USER, GROUP or SERVICE
    #[arg(long = "type", default_value = "USER")]
    account_type: String,
    /// Email address
    #[arg(long)]
    email: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SetLimits {
    /// Account name
    #[arg(add = ValueKind::Account)]
    account: String,
    /// RSE name, or the RSE expression of a global limit
    #[arg(add = ValueKind::Rse)]
    rse: String,
    /// Limit: 10000, 10GB (B, KB, MB, GB, TB, PB, in steps of 1000), or infinity
    #[arg(allow_negative_numbers = true)]
    bytes: String,
    /// Whether the limit applies to one RSE, or to all RSEs matching the expression together
    #[arg(default_value = "local", value_parser = LOCALITIES)]
    locality: String,
}

#[derive(Debug, Args)]
pub(crate) struct Account {
    /// Account name
    #[arg(long, add = ValueKind::Account)]
    account: String,
}

#[derive(Debug, Args)]
pub(crate) struct Update {
    /// Account name
    #[arg(long, add = ValueKind::Account)]
    account: String,
    /// Field: email or status
    #[arg(long)]
    key: String,
    /// New value; for status ACTIVE or SUSPENDED
    #[arg(long, allow_negative_numbers = true)]
    value: String,
}

/// Runs the command that this one is translated into.
pub(super) async fn run(context: &Context, command: Command) -> Result<()> {
    match command {
        Command::List(args) => list::run(context, args).await,
        Command::ListAttributes(args) => attribute::list::run(context, args).await,
        Command::AddAttribute(args) => attribute::set::add(context, &args).await,
        Command::DeleteAttribute(args) => attribute::unset::run(context, args).await,
        Command::Add(args) => add::run(context, args.translate()).await,
        Command::Delete(args) => remove::run(context, args).await,
        Command::Info(args) => show::run(context, args).await,
        Command::ListIdentities(args) => identity::list::run(context, args).await,
        Command::SetLimits(args) => set::run(context, args.translate()).await,
        Command::GetLimits(args) => get::run(context, args).await,
        Command::DeleteLimits(args) => unset::run(context, place(args)).await,
        Command::Ban(args) => {
            let ban = Change::ban(&args.account);
            update::update(context, args.account, vec![ban]).await
        }
        Command::Unban(args) => {
            let unban = Change::unban(&args.account);
            update::update(context, args.account, vec![unban]).await
        }
        Command::Update(args) => {
            let change = Change::field(&args.account, args.key, args.value);
            update::update(context, args.account, vec![change]).await
        }
    }
}

fn place(args: get::Args) -> unset::Args {
    unset::Args { account_name: args.account, rse: args.rse, locality: args.locality }
}

impl Add {
    fn translate(self) -> add::Args {
        add::Args { account_name: self.account, account_type: self.account_type, email: self.email }
    }
}

impl SetLimits {
    fn translate(self) -> set::Args {
        set::Args { account_name: self.account, rse: self.rse, bytes: self.bytes, locality: self.locality }
    }
}
