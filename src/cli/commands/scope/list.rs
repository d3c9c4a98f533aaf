//! `rucio scope list`

use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::Table;
use crate::error::Result;

/// List the scopes and who owns them
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only the scopes of this account
    #[arg(short, long)]
    pub account: Option<String>,
    /// Comma-separated values
    #[arg(long)]
    pub csv: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    if let Some(account) = &args.account {
        let scopes = api::scopes::of_account(client, account).await?;
        return scopes.iter().try_for_each(|scope| context.ui.line(scope));
    }
    let scopes = api::scopes::owners(client).await?;
    if args.csv {
        return scopes.iter().try_for_each(|row| context.ui.line(&format!("{},{}", row.scope, row.account)));
    }
    if scopes.is_empty() {
        return Ok(());
    }
    let mut table = Table::psql(["SCOPE", "ACCOUNT"]).without_numbers();
    for row in scopes {
        table.row([row.scope, row.account]);
    }
    context.ui.table(&table)
}
