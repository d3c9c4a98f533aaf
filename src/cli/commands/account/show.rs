//! `rucio account show`

use super::DESCRIPTION;
use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::values::member_str;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;
use crate::types::Attributes;

/// Show the details of an account
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Account to show
    #[arg(add = ValueKind::Account)]
    pub account_name: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let account = api::accounts::get(context.client()?, &args.account_name).await?;
    context.ui.one(DESCRIPTION, &account, || text(&account))
}

/// Formats all fields of an account, one per line.
pub(crate) fn text(account: &Attributes) -> String {
    let lines: Vec<_> = account.iter().map(|(key, value)| format!("{key:<10} : {}", member_str(value))).collect();
    lines.join("\n")
}
