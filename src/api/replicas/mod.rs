//! `/replicas`: replicas of files and datasets.
//! Listing and declaring replicas; their states are in `states`. Types are in `types`, completeness of lists in `lists`.

pub(crate) mod states;

use serde::Serialize;
use serde_json::json;

use crate::config::ClientLocation;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::{Client, JsonStream, Request, segment};
use crate::types::{DatasetAtRse, DatasetReplica, Did, NewReplica, Replica, ReplicaEntry};

/// Parameters of a replica listing. The field names are the server's; `None` is not sent, except for `domain`.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Query {
    /// Files, datasets or containers.
    pub dids: Vec<Did>,
    /// `wan`, `lan` or `all`; if `None`, the server chooses by the client's location.
    pub domain: Option<String>,
    /// Schemes (`https`, `root`, ...); `None` for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schemes: Option<Vec<String>>,
    /// Whether to include RSEs that are disabled.
    pub ignore_availability: bool,
    /// Whether to include replicas that are not available.
    pub all_states: bool,
    /// RSE expression to restrict the listing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rse_expression: Option<String>,
    /// Location of this client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_location: Option<ClientLocation>,
    /// Sort order: `geoip`, `random`, ...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// Number of files to choose at random.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nrandom: Option<u64>,
    /// Whether archives that contain the files count as sources.
    pub resolve_archives: bool,
    /// Whether to return the collections that contain each file.
    pub resolve_parents: bool,
}

impl Query {
    fn request(&self) -> Result<Request> {
        let body = serde_json::to_value(self)
            .map_err(|error| Error::new(Exception::InputValidationError, error.to_string()))?;
        Ok(Request::post("replicas/list", body).repeatable())
    }
}

/// Lists the replicas of files: `POST /replicas/list`.
pub(crate) async fn list(client: &Client, query: &Query) -> Result<JsonStream<ReplicaEntry>> {
    client.stream(query.request()?).await
}

/// Returns the replicas as a metalink document (RFC 5854): `POST /replicas/list`.
pub(crate) async fn metalink(client: &Client, query: &Query) -> Result<String> {
    client.text(query.request()?.header("accept", "application/metalink4+xml")).await
}

/// Lists the RSEs with files of a dataset; `deep` counts the files instead of using the server's counters:
/// `GET /replicas/<scope>/<name>/datasets`.
pub(crate) async fn of_dataset(client: &Client, did: &Did, deep: bool) -> Result<JsonStream<DatasetReplica>> {
    let request = Request::get(format!("replicas/{}/{}/datasets", segment(&did.scope), segment(&did.name)));
    client.stream(if deep { request.query("deep", "True") } else { request }).await
}

/// Lists the RSEs with files of several datasets: `POST /replicas/datasets_bulk`.
pub(crate) async fn of_datasets(client: &Client, dids: &[Did]) -> Result<JsonStream<DatasetReplica>> {
    client.stream(Request::post("replicas/datasets_bulk", json!({"dids": dids})).repeatable()).await
}

/// Lists the datasets with files at an RSE: `GET /replicas/rse/<rse>`.
pub(crate) async fn at_rse(client: &Client, rse: &str) -> Result<JsonStream<DatasetAtRse>> {
    client.stream(Request::get(format!("replicas/rse/{}", segment(rse)))).await
}

/// Sets tombstones on replicas, so that the reaper deletes them: `POST /replicas/tombstone`.
pub(crate) async fn set_tombstones(client: &Client, replicas: &[Replica]) -> Result<()> {
    client.execute(Request::post("replicas/tombstone", json!({"replicas": replicas}))).await
}

/// Registers files and their replicas at an RSE: `POST /replicas`.
pub(crate) async fn add(client: &Client, rse: &str, files: &[NewReplica]) -> Result<()> {
    let body = json!({"rse": rse, "files": files, "ignore_availability": true});
    client.execute(Request::post("replicas/", body)).await
}

/// Updates the states of replicas at an RSE: `PUT /replicas`.
pub(crate) async fn update_states(client: &Client, rse: &str, files: &[NewReplica]) -> Result<()> {
    client.execute(Request::put("replicas/", json!({"rse": rse, "files": files}))).await
}

/// Deletes replicas at an RSE from the catalogue, and files without another replica together with their rules:
/// `DELETE /replicas`. The server's generic policy allows this to no account.
pub(crate) async fn delete(client: &Client, rse: &str, files: &[Did]) -> Result<()> {
    client.execute(Request::delete("replicas/", Some(json!({"rse": rse, "files": files})))).await
}
