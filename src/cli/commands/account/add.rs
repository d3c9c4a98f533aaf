//! `rucio account add`

use serde_json::json;

use super::{SHAPE, TYPES};
use crate::api;
use crate::cli::context::Context;
use crate::error::Result;

/// Make an account
///
/// Example: rucio account add --email jdoe@example.org jdoe USER
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Its name
    pub account_name: String,
    /// For a person (USER), several (GROUP) or a program (SERVICE)
    #[arg(value_parser = TYPES)]
    pub account_type: String,
    /// Where mail goes
    #[arg(long)]
    pub email: Option<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let Args { account_name, account_type, email } = args;
    api::accounts::add(context.client()?, &account_name, &account_type, email.as_deref()).await?;
    let record = json!({"account": account_name, "type": account_type, "email": email});
    context.ui.one(SHAPE, &record, || format!("Added new account: {account_name}"))
}
