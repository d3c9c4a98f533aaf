//! `rucio status`
//!
//! `summary` has what is shown, `quota` the part of it about storage limits.

mod quota;
mod summary;

use serde_json::Value;

use crate::api;
use crate::cli::context::Context;
use crate::cli::leaf::Extension;
use crate::cli::ui::Shape;
use crate::error::Result;
use crate::http::Client;
use crate::lists;
use quota::Quota;
use summary::Summary;

const SHAPE: Shape =
    Shape::named(&["account"], &["account", "identity", "auth_type", "host", "expires_at", "seconds_left"]);

/// Show your account, session, rules and remaining quota on one screen
///
/// Counts the rules of the account by state, and lists those that are STUCK or SUSPENDED, and the storage limits with the
/// least space left. `-o json` has all of them.
///
/// Example: rucio status
#[derive(Debug, clap::Args)]
#[command(add = Extension)]
pub(crate) struct Args {}

pub(crate) async fn run(context: &Context, _args: Args) -> Result<()> {
    let client = context.client()?;
    // Logs in, and replaces a token that the server refuses, before several requests use it.
    let whoami = api::accounts::whoami(client).await?;
    let account = whoami.get("account").and_then(Value::as_str).unwrap_or_default();
    let (said, rules, quotas) = tokio::try_join!(
        async { api::auth::validate(client.transport(), &client.token().await?).await },
        async { lists::rules_of_account(client, account).await?.raw().collect().await },
        quotas(client, account),
    )?;
    let summary = Summary::new(client.settings(), &said, rules, quotas);
    context.ui.one(SHAPE, &summary, || summary.text(context))
}

/// Returns all limits of the account, those with the least space left first.
async fn quotas(client: &Client, account: &str) -> Result<Vec<Quota>> {
    let (local, global) =
        tokio::try_join!(async { lists::local_usage(client, account, None).await?.collect().await }, async {
            lists::global_usage(client, account).await?.collect().await
        },)?;
    let mut quotas: Vec<Quota> =
        local.into_iter().map(Quota::from).chain(global.into_iter().map(Quota::from)).collect();
    quotas.sort_by(Quota::by_space_left);
    Ok(quotas)
}
