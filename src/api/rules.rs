//! `/rules`: replication rules.

use serde::de::DeserializeOwned;
use serde_json::json;

use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::{Client, JsonStream, Request, segment};
use crate::types::{Attributes, Did, NewRule, RuleEvent};

/// Creates rules, one per DID, and returns their ids: `POST /rules/`.
pub(crate) async fn add(client: &Client, rule: &NewRule) -> Result<Vec<String>> {
    let body =
        serde_json::to_value(rule).map_err(|error| Error::new(Exception::InputValidationError, error.to_string()))?;
    client.json(Request::post("rules/", body)).await
}

/// Returns a rule, as far as `T` has the fields: `GET /rules/<id>`.
pub(crate) async fn get<T: DeserializeOwned>(client: &Client, id: &str) -> Result<T> {
    client.json(Request::get(format!("rules/{}", segment(id)))).await
}

/// Like [`get`], for a caller that waits for an unavailable server itself.
pub(crate) async fn poll<T: DeserializeOwned>(client: &Client, id: &str) -> Result<T> {
    client.json(Request::get(format!("rules/{}", segment(id))).without_waiting()).await
}

/// Returns why a rule is stuck, as far as `T` has the fields: `GET /rules/<id>/analysis`.
pub(crate) async fn examine<T: DeserializeOwned>(client: &Client, id: &str) -> Result<T> {
    client.json(Request::get(format!("rules/{}/analysis", segment(id)))).await
}

/// Lists the history of the rules on a DID, oldest first: `GET /rules/<scope>/<name>/history`.
pub(crate) async fn history(client: &Client, did: &Did) -> Result<JsonStream<RuleEvent>> {
    client.stream(Request::get(format!("rules/{}/{}/history", segment(&did.scope), segment(&did.name)))).await
}

/// Creates a copy of a rule at other RSEs, which replaces it once fulfilled, and returns its id. `changes` are the
/// fields in which the new rule differs: `POST /rules/<id>/move`.
pub(crate) async fn move_to(client: &Client, id: &str, rse_expression: &str, changes: &Attributes) -> Result<String> {
    let body = json!({"rule_id": id, "rse_expression": rse_expression, "override": changes});
    client.json(Request::post(format!("rules/{}/move", segment(id)), body)).await
}

/// Updates fields of a rule: `PUT /rules/<id>`.
pub(crate) async fn update(client: &Client, id: &str, changes: &Attributes) -> Result<()> {
    client.execute(Request::put(format!("rules/{}", segment(id)), json!({"options": changes}))).await
}

/// Deletes a rule; with `purge_replicas` its replicas are deleted immediately: `DELETE /rules/<id>`.
pub(crate) async fn delete(client: &Client, id: &str, purge_replicas: Option<bool>) -> Result<()> {
    let body = json!({"purge_replicas": purge_replicas});
    client.execute(Request::delete(format!("rules/{}", segment(id)), Some(body))).await
}
