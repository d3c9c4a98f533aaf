//! `rucio auth validate`

use crate::cli::context::Context;
use crate::error::Result;

/// Ask the server whether the token is valid
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) async fn run(context: &Context, _args: Args) -> Result<()> {
    context.ui.line("")
}
