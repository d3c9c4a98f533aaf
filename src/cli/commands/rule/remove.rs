//! `rucio rule remove`

use serde_json::json;
use uuid::Uuid;

use super::{DONE, explained, short_id};
use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::Listing;
use crate::cli::value_kind::ValueKind;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::Client;
use crate::lists;

/// Delete a rule by its ID, or the rules on a DID with this RSE expression
///
/// Example: rucio rule remove --rses "tier=1&disk=1" user.jdoe:analysis.1
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Rule ID, or its first digits, or a DID together with --rses
    #[arg(add = ValueKind::RuleOrDid)]
    pub rule_id_dids: String,
    /// Delete the replicas immediately
    #[arg(long)]
    pub purge_replicas: bool,
    /// Delete matching rules of all accounts
    #[arg(long)]
    pub all: bool,
    /// RSE expression of the rules to delete
    #[arg(long, alias = "rse-exp", value_name = "EXPRESSION", add = ValueKind::RseExpression)]
    pub rses: Option<String>,
    /// Account whose rules to delete [default: your own]
    #[arg(long, add = ValueKind::Account)]
    pub account: Option<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    let mut list = context.ui.list(DONE);
    match Uuid::try_parse(&args.rule_id_dids) {
        Ok(_) => delete(client, &mut list, &args.rule_id_dids, &args).await?,
        Err(_) => match short_id::find(client, &args.rule_id_dids).await? {
            Some(id) => delete(client, &mut list, &id, &args).await?,
            None => delete_from_did(context, client, &mut list, &args).await?,
        },
    }
    list.end()
}

async fn delete(client: &Client, list: &mut Listing<'_>, id: &str, args: &Args) -> Result<()> {
    let purge = args.purge_replicas.then_some(true);
    api::rules::delete(client, id, purge).await.map_err(explained)?;
    list.record(&json!({"id": id}))
}

async fn delete_from_did(context: &Context, client: &Client, list: &mut Listing<'_>, args: &Args) -> Result<()> {
    let Some(expression) = args.rses.as_ref().filter(|expression| !expression.is_empty()) else {
        let message = "A RSE expression must be specified if you do not provide a rule_id but a DID";
        return Err(Error::new(Exception::InputValidationError, message));
    };
    let account = args.account.as_deref().or(client.account());
    let rules = lists::rules_on(client, &context.did(&args.rule_id_dids)?).await?.collect().await?;
    let mut deleted = false;
    for rule in rules {
        if rule.rse_expression == *expression && (args.all || Some(rule.account.as_str()) == account) {
            delete(client, list, &rule.id, args).await?;
            deleted = true;
        }
    }
    if deleted {
        Ok(())
    } else {
        Err(Error::new(Exception::RucioException, "No replication rule was deleted from the DID"))
    }
}
