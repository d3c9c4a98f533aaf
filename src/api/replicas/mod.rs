//! `/replicas`: where files and datasets are.

pub mod states;

use serde::Serialize;
use serde_json::json;

use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::{Client, JsonStream, Request, segment};
use crate::types::{ClientLocation, DatasetAtRse, DatasetReplica, Did, NewReplica, Replica, ReplicaEntry};

/// What to list. The field names are the server's; what is none or empty is not sent.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Query {
    /// Files, datasets or containers.
    pub dids: Vec<Did>,
    /// `wan`, `lan` or `all`; the server chooses by the client's place if none.
    pub domain: Option<String>,
    /// Protocols (`https`, `root`, ...); all if none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schemes: Option<Vec<String>>,
    /// Whether RSEs that are switched off count too.
    pub ignore_availability: bool,
    /// Whether replicas that are not available count too.
    pub all_states: bool,
    /// Where to look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rse_expression: Option<String>,
    /// Where we are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_location: Option<ClientLocation>,
    /// `geoip`, `random`, ...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// That many files by chance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nrandom: Option<u64>,
    /// Whether archives that hold the files count as sources.
    pub resolve_archives: bool,
    /// Whether each file names the collections that led to it.
    pub resolve_parents: bool,
}

impl Query {
    fn request(&self) -> Result<Request> {
        let body = serde_json::to_value(self)
            .map_err(|error| Error::new(Exception::InputValidationError, error.to_string()))?;
        Ok(Request::post("replicas/list", body).repeatable())
    }
}

/// The replicas of files: `POST /replicas/list`.
pub async fn list(client: &Client, query: &Query) -> Result<JsonStream<ReplicaEntry>> {
    client.stream(query.request()?).await
}

/// The same as a metalink document (RFC 5854).
pub async fn metalink(client: &Client, query: &Query) -> Result<String> {
    client.text(query.request()?.header("accept", "application/metalink4+xml")).await
}

/// The RSEs that have files of a dataset; `deep` counts files instead of trusting the server's counters:
/// `GET /replicas/<scope>/<name>/datasets`.
pub async fn of_dataset(client: &Client, did: &Did, deep: bool) -> Result<JsonStream<DatasetReplica>> {
    let request = Request::get(format!("replicas/{}/{}/datasets", segment(&did.scope), segment(&did.name)));
    client.stream(if deep { request.query("deep", "True") } else { request }).await
}

/// The same for many datasets: `POST /replicas/datasets_bulk`.
pub async fn of_datasets(client: &Client, dids: &[Did]) -> Result<JsonStream<DatasetReplica>> {
    client.stream(Request::post("replicas/datasets_bulk", json!({"dids": dids})).repeatable()).await
}

/// The datasets that have files at an RSE: `GET /replicas/rse/<rse>`.
pub async fn at_rse(client: &Client, rse: &str) -> Result<JsonStream<DatasetAtRse>> {
    client.stream(Request::get(format!("replicas/rse/{}", segment(rse)))).await
}

/// Marks replicas as no longer needed, so that the reaper deletes their files: `POST /replicas/tombstone`.
pub async fn set_tombstones(client: &Client, replicas: &[Replica]) -> Result<()> {
    client.done(Request::post("replicas/tombstone", json!({"replicas": replicas}))).await
}

/// Makes files and their replicas at an RSE known: `POST /replicas`.
pub async fn add(client: &Client, rse: &str, files: &[NewReplica]) -> Result<()> {
    let body = json!({"rse": rse, "files": files, "ignore_availability": true});
    client.done(Request::post("replicas/", body)).await
}

/// Changes the states of replicas at an RSE: `PUT /replicas`.
pub async fn update_states(client: &Client, rse: &str, files: &[NewReplica]) -> Result<()> {
    client.done(Request::put("replicas/", json!({"rse": rse, "files": files}))).await
}

/// Removes replicas at an RSE from the catalogue, and files that have no other with their rules: `DELETE /replicas`.
/// The generic policy of the server allows that to no account.
pub async fn delete(client: &Client, rse: &str, files: &[Did]) -> Result<()> {
    client.done(Request::delete("replicas/", Some(json!({"rse": rse, "files": files})))).await
}
