//! `rucio account add`

use serde_json::json;

use super::{SHAPE, TYPES};
use crate::api;
use crate::cli::context::Context;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

/// Create an account
///
/// Example: rucio account add --email jdoe@example.org jdoe USER
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name of the new account
    #[arg(add = ValueKind::Account)]
    pub account_name: String,
    /// Account type: USER for a person, GROUP for several people, SERVICE for a program
    #[arg(value_parser = TYPES)]
    pub account_type: String,
    /// Email address
    #[arg(long)]
    pub email: Option<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let Args { account_name, account_type, email } = args;
    api::accounts::add(context.client()?, &account_name, &account_type, email.as_deref()).await?;
    let record = json!({"account": account_name, "type": account_type, "email": email});
    context.ui.one(SHAPE, &record, || format!("Added new account: {account_name}"))
}
