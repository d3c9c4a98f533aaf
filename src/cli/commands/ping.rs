//! `rucio ping`

use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::error::Result;

/// Show the Rucio version of the server
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) async fn run(context: &Context, _args: Args) -> Result<()> {
    let ping = api::server::ping(context.client()?).await?;
    context.ui.one(Shape::named(&["version"], &["version"]), &ping, || ping.version.clone())
}
