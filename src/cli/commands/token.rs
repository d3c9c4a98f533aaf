//! `rucio token`

use crate::cli::context::Context;
use crate::error::Result;

/// Print a valid token
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) async fn run(context: &Context, _args: Args) -> Result<()> {
    context.ui.line("")
}
