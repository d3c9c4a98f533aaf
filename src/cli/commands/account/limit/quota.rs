//! `rucio list-account-limits`: the limits alone, which the new tree shows together with the usage.

use super::{bytes, sorted_table};
use crate::api;
use crate::cli::context::Context;
use crate::error::Result;

/// Show what an account may use at each RSE
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The account
    pub limit_account: String,
    /// Only this RSE
    #[arg(long)]
    pub rse: Option<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    let limits = api::accounts::local_limits(client, &args.limit_account, args.rse.as_deref()).await?;
    let rows = limits.into_iter().map(|(rse, limit)| [rse, context.size(bytes(&limit))]).collect();
    context.ui.table(&sorted_table(["RSE", "LIMIT"], rows))?;

    let limits = api::accounts::global_limits(client, &args.limit_account).await?;
    let wanted = |resolved: &[String]| args.rse.as_ref().is_none_or(|rse| resolved.contains(rse));
    let rows = limits
        .into_iter()
        .filter(|(_, limit)| wanted(&limit.resolved_rses))
        .map(|(expression, limit)| [expression, context.size(bytes(&limit.limit))])
        .collect();
    context.ui.table(&sorted_table(["RSE EXPRESSION", "LIMIT"], rows))
}
