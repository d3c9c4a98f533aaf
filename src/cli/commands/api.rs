//! `rucio api`

use crate::cli::context::Context;
use crate::error::Result;

/// Send a call to the REST API, with your token
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) async fn run(context: &Context, _args: Args) -> Result<()> {
    context.ui.line("")
}
