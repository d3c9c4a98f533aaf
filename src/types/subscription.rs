//! Subscriptions: rules that are made by themselves.

use serde::Serialize;
use serde_json::Value;

/// A subscription to be made or changed. The field names are the server's.
#[derive(Debug, Clone, Serialize)]
pub struct SubscriptionOptions {
    /// Which DIDs it is about: an object of metadata keys.
    pub filter: Value,
    /// The rules they get: a list of objects.
    pub replication_rules: Value,
    /// What people should know.
    pub comments: Option<String>,
    /// Days until it ends.
    pub lifetime: Option<i64>,
    /// Whether it is about older DIDs, too. No server can that yet.
    pub retroactive: bool,
    /// Whether it only tells what it would do.
    pub dry_run: bool,
    /// Which comes first, as a number.
    pub priority: Option<String>,
}
