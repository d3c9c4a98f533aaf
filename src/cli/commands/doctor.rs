//! `rucio doctor`

use crate::cli::context::Context;
use crate::error::Result;

/// Find out why logging in or reaching the server fails
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) async fn run(context: &Context, _args: Args) -> Result<()> {
    context.ui.line("")
}
