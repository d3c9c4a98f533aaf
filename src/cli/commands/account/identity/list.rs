//! `rucio account identity list`

use crate::cli::context::Context;
use crate::cli::leaf::PrintsList;
use crate::cli::ui::Shape;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;
use crate::lists;

const SHAPE: Shape = Shape::named(&["identity"], &["identity", "type", "email"]);

/// List the identities that can log in as an account
#[derive(Debug, clap::Args)]
#[command(add = PrintsList)]
pub(crate) struct Args {
    /// Account whose identities to list
    #[arg(add = ValueKind::Account)]
    pub account_name: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let mut identities = lists::identities(context.client()?, &args.account_name).await?.raw();
    let mut list = context.ui.list(SHAPE);
    while let Some(found) = identities.next().await? {
        list.line(&found, || format!("Identity: {},\ttype: {}", found.identity, found.identity_type))?;
    }
    list.end()
}
