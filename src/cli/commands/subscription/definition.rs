//! Arguments that define a subscription, and their validation.

use serde_json::Value;

use crate::cli::value_kind::ValueKind;
use crate::error::{Error, Result};
use crate::types::SubscriptionOptions;

/// The definition of a subscription.
#[derive(Debug, clap::Args)]
pub(crate) struct Definition {
    /// Subscription name
    #[arg(add = ValueKind::Subscription)]
    pub subscription_name: String,
    /// Filter for DIDs, as JSON: {"scope": ["test"], "project": ["data12"]}
    #[arg(long, value_name = "JSON")]
    pub filter: String,
    /// Rules to add to the DIDs, as JSON: [{"copies": 1, "rse_expression": "tier=2", "activity": "User Subscriptions"}]
    #[arg(long, value_name = "JSON")]
    pub rule: String,
    /// Comment on the subscription
    #[arg(long, allow_hyphen_values = true)]
    pub comment: Option<String>,
    #[command(flatten)]
    pub options: Options,
}

/// Options that `rucio` and `rucio-admin` share.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Lifetime in days
    #[arg(long, value_name = "DAYS", allow_negative_numbers = true)]
    pub lifetime: Option<i64>,
    /// Account that owns the subscription [default: your own]
    #[arg(long, add = ValueKind::Account)]
    pub account: Option<String>,
    /// Priority among subscriptions, a number [default: 3]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub priority: Option<String>,
}

impl Definition {
    /// Converts the definition to the server's format. Errors: filter or rules are not JSON of the right type.
    pub(super) fn options(self) -> Result<SubscriptionOptions> {
        Ok(SubscriptionOptions {
            filter: json_of("filter", &self.filter, Value::is_object, "filter should be a dict")?,
            replication_rules: json_of("rules", &self.rule, Value::is_array, "replication_rules should be a list")?,
            comments: self.comment,
            lifetime: self.options.lifetime,
            retroactive: false,
            dry_run: false,
            priority: self.options.priority,
        })
    }
}

fn json_of(what: &str, text: &str, is_right: fn(&Value) -> bool, mistake: &str) -> Result<Value> {
    let value: Value = serde_json::from_str(text)
        .map_err(|error| Error::value(format!("The {what} are not valid JSON: {error}: {text}")))?;
    if is_right(&value) || is_nothing(&value) { Ok(value) } else { Err(Error::value(format!("{mistake}: {text}"))) }
}

/// Returns whether Python treats the value as false; an update then leaves filter or rules unchanged.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn options(filter: &str, rule: &str) -> Result<SubscriptionOptions> {
        let options = Options { lifetime: None, account: None, priority: None };
        let [filter, rule] = [filter, rule].map(str::to_owned);
        Definition { subscription_name: "s".to_owned(), filter, rule, comment: None, options }.options()
    }

    fn json(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn definition_is_an_object_a_list_or_missing() {
        for (filter, rule) in [(r#"{"scope": ["s"]}"#, r#"[{"copies": 1}]"#), ("null", "[]"), ("0.0", "{}")] {
            let taken = options(filter, rule).unwrap();
            assert_eq!((taken.filter, taken.replication_rules), (json(filter), json(rule)));
        }
    }

    #[test]
    fn definition_of_another_type_is_refused() {
        for (filter, rule) in [("[1]", "[]"), ("{}", r#"{"copies": 1}"#), ("{}", "true"), ("5", "[]"), ("{", "[]")] {
            assert_eq!(options(filter, rule).unwrap_err().kind(), ErrorKind::Value, "{filter} {rule}");
        }
    }
}
