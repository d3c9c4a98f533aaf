//! `/rules`: replication rules.

use serde::de::DeserializeOwned;
use serde_json::json;

use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::{Client, Request, segment};
use crate::types::{NewRule, RuleAnalysis};

/// Makes rules, one per DID, and gives their ids: `POST /rules/`.
pub async fn add(client: &Client, rule: &NewRule) -> Result<Vec<String>> {
    let body =
        serde_json::to_value(rule).map_err(|error| Error::new(Exception::InputValidationError, error.to_string()))?;
    client.json(Request::post("rules/", body)).await
}

/// One rule, as much of it as `T` takes: `GET /rules/<id>`.
pub async fn get<T: DeserializeOwned>(client: &Client, id: &str) -> Result<T> {
    client.json(Request::get(format!("rules/{}", segment(id)))).await
}

/// Why a rule does not get on: `GET /rules/<id>/analysis`.
pub async fn examine(client: &Client, id: &str) -> Result<RuleAnalysis> {
    client.json(Request::get(format!("rules/{}/analysis", segment(id)))).await
}

/// Deletes a rule; `purge_replicas` deletes its replicas at once: `DELETE /rules/<id>`.
pub async fn delete(client: &Client, id: &str, purge_replicas: Option<bool>) -> Result<()> {
    let body = json!({"purge_replicas": purge_replicas});
    client.done(Request::delete(format!("rules/{}", segment(id)), Some(body))).await
}
