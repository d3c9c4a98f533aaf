//! `/replicas/bad`, `/replicas/suspicious`, `/replicas/quarantine`: replicas that are not as they should be.

use serde_json::{Value, json};

use crate::error::Result;
use crate::http::{Client, Raw, Request};
use crate::types::{Attributes, SuspiciousReplica};

/// Which suspicious replicas to list. The values go to the server as they are.
#[derive(Debug, Clone, Copy, Default)]
pub struct Suspicion<'a> {
    /// Where.
    pub rse_expression: Option<&'a str>,
    /// Reported since then, as `2026-11-29T00:00:00`.
    pub younger_than: Option<&'a str>,
    /// Reported that often, at least.
    pub nattempts: Option<&'a str>,
}

/// The suspicious replicas: `GET /replicas/suspicious`.
pub async fn suspicious(client: &Client, which: Suspicion<'_>) -> Result<Vec<Raw<SuspiciousReplica>>> {
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

/// Declares replicas bad, by PFN or by scope, name and RSE. Gives those it was not done for, by RSE:
/// `POST /replicas/bad`.
pub async fn declare_bad(client: &Client, replicas: &[Value], reason: &str) -> Result<Attributes> {
    let body = json!({"reason": reason, "replicas": replicas, "force": false});
    client.json(Request::post("replicas/bad", body)).await
}

/// Has the server look replicas up by PFN later, and give them this state: `POST /replicas/bad/pfns`.
pub async fn add_bad_pfns(
    client: &Client,
    pfns: &[String],
    reason: &str,
    state: &str,
    expires_at: Option<&str>,
) -> Result<()> {
    let body = json!({"reason": reason, "pfns": pfns, "state": state, "expires_at": expires_at});
    client.done(Request::post("replicas/bad/pfns", body)).await
}

/// Notes paths at an RSE that the catalogue may not know, to be deleted: `POST /replicas/quarantine`.
pub async fn quarantine(client: &Client, rse: &str, paths: &[String]) -> Result<()> {
    let replicas: Vec<_> = paths.iter().map(|path| json!({"path": path})).collect();
    let body = json!({"rse": rse, "rse_id": null, "replicas": replicas});
    client.done(Request::post("replicas/quarantine", body)).await
}
