//! stub
use crate::cli::context::Context;
use crate::error::Result;
/// Download
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}
pub(crate) async fn run(_context: &Context, _args: Args) -> Result<()> {
    Ok(())
}
