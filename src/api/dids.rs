//! `/dids`: data identifiers, their content, metadata and status.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::error::Result;
use crate::http::{Client, JsonStream, Raw, Request, segment};
use crate::types::{
    Attributes, CollectionContent, CollectionType, DatasetRule, Did, FoundDid, KnownFile, Metadata, RuleRow,
};

/// The metadata plugin that every server has: the columns of the DID table.
pub const DEFAULT_METADATA_PLUGIN: &str = "DID_COLUMN";

fn path(did: &Did) -> String {
    format!("dids/{}/{}", segment(&did.scope), segment(&did.name))
}

pub(super) fn below(did: &Did, rest: &str) -> String {
    format!("{}/{rest}", path(did))
}

/// What to search a scope for.
#[derive(Debug, Clone)]
pub struct Search<'a> {
    /// The scope.
    pub scope: &'a str,
    /// A list of objects: alternatives, each of key and value (`{"name": "*"}`).
    pub filters: Value,
    /// `all`, `collection`, `container`, `dataset` or `file`.
    pub did_type: &'a str,
    /// Whether the contents of collections count too.
    pub recursive: bool,
    /// No more than so many.
    pub limit: Option<u64>,
}

/// DIDs of a scope: `GET /dids/<scope>/dids/search`.
pub async fn search(client: &Client, search: &Search<'_>) -> Result<JsonStream<FoundDid>> {
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

/// The keys that metadata may have: `GET /meta/`.
pub async fn metadata_keys(client: &Client) -> Result<Vec<String>> {
    client.json(Request::get("meta/")).await
}

/// What the server knows of a DID; `depth` (`DATASET` or `FILE`) says how deep sizes are counted:
/// `GET /dids/<scope>/<name>`.
pub async fn get(client: &Client, did: &Did, depth: &str) -> Result<Attributes> {
    client.json(Request::get(path(did)).query("dynamic_depth", depth)).await
}

/// All metadata of a DID: `GET /dids/<scope>/<name>/meta`.
pub async fn metadata(client: &Client, did: &Did, plugin: &str) -> Result<Raw<Attributes>> {
    client.json(Request::get(below(did, "meta")).query("plugin", plugin)).await
}

/// The type of a DID; an error if it does not exist: `GET /dids/<scope>/<name>/meta`.
pub async fn did_type(client: &Client, did: &Did) -> Result<String> {
    let request = Request::get(below(did, "meta")).query("plugin", DEFAULT_METADATA_PLUGIN);
    Ok(client.json::<Metadata>(request).await?.did_type)
}

/// The types of many DIDs; what does not exist is left out: `POST /dids/bulkmeta`.
pub async fn did_types(client: &Client, dids: &[Did]) -> Result<JsonStream<Metadata>> {
    many(client, dids).await
}

/// The metadata of many DIDs, as much of it as `T` takes; what does not exist is left out: `POST /dids/bulkmeta`.
pub async fn many<T: DeserializeOwned>(client: &Client, dids: &[Did]) -> Result<JsonStream<T>> {
    let body = json!({"dids": dids, "inherit": false, "plugin": DEFAULT_METADATA_PLUGIN});
    client.stream(Request::post("dids/bulkmeta", body).repeatable()).await
}

/// Sets one key of the metadata: `POST /dids/<scope>/<name>/meta/<key>`.
pub async fn set_metadata(client: &Client, did: &Did, key: &str, value: &Value, recursive: bool) -> Result<()> {
    let body = json!({"value": value, "recursive": recursive});
    client.done(Request::post(below(did, &format!("meta/{}", segment(key))), body)).await
}

/// What a collection directly holds: `GET /dids/<scope>/<name>/dids`.
pub async fn content(client: &Client, did: &Did) -> Result<JsonStream<CollectionContent>> {
    client.stream(Request::get(below(did, "dids"))).await
}

/// What has been taken out of a collection: `GET /dids/<scope>/<name>/dids/history`.
pub async fn content_history(client: &Client, did: &Did) -> Result<JsonStream<CollectionContent>> {
    client.stream(Request::get(below(did, "dids/history"))).await
}

/// The collections that hold a DID: `GET /dids/<scope>/<name>/parents`.
pub async fn parents(client: &Client, did: &Did) -> Result<JsonStream<CollectionContent>> {
    client.stream(Request::get(below(did, "parents"))).await
}

/// All files of a DID, however deep, as [`FileEntry`](crate::types::FileEntry) or what of it is wanted:
/// `GET /dids/<scope>/<name>/files`.
pub async fn files<T: DeserializeOwned>(client: &Client, did: &Did) -> Result<JsonStream<T>> {
    client.stream(Request::get(below(did, "files"))).await
}

/// The rules on a DID: `GET /dids/<scope>/<name>/rules`.
pub async fn rules(client: &Client, did: &Did) -> Result<JsonStream<RuleRow>> {
    client.stream(Request::get(below(did, "rules"))).await
}

/// The rules that hold a file, on it or on what it is part of: `GET /dids/<scope>/<name>/associated_rules`.
pub async fn associated_rules(client: &Client, did: &Did) -> Result<JsonStream<RuleRow>> {
    client.stream(Request::get(below(did, "associated_rules"))).await
}

/// Makes a collection; `lifetime` in seconds: `POST /dids/<scope>/<name>`.
pub async fn add(
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
    client.done(Request::post(path(did), body)).await
}

/// Makes a dataset with a rule on it: `POST /dids/<scope>/<name>`.
pub async fn add_dataset(client: &Client, did: &Did, rule: &DatasetRule) -> Result<()> {
    client.done(Request::post(path(did), json!({"type": CollectionType::Dataset, "rules": [rule]}))).await
}

/// What is known of a file; an error if it does not exist: `GET /dids/<scope>/<name>/meta`.
pub async fn known_file(client: &Client, did: &Did) -> Result<KnownFile> {
    client.json(Request::get(below(did, "meta")).query("plugin", DEFAULT_METADATA_PLUGIN)).await
}

/// The same of many files; what does not exist is left out: `POST /dids/bulkmeta`.
pub async fn known_files(client: &Client, dids: &[Did]) -> Result<HashMap<Did, KnownFile>> {
    let body = json!({"dids": dids, "inherit": false, "plugin": DEFAULT_METADATA_PLUGIN});
    let mut rows: JsonStream<KnownFile> = client.stream(Request::post("dids/bulkmeta", body).repeatable()).await?;
    let mut known = HashMap::new();
    while let Some(file) = rows.next().await? {
        known.insert(file.did.clone(), file);
    }
    Ok(known)
}

/// Attaches DIDs to a collection: `POST /dids/<scope>/<name>/dids`.
pub async fn attach(client: &Client, to: &Did, dids: &[Did]) -> Result<()> {
    client.done(Request::post(below(to, "dids"), json!({"dids": dids}))).await
}

/// Detaches DIDs from a collection: `DELETE /dids/<scope>/<name>/dids`.
pub async fn detach(client: &Client, from: &Did, dids: &[Did]) -> Result<()> {
    client.done(Request::delete(below(from, "dids"), Some(json!({"dids": dids})))).await
}

/// Opens or closes a collection: `PUT /dids/<scope>/<name>/status`.
pub async fn set_open(client: &Client, did: &Did, open: bool) -> Result<()> {
    client.done(Request::put(below(did, "status"), json!({"open": open}))).await
}

/// A row of a tree of collections (`GET /dids/<scope>/` with `recursive`), with its parent.
#[derive(Debug, serde::Deserialize)]
pub struct TreeEntry {
    /// Which DID.
    #[serde(flatten)]
    pub did: Did,
    /// `FILE`, `DATASET` or `CONTAINER`.
    #[serde(rename = "type")]
    pub did_type: String,
    /// The collection it lies in; none at the root.
    pub parent: Option<Did>,
}

/// Everything below a DID: `GET /dids/<scope>/?name=...&recursive`.
pub async fn tree(client: &Client, did: &Did) -> Result<JsonStream<TreeEntry>> {
    let request = Request::get(format!("dids/{}/", segment(&did.scope)));
    client.stream(request.query("name", &did.name).query("recursive", "True")).await
}
