//! `rucio scope list`

use serde_json::json;

use super::SHAPE;
use crate::api;
use crate::cli::context::Context;
use crate::cli::leaf::PrintsList;
use crate::cli::ui::Table;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;
use crate::http::Client;
use crate::types::ScopeOwner;

/// List scopes and their owners
#[derive(Debug, clap::Args)]
#[command(add = PrintsList)]
pub(crate) struct Args {
    /// List only scopes of this account
    #[arg(short, long, add = ValueKind::Account)]
    pub account: Option<String>,
    /// Print comma-separated values
    #[arg(long)]
    pub csv: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    if let Some(account) = args.account.as_ref().filter(|account| !account.is_empty()) {
        return of_account(context, client, account).await;
    }
    let Some(scopes) = api::scopes::owners(client).await? else { return names(context, client).await };
    let mut list = context.ui.list(SHAPE);
    if args.csv {
        scopes.iter().try_for_each(|row| list.line(row, || format!("{},{}", row.scope, row.account)))?;
    } else if !scopes.is_empty() {
        list = list.with_table(Table::psql(["SCOPE", "ACCOUNT"]).without_numbers());
        scopes.iter().try_for_each(|row| list.row(row, || [row.scope.clone(), row.account.clone()]))?;
    }
    list.end()
}

/// Lists the names alone: before Rucio 40 a server does not list the owners.
async fn names(context: &Context, client: &Client) -> Result<()> {
    let mut list = context.ui.list(SHAPE);
    for scope in api::scopes::list(client).await? {
        list.line(&json!({"scope": scope, "account": null}), || scope.clone())?;
    }
    list.end()
}

async fn of_account(context: &Context, client: &Client, account: &str) -> Result<()> {
    let mut list = context.ui.list(SHAPE);
    for scope in api::scopes::of_account(client, account).await? {
        let row = ScopeOwner { scope, account: account.to_owned() };
        list.line(&row, || row.scope.clone())?;
    }
    list.end()
}
