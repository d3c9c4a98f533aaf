//! `rucio rse list`

use crate::cli::context::Context;
use crate::cli::leaf::PrintsList;
use crate::cli::ui::Shape;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;
use crate::lists;

const SHAPE: Shape = Shape::named(
    &["rse"],
    &["rse", "rse_type", "deterministic", "volatile", "availability_read", "availability_write", "availability_delete"],
);

/// List RSEs
///
/// Example: rucio rse list --rses "tier=1&disk=1"
#[derive(Debug, clap::Args)]
#[command(add = PrintsList)]
pub(crate) struct Args {
    /// List only RSEs matching this expression
    #[arg(long, alias = "rse-exp", value_name = "EXPRESSION", add = ValueKind::RseExpression)]
    pub rses: Option<String>,
    /// Print one name per line, and an empty line if there is none
    #[arg(long)]
    pub csv: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let mut rses = lists::rses(context.client()?, args.rses.as_deref()).await?.raw();
    let mut list = context.ui.list(SHAPE);
    let mut any = false;
    while let Some(rse) = rses.next().await? {
        list.line(&rse, || rse.rse.clone())?;
        any = true;
    }
    list.end()?;
    if args.csv && !any { context.ui.line("") } else { Ok(()) }
}
