//! `/dids`: DIDs with their content, metadata and status.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::error::Result;
use crate::http::{Client, JsonStream, Raw, Request, segment};
use crate::types::{
    Attributes, CollectionContent, CollectionType, DatasetRule, Did, FoundDid, KnownFile, Metadata, RuleRow,
};

/// The metadata plugin of every server: the columns of the DID table.
pub(crate) const DEFAULT_METADATA_PLUGIN: &str = "DID_COLUMN";

fn path(did: &Did) -> String {
    format!("dids/{}/{}", segment(&did.scope), segment(&did.name))
}

pub(super) fn below(did: &Did, rest: &str) -> String {
    format!("{}/{rest}", path(did))
}

/// A search in a scope.
#[derive(Debug, Clone)]
pub(crate) struct Search<'a> {
    pub scope: &'a str,
    /// Filters: a list of alternatives, each an object of keys and values (`{"name": "*"}`).
    pub filters: Value,
    /// `all`, `collection`, `container`, `dataset` or `file`.
    pub did_type: &'a str,
    /// Whether to search the contents of collections, too.
    pub recursive: bool,
    /// Maximum number of results.
    pub limit: Option<u64>,
}

/// Searches the DIDs of a scope: `GET /dids/<scope>/dids/search`.
pub(crate) async fn search(client: &Client, search: &Search<'_>) -> Result<JsonStream<FoundDid>> {
    let python_bool = if search.recursive { "True" } else { "False" };
    let request = Request::get(format!("dids/{}/dids/search", segment(search.scope)))
        .query("type", search.did_type)
        .query("filters", search.filters.to_string())
        .query("long", "True")
        .query("recursive", python_bool);
    let request = match search.limit {
        Some(limit) => request.query("limit", limit.to_string()),
        None => request,
    };
    client.stream(request).await
}

/// Returns the defined metadata keys: `GET /meta/`.
pub(crate) async fn metadata_keys(client: &Client) -> Result<Vec<String>> {
    client.json(Request::get("meta/")).await
}

/// Returns the fields of a DID; sizes are computed down to `depth` (`DATASET` or `FILE`):
/// `GET /dids/<scope>/<name>`.
pub(crate) async fn get(client: &Client, did: &Did, depth: &str) -> Result<Attributes> {
    client.json(Request::get(path(did)).query("dynamic_depth", depth)).await
}

/// Returns all metadata of a DID: `GET /dids/<scope>/<name>/meta`.
pub(crate) async fn metadata(client: &Client, did: &Did, plugin: &str) -> Result<Raw<Attributes>> {
    client.json(Request::get(below(did, "meta")).query("plugin", plugin)).await
}

/// Returns the type of a DID; fails if it does not exist: `GET /dids/<scope>/<name>/meta`.
pub(crate) async fn did_type(client: &Client, did: &Did) -> Result<String> {
    let request = Request::get(below(did, "meta")).query("plugin", DEFAULT_METADATA_PLUGIN);
    Ok(client.json::<Metadata>(request).await?.did_type)
}

/// Returns the metadata of DIDs, as far as `T` has the fields; omits those that do not exist: `POST /dids/bulkmeta`.
pub(crate) async fn many<T: DeserializeOwned>(client: &Client, dids: &[Did]) -> Result<JsonStream<T>> {
    let body = json!({"dids": dids, "inherit": false, "plugin": DEFAULT_METADATA_PLUGIN});
    client.stream(Request::post("dids/bulkmeta", body).repeatable()).await
}

/// Sets one metadata key: `POST /dids/<scope>/<name>/meta/<key>`.
pub(crate) async fn set_metadata(client: &Client, did: &Did, key: &str, value: &Value, recursive: bool) -> Result<()> {
    let body = json!({"value": value, "recursive": recursive});
    client.execute(Request::post(below(did, &format!("meta/{}", segment(key))), body)).await
}

/// Lists the direct content of a collection: `GET /dids/<scope>/<name>/dids`.
pub(crate) async fn content(client: &Client, did: &Did) -> Result<JsonStream<CollectionContent>> {
    client.stream(Request::get(below(did, "dids"))).await
}

/// Lists the DIDs that were detached from a collection: `GET /dids/<scope>/<name>/dids/history`.
pub(crate) async fn content_history(client: &Client, did: &Did) -> Result<JsonStream<CollectionContent>> {
    client.stream(Request::get(below(did, "dids/history"))).await
}

/// Lists the collections that contain a DID: `GET /dids/<scope>/<name>/parents`.
pub(crate) async fn parents(client: &Client, did: &Did) -> Result<JsonStream<CollectionContent>> {
    client.stream(Request::get(below(did, "parents"))).await
}

/// Lists all files of a DID, at any depth, as [`FileEntry`](crate::types::FileEntry) or with fewer fields:
/// `GET /dids/<scope>/<name>/files`.
pub(crate) async fn files<T: DeserializeOwned>(client: &Client, did: &Did) -> Result<JsonStream<T>> {
    client.stream(Request::get(below(did, "files"))).await
}

/// Lists the rules on a DID: `GET /dids/<scope>/<name>/rules`.
pub(crate) async fn rules(client: &Client, did: &Did) -> Result<JsonStream<RuleRow>> {
    client.stream(Request::get(below(did, "rules"))).await
}

/// Lists the rules on a file and on its parents: `GET /dids/<scope>/<name>/associated_rules`.
pub(crate) async fn associated_rules(client: &Client, did: &Did) -> Result<JsonStream<RuleRow>> {
    client.stream(Request::get(below(did, "associated_rules"))).await
}

/// Creates a collection; `lifetime` in seconds: `POST /dids/<scope>/<name>`.
pub(crate) async fn add(
    client: &Client,
    did: &Did,
    kind: CollectionType,
    monotonic: bool,
    lifetime: Option<i64>,
) -> Result<()> {
    let mut body = json!({"type": kind, "statuses": {"monotonic": monotonic}});
    if let Some(lifetime) = lifetime.filter(|seconds| *seconds != 0) {
        body["lifetime"] = lifetime.into();
    }
    client.execute(Request::post(path(did), body)).await
}

/// Creates a dataset with a rule: `POST /dids/<scope>/<name>`.
pub(crate) async fn add_dataset(client: &Client, did: &Did, rule: &DatasetRule) -> Result<()> {
    client.execute(Request::post(path(did), json!({"type": CollectionType::Dataset, "rules": [rule]}))).await
}

/// Returns size and checksums of a file; fails if it does not exist: `GET /dids/<scope>/<name>/meta`.
pub(crate) async fn known_file(client: &Client, did: &Did) -> Result<KnownFile> {
    client.json(Request::get(below(did, "meta")).query("plugin", DEFAULT_METADATA_PLUGIN)).await
}

/// Attaches DIDs to a collection: `POST /dids/<scope>/<name>/dids`.
pub(crate) async fn attach(client: &Client, to: &Did, dids: &[Did]) -> Result<()> {
    client.execute(Request::post(below(to, "dids"), json!({"dids": dids}))).await
}

/// Detaches DIDs from a collection: `DELETE /dids/<scope>/<name>/dids`.
pub(crate) async fn detach(client: &Client, from: &Did, dids: &[Did]) -> Result<()> {
    client.execute(Request::delete(below(from, "dids"), Some(json!({"dids": dids})))).await
}

/// Opens or closes a collection: `PUT /dids/<scope>/<name>/status`.
pub(crate) async fn set_open(client: &Client, did: &Did, open: bool) -> Result<()> {
    client.execute(Request::put(below(did, "status"), json!({"open": open}))).await
}

/// A row of a tree of collections, with its parent (`GET /dids/<scope>/` with `recursive`).
#[derive(Debug, serde::Deserialize)]
pub(crate) struct TreeEntry {
    #[serde(flatten)]
    pub did: Did,
    /// `FILE`, `DATASET` or `CONTAINER`.
    #[serde(rename = "type")]
    pub did_type: String,
    /// Parent collection; `None` at the root.
    pub parent: Option<Did>,
}

/// Lists everything below a DID: `GET /dids/<scope>/?name=...&recursive`.
pub(crate) async fn tree(client: &Client, did: &Did) -> Result<JsonStream<TreeEntry>> {
    let request = Request::get(format!("dids/{}/", segment(&did.scope)));
    client.stream(request.query("name", &did.name).query("recursive", "True")).await
}
