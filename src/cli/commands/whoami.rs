//! `rucio whoami`

use crate::api;
use crate::cli::commands::account::show;
use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::error::Result;

/// Show the account you act as
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) async fn run(context: &Context, _args: Args) -> Result<()> {
    let whoami = api::accounts::whoami(context.client()?).await?;
    context.ui.one(Shape::named(&["account"], &[]), &whoami, || show::text(&whoami))
}
