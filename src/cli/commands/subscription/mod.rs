//! `rucio subscription ...`: subscriptions, which add rules to new DIDs.
//!
//! One file per subcommand, with its arguments and output; the requests are in `api::subscriptions`.

pub(crate) mod add;
mod definition;
pub(crate) mod list;
pub(crate) mod show;
pub(crate) mod touch;
pub(crate) mod update;

pub(crate) use definition::{Definition, Options};

use crate::api;
use crate::cli::commands::group;
use crate::cli::ui::Shape;
use crate::cli::ui::values::member_str;
use crate::error::Result;
use crate::http::Client;
use crate::types::Subscription;

/// A subscription, with the fields that a listing shows.
const SHAPE: Shape =
    Shape::named(&["name"], &["account", "name", "state", "policyid", "filter", "replication_rules", "comments"]);

group! {
    Add(add::Args),
    List(list::Args),
    Show(show::Args),
    Touch(touch::Args),
    Update(update::Args),
}

/// Returns the given account, else the configured one.
fn account_of<'a>(client: &'a Client, named: Option<&'a str>) -> Option<&'a str> {
    named.filter(|account| !account.is_empty()).or(client.account())
}

/// Returns the given account, else the configured one, else the one we are logged in as.
async fn owner(client: &Client, named: Option<&str>) -> Result<String> {
    match account_of(client, named) {
        Some(account) => Ok(account.to_owned()),
        None => api::accounts::own_name(client).await,
    }
}

/// Formats a subscription for people: a summary, or all fields (`long`).
fn text(subscription: &Subscription, long: bool) -> String {
    let field = |name: &str| subscription.fields().get(name).map(member_str).unwrap_or_default();
    if long {
        subscription.fields().iter().map(|(key, value)| format!("{key}: {}\n", member_str(value))).collect()
    } else {
        format!(
            "{}: {} {}\n  priority: {}\n  filter: {}\n  rules: {}\n  comments: {}",
            field("account"),
            field("name"),
            field("state"),
            field("policyid"),
            field("filter"),
            field("replication_rules"),
            field("comments")
        )
    }
}
