//! `rucio did list`

use super::{RELATIVE, did_table, filter};
use crate::api;
use crate::cli::compat::CompatOptions;
use crate::cli::context::Context;
use crate::cli::leaf::PrintsList;
use crate::cli::ui::{self, Cell, Shape};
use crate::cli::value_kind::ValueKind;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::Client;
use crate::lists;
use crate::types::Did;

/// Maximum number of files to count for a hint.
const MAX_COUNTED: u64 = 1_000;

const SHAPE: Shape = Shape::did(&["scope", "name", "did_type", "bytes", "length"]);

/// List DIDs by pattern and filter, or the parents of a DID
///
/// Lists only datasets and containers, unless the filter names another type.
///
/// Example: rucio did list --filter "type=DATASET,length>10" user.jdoe:*
#[derive(Debug, clap::Args)]
#[command(add = PrintsList)]
pub(crate) struct Args {
    /// scope:name, where the name may contain the wildcard * [default with --filter: all DIDs of your own scope]
    #[arg(required_unless_present = "filter", add = ValueKind::Did)]
    pub did_pattern: Option<String>,
    /// Also list the content of the DIDs, recursively
    #[arg(short, long)]
    pub recursive: bool,
    /// Filter by metadata: key=value, key>value, 1<key<2, joined by , (and) or ; (or)
    #[arg(long, value_name = "CONDITIONS")]
    pub filter: Option<String>,
    /// Print only the DIDs, one per line
    #[arg(long)]
    pub short: bool,
    /// List the collections that contain this DID
    #[arg(long)]
    pub parent: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    list(context, args, CompatOptions::default()).await
}

/// Lists the DIDs, for a legacy command as `compat` says.
pub(crate) async fn list(context: &Context, args: Args, compat: CompatOptions) -> Result<()> {
    let client = context.client()?;
    if let (true, Some(did)) = (args.parent, &args.did_pattern) {
        return parents(context, client, &context.did(did)?).await;
    }
    let pattern = pattern(context, client, args.did_pattern.as_deref()).await?;
    require_scope(client, &pattern.scope).await?;
    check(&args, &pattern, compat)?;
    let search = api::dids::Search {
        scope: &pattern.scope,
        filters: filter::parse(args.filter.as_deref().unwrap_or_default(), &pattern.name)?,
        did_type: "collection",
        recursive: args.recursive,
        limit: None,
    };
    let mut found = lists::search(client, search.clone()).await?.raw();
    let mut list = context.ui.list(SHAPE);
    if !args.short {
        list = list.with_table(did_table());
    }
    let mut is_empty = true;
    while let Some(entry) = found.next().await? {
        is_empty = false;
        if args.short {
            list.line(&entry, || entry.did.to_string())?;
        } else {
            list.row(&entry, || [Cell::from(entry.did.to_string()), entry.did_type.clone().into()])?;
        }
    }
    list.end()?;
    if is_empty && ui::is_error_terminal() {
        advise_on_nothing(context, client, &search, args.did_pattern.as_deref()).await;
    }
    Ok(())
}

/// Tells a person at the terminal why nothing was listed: the pattern has no scope, or only files match.
async fn advise_on_nothing(context: &Context, client: &Client, search: &api::dids::Search<'_>, pattern: Option<&str>) {
    if let Some(pattern) = pattern.filter(|pattern| !pattern.contains(':')) {
        context.advise(&format!("A DID is SCOPE:NAME. To list all of a scope: rucio did list '{pattern}:*'"));
        return;
    }
    let all = api::dids::Search { did_type: "all", limit: Some(MAX_COUNTED), ..search.clone() };
    let files = match api::dids::search(client, &all).await {
        Ok(found) => found.collect().await.map_or(0, |found| found.len()),
        Err(_) => 0,
    };
    if files > 0 {
        let at_least = if files as u64 == MAX_COUNTED { "at least " } else { "" };
        context.advise(&format!("No dataset or container matches, but {at_least}{files} files do: --filter type=all"));
    }
}

async fn parents(context: &Context, client: &Client, did: &Did) -> Result<()> {
    let mut parents = lists::parents(client, did).await?.raw();
    let mut list = context.ui.list(RELATIVE).with_table(did_table());
    while let Some(parent) = parents.next().await? {
        list.row(&parent, || [parent.did.to_string(), parent.did_type.clone()])?;
    }
    list.end()
}

/// Parses the pattern. The default is all DIDs of the account's own scope.
async fn pattern(context: &Context, client: &Client, text: Option<&str>) -> Result<Did> {
    match text {
        Some(text) => context.did(text),
        None => Ok(Did::new(own_scope(client).await?, "*")),
    }
}

/// Returns the account's own scope: `user.<account>`, or its only one. Errors: it has several others, or none.
async fn own_scope(client: &Client) -> Result<String> {
    let whoami = api::accounts::whoami(client).await?;
    let account = whoami.get("account").and_then(|account| account.as_str()).unwrap_or_default().to_owned();
    let mut scopes = api::scopes::of_account(client, &account).await?;
    let own = format!("user.{account}");
    match (scopes.contains(&own), scopes.len()) {
        (true, _) => Ok(own),
        (false, 1) => Ok(scopes.remove(0)),
        (false, _) => Err(Error::new(
            Exception::InputValidationError,
            format!("No scope given, and account {account} has {}.", list_of(&scopes)),
        )
        .with_hint("Give a pattern, for example: rucio did list 'SCOPE:*'")),
    }
}

fn list_of(scopes: &[String]) -> String {
    if scopes.is_empty() { "no scope of its own".to_owned() } else { format!("several: {}", scopes.join(", ")) }
}

async fn require_scope(client: &Client, scope: &str) -> Result<()> {
    if api::scopes::list(client).await?.iter().any(|known| known == scope) {
        Ok(())
    } else {
        Err(Error::new(Exception::ScopeNotFound, "")
            .with_hint(format!("Scope {scope:?} does not exist. List the scopes: `rucio scope list`.")))
    }
}

fn check(args: &Args, pattern: &Did, compat: CompatOptions) -> Result<()> {
    if args.recursive && pattern.name.contains('*') {
        let message = "Option recursive cannot be used with wildcards.";
        return Err(Error::new(Exception::InputValidationError, message));
    }
    let filters_name = args.filter.as_ref().is_some_and(|filter| filter.contains("name"));
    if filters_name && pattern.name != "*" && !compat.name_twice {
        return Err(Error::value("Must have a wildcard in did name if filtering by name.".to_owned()));
    }
    Ok(())
}
