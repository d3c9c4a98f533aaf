//! `/replicas/bad`, `/replicas/suspicious`, `/replicas/quarantine`: bad, suspicious and quarantined replicas.

use serde_json::{Value, json};

use crate::error::Result;
use crate::http::{Client, Raw, Request};
use crate::types::{Attributes, SuspiciousReplica};

/// Filters for suspicious replicas. The values are sent to the server unchanged.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Suspicion<'a> {
    pub rse_expression: Option<&'a str>,
    /// Reported since this time, as `2026-11-29T00:00:00`.
    pub younger_than: Option<&'a str>,
    /// Minimum number of reports.
    pub nattempts: Option<&'a str>,
}

/// Lists suspicious replicas: `GET /replicas/suspicious`.
pub(crate) async fn suspicious(client: &Client, which: Suspicion<'_>) -> Result<Vec<Raw<SuspiciousReplica>>> {
    let Suspicion { rse_expression, younger_than, nattempts } = which;
    let conditions = [("rse_expression", rse_expression), ("younger_than", younger_than), ("nattempts", nattempts)];
    let request = conditions.into_iter().fold(Request::get("replicas/suspicious"), |request, (key, value)| match value
        .filter(|value| !value.is_empty())
    {
        Some(value) => request.query(key, value),
        None => request,
    });
    client.json(request).await
}

/// Declares replicas bad, by PFN or by scope, name and RSE. Returns those that failed, by RSE:
/// `POST /replicas/bad`.
pub(crate) async fn declare_bad(client: &Client, replicas: &[Value], reason: &str) -> Result<Attributes> {
    let body = json!({"reason": reason, "replicas": replicas, "force": false});
    client.json(Request::post("replicas/bad", body)).await
}

/// Queues PFNs, which the server later resolves to replicas to set their state: `POST /replicas/bad/pfns`.
pub(crate) async fn add_bad_pfns(
    client: &Client,
    pfns: &[String],
    reason: &str,
    state: &str,
    expires_at: Option<&str>,
) -> Result<()> {
    let body = json!({"reason": reason, "pfns": pfns, "state": state, "expires_at": expires_at});
    client.execute(Request::post("replicas/bad/pfns", body)).await
}

/// Quarantines paths at an RSE, known to the catalogue or not, for deletion: `POST /replicas/quarantine`.
pub(crate) async fn quarantine(client: &Client, rse: &str, paths: &[String]) -> Result<()> {
    let replicas: Vec<_> = paths.iter().map(|path| json!({"path": path})).collect();
    let body = json!({"rse": rse, "rse_id": null, "replicas": replicas});
    client.execute(Request::post("replicas/quarantine", body)).await
}
