//! Replication rules and their locks.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Did;

/// A rule, as returned by rule listings.
#[derive(Debug, Clone, Deserialize)]
pub struct RuleRow {
    /// Rule id.
    pub id: String,
    /// Owner.
    pub account: String,
    /// DID of the rule.
    #[serde(flatten)]
    pub did: Did,
    /// `OK`, `REPLICATING`, `STUCK`, ...
    pub state: String,
    /// Number of locks whose replica is available.
    pub locks_ok_cnt: Value,
    /// Number of locks whose replica is being transferred.
    pub locks_replicating_cnt: Value,
    /// Number of locks whose transfer failed.
    pub locks_stuck_cnt: Value,
    /// Destination RSE expression.
    pub rse_expression: String,
    /// Number of copies.
    pub copies: Value,
    /// Size of the DID in bytes, if the server stores it.
    pub bytes: Option<f64>,
    /// Expiry time.
    pub expires_at: Value,
    /// Creation time.
    pub created_at: Value,
}

/// A row of `GET /rules/<scope>/<name>/history`: a past state of a rule.
#[derive(Debug, Clone, Deserialize)]
pub struct RuleEvent {
    /// Rule id.
    pub rule_id: String,
    /// Owner.
    pub account: String,
    /// Destination RSE expression.
    pub rse_expression: String,
    /// Creation time.
    pub created_at: Value,
    /// Time of the last update.
    pub updated_at: Value,
}

/// A rule to create (`POST /rules/`). The field names are the server's.
#[derive(Debug, Clone, Serialize)]
pub struct NewRule {
    /// DIDs of the rule.
    pub dids: Vec<Did>,
    /// Number of copies.
    pub copies: i64,
    /// Destination RSE expression.
    pub rse_expression: String,
    /// RSE attribute used to weight the RSE selection.
    pub weight: Option<String>,
    /// Lifetime in seconds.
    pub lifetime: Option<i64>,
    /// `DATASET`, `ALL` or `NONE`.
    pub grouping: Option<String>,
    /// Owner; the caller's account if `None`.
    pub account: Option<String>,
    /// Whether the rule is protected against deletion.
    pub locked: bool,
    /// RSE expression of the allowed sources.
    pub source_replica_expression: Option<String>,
    /// Activity, for the transfer system.
    pub activity: Option<String>,
    /// When to notify the owner by email: `Y`, `N`, `C` or `P`.
    pub notify: Option<String>,
    /// Whether deleting the rule deletes the replicas immediately.
    pub purge_replicas: bool,
    /// Whether to include RSEs that are disabled.
    pub ignore_availability: bool,
    /// Comment.
    pub comment: Option<String>,
    /// Whether the rule requires approval.
    pub ask_approval: bool,
    /// Whether a daemon creates the rule later.
    pub asynchronous: bool,
    /// Delay in seconds before the rule takes effect.
    pub delay_injection: Option<i64>,
    /// Priority of the transfers.
    pub priority: i64,
    /// Free-form metadata.
    pub meta: Option<Value>,
}

/// A row of `GET /locks/<scope>/<name>`.
#[derive(Debug, Clone, Deserialize)]
pub struct DatasetLock {
    /// Id of the rule that holds the lock.
    pub rule_id: String,
    /// RSE of the locked replicas.
    #[serde(default)]
    pub rse: String,
}

/// Response of `GET /rules/<id>/analysis`: why a rule is stuck.
#[derive(Debug, Clone, Deserialize)]
pub struct RuleAnalysis {
    /// Error of the rule.
    pub rule_error: Value,
    /// Stuck transfers.
    #[serde(default)]
    pub transfers: Vec<TransferAnalysis>,
}

/// One transfer of a [`RuleAnalysis`].
#[derive(Debug, Clone, Deserialize)]
pub struct TransferAnalysis {
    /// DID of the file.
    #[serde(flatten)]
    pub did: Did,
    /// Destination RSE.
    pub rse: Value,
    /// Number of attempts.
    pub attempts: Value,
    /// Time of the last attempt.
    pub last_time: Value,
    /// Error of the last attempt.
    pub last_error: Value,
    /// Source of the last attempt.
    pub last_source: Value,
    /// RSEs with the file, and whether they are readable.
    #[serde(default)]
    pub sources: Vec<(String, bool)>,
}
