//! `rucio whoami`

use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::values::member_str;
use crate::error::Result;

/// Show the account you act as
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) async fn run(context: &Context, _args: Args) -> Result<()> {
    for (key, value) in api::accounts::whoami(context.client()?).await? {
        context.ui.line(&format!("{key:<10} : {}", member_str(&value)))?;
    }
    Ok(())
}
