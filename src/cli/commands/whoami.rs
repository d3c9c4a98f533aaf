//! `rucio whoami`

use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::cli::ui::values::member_str;
use crate::error::Result;

/// Show the account you act as
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) async fn run(context: &Context, _args: Args) -> Result<()> {
    let whoami = api::accounts::whoami(context.client()?).await?;
    context.ui.one(Shape::named(&["account"], &[]), &whoami, || {
        let lines: Vec<_> = whoami.iter().map(|(key, value)| format!("{key:<10} : {}", member_str(value))).collect();
        lines.join("\n")
    })
}
