//! `rucio whoami`

use crate::api;
use crate::cli::commands::account::{DESCRIPTION, show};
use crate::cli::context::Context;
use crate::error::Result;

/// Show the account you act as
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) async fn run(context: &Context, _args: Args) -> Result<()> {
    let whoami = api::accounts::whoami(context.client()?).await?;
    context.ui.one(DESCRIPTION, &whoami, || show::text(&whoami))
}
