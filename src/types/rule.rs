//! Replication rules and their locks.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Did;

/// What a listing of rules shows of a rule.
#[derive(Debug, Clone, Deserialize)]
pub struct RuleRow {
    /// The rule's id.
    pub id: String,
    /// Its owner.
    pub account: String,
    /// What it is about.
    #[serde(flatten)]
    pub did: Did,
    /// `OK`, `REPLICATING`, `STUCK`, ...
    pub state: String,
    /// Locks whose replica is there.
    pub locks_ok_cnt: Value,
    /// Locks whose replica is on its way.
    pub locks_replicating_cnt: Value,
    /// Locks whose replica does not come.
    pub locks_stuck_cnt: Value,
    /// Where to.
    pub rse_expression: String,
    /// How many copies.
    pub copies: Value,
    /// Size of what it is about, in bytes, where the server keeps it.
    pub bytes: Option<f64>,
    /// When it ends.
    pub expires_at: Value,
    /// When it was made.
    pub created_at: Value,
}

/// A row of `GET /rules/<scope>/<name>/history`: a rule as it was at some time.
#[derive(Debug, Clone, Deserialize)]
pub struct RuleEvent {
    /// The rule's id.
    pub rule_id: String,
    /// Its owner.
    pub account: String,
    /// Where to.
    pub rse_expression: String,
    /// When it was made.
    pub created_at: Value,
    /// When it was changed.
    pub updated_at: Value,
}

/// A rule to be made (`POST /rules/`). The field names are the server's.
#[derive(Debug, Clone, Serialize)]
pub struct NewRule {
    /// What it is about.
    pub dids: Vec<Did>,
    /// How many copies.
    pub copies: i64,
    /// Where to.
    pub rse_expression: String,
    /// The RSE attribute that weighs the choice.
    pub weight: Option<String>,
    /// Seconds until it ends.
    pub lifetime: Option<i64>,
    /// `DATASET`, `ALL` or `NONE`.
    pub grouping: Option<String>,
    /// Its owner; the caller's account if none.
    pub account: Option<String>,
    /// Whether it is protected against being deleted.
    pub locked: bool,
    /// Where the copies may come from.
    pub source_replica_expression: Option<String>,
    /// Why, for the transfer system.
    pub activity: Option<String>,
    /// `Y`, `N`, `C` or `P`: when the owner gets mail.
    pub notify: Option<String>,
    /// Whether deleting it deletes the replicas at once.
    pub purge_replicas: bool,
    /// Whether RSEs that are switched off count too.
    pub ignore_availability: bool,
    /// What people should know.
    pub comment: Option<String>,
    /// Whether somebody must approve it.
    pub ask_approval: bool,
    /// Whether a daemon makes it later.
    pub asynchronous: bool,
    /// Seconds to wait before it starts.
    pub delay_injection: Option<i64>,
    /// Priority of its transfers.
    pub priority: i64,
    /// Free metadata.
    pub meta: Option<Value>,
}

/// A row of `GET /locks/<scope>/<name>`.
#[derive(Debug, Clone, Deserialize)]
pub struct DatasetLock {
    /// The rule that holds the lock.
    pub rule_id: String,
}

/// The answer of `GET /rules/<id>/analysis`: why a rule does not get on.
#[derive(Debug, Clone, Deserialize)]
pub struct RuleAnalysis {
    /// What holds it up.
    pub rule_error: Value,
    /// The transfers that do not get on.
    #[serde(default)]
    pub transfers: Vec<TransferAnalysis>,
}

/// One transfer of a [`RuleAnalysis`].
#[derive(Debug, Clone, Deserialize)]
pub struct TransferAnalysis {
    /// Which file.
    #[serde(flatten)]
    pub did: Did,
    /// Where to.
    pub rse: Value,
    /// How often it was tried.
    pub attempts: Value,
    /// When it was tried last.
    pub last_time: Value,
    /// What went wrong then.
    pub last_error: Value,
    /// Where it was tried from.
    pub last_source: Value,
    /// RSEs that have the file, and whether they may be read.
    #[serde(default)]
    pub sources: Vec<(String, bool)>,
}
