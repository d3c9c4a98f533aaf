//! Subscriptions: automatic replication rules for new DIDs.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Attributes;

/// A row of `GET /subscriptions/...`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Subscription(Attributes);

impl Subscription {
    /// Returns all fields, in the server's order.
    pub fn fields(&self) -> &Attributes {
        &self.0
    }

    /// Returns a field that is text; empty if there is none.
    pub fn field(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

/// Fields of a subscription to create or update. The field names are the server's.
#[derive(Debug, Clone, Serialize)]
pub struct SubscriptionOptions {
    /// Which DIDs match: an object of metadata keys.
    pub filter: Value,
    /// Rules to create for them: a list of objects.
    pub replication_rules: Value,
    /// Comments.
    pub comments: Option<String>,
    /// Lifetime in days.
    pub lifetime: Option<i64>,
    /// Whether it applies to existing DIDs, too. No server supports that yet.
    pub retroactive: bool,
    /// Whether to only report what would be done.
    pub dry_run: bool,
    /// Priority, a number as text.
    pub priority: Option<String>,
}
