//! `rucio subscription ...`

pub(crate) mod add;
pub(crate) mod list;
pub(crate) mod show;
pub(crate) mod touch;
pub(crate) mod update;

use clap::Subcommand;
use serde_json::Value;

use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::cli::ui::values::member_str;
use crate::error::{Error, Result};
use crate::http::Client;
use crate::types::{Attributes, SubscriptionOptions};

/// A subscription, with what a listing shows of it.
const SHAPE: Shape =
    Shape::named(&["name"], &["account", "name", "state", "policyid", "filter", "replication_rules", "comments"]);

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Add(add::Args),
    List(list::Args),
    Show(show::Args),
    Touch(touch::Args),
    Update(update::Args),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Add(args) => add::run(context, args).await,
            Self::List(args) => list::run(context, args).await,
            Self::Show(args) => show::run(context, args).await,
            Self::Touch(args) => touch::run(context, args).await,
            Self::Update(args) => update::run(context, args).await,
        }
    }
}

/// What a subscription is made of.
#[derive(Debug, clap::Args)]
pub(crate) struct Definition {
    /// Its name
    pub subscription_name: String,
    /// Which DIDs it is about, as JSON: {"scope": ["test"], "project": ["data12"]}
    #[arg(long, value_name = "JSON")]
    pub filter: String,
    /// The rules they get, as JSON: [{"copies": 1, "rse_expression": "tier=2", "activity": "User Subscriptions"}]
    #[arg(long, value_name = "JSON")]
    pub rule: String,
    /// What people should know about it
    #[arg(long, allow_hyphen_values = true)]
    pub comment: Option<String>,
    #[command(flatten)]
    pub options: Options,
}

/// The options that all trees spell alike.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Days until it ends
    #[arg(long, value_name = "DAYS", allow_negative_numbers = true)]
    pub lifetime: Option<i64>,
    /// Whose it is, if not your own
    #[arg(long)]
    pub account: Option<String>,
    /// Which subscription comes first, as a number [default: 3]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub priority: Option<String>,
}

impl Definition {
    /// As the server takes it.
    fn options(self) -> Result<SubscriptionOptions> {
        Ok(SubscriptionOptions {
            filter: json_of("filter", &self.filter, Value::is_object, "an object")?,
            replication_rules: json_of("rules", &self.rule, Value::is_array, "a list")?,
            comments: self.comment,
            lifetime: self.options.lifetime,
            retroactive: false,
            dry_run: false,
            priority: self.options.priority,
        })
    }
}

fn json_of(what: &str, text: &str, is_right: fn(&Value) -> bool, kind: &str) -> Result<Value> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| Error::Value(format!("The {what} are no JSON: {error}: {text}")))?;
    match is_right(&value) || is_nothing(&value) {
        true => Ok(value),
        false => Err(Error::Value(format!("The {what} must be {kind}: {text}"))),
    }
}

/// What Python takes for false. With it, an update leaves filter or rules as they are.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

/// The account that was named, else the one of the configuration.
fn account_of<'a>(client: &'a Client, named: Option<&'a str>) -> Option<&'a str> {
    named.filter(|account| !account.is_empty()).or(client.account())
}

/// The account that was named, else the one we are.
async fn owner(client: &Client, named: Option<&str>) -> Result<String> {
    match account_of(client, named) {
        Some(account) => Ok(account.to_owned()),
        None => {
            let whoami = api::accounts::whoami(client).await?;
            Ok(whoami.get("account").and_then(Value::as_str).unwrap_or_default().to_owned())
        }
    }
}

/// A subscription as people see it: in short, or with all its fields.
fn text(subscription: &Attributes, long: bool) -> String {
    let field = |name: &str| subscription.get(name).map(member_str).unwrap_or_default();
    match long {
        true => subscription.iter().map(|(key, value)| format!("{key}: {}\n", member_str(value))).collect(),
        false => format!(
            "{}: {} {}\n  priority: {}\n  filter: {}\n  rules: {}\n  comments: {}",
            field("account"),
            field("name"),
            field("state"),
            field("policyid"),
            field("filter"),
            field("replication_rules"),
            field("comments")
        ),
    }
}
