//! `rucio session show`

use crate::cli::context::Context;
use crate::error::Result;

/// Show what you are logged in as
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) async fn run(context: &Context, _args: Args) -> Result<()> {
    context.ui.line("")
}
