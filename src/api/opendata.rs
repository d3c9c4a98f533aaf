//! `/opendata`: the open data catalogue.

use std::fmt;

use serde_json::{Value, json};

use crate::error::Result;
use crate::http::{Client, Raw, Request, segment};
use crate::types::{Attributes, Did, OpenDataList};

/// The first Rucio release with open data.
const SINCE: u32 = 38;

/// Which catalogue to query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access<'a> {
    /// All entries; requires a login.
    Member,
    /// Public entries, without a login, from this server; `None` means that of the other calls.
    Public(Option<&'a str>),
}

/// Parts of an entry to return besides its state.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Parts {
    /// Files with their replicas.
    pub files: bool,
    /// Metadata.
    pub meta: bool,
    /// Download URLs of each file, for browsers.
    pub download_urls: bool,
}

impl fmt::Display for Access<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if matches!(self, Self::Public(_)) { "opendata/public/dids" } else { "opendata/dids" })
    }
}

fn path(access: Access<'_>, did: &Did) -> String {
    format!("{access}/{}/{}", segment(&did.scope), segment(&did.name))
}

async fn ask<T: serde::de::DeserializeOwned>(client: &Client, access: Access<'_>, request: Request) -> Result<T> {
    let request = request.since(SINCE);
    match access {
        Access::Member => client.json(request).await,
        Access::Public(host) => client.public_json(host.unwrap_or(&client.settings().rucio_host), request).await,
    }
}

/// Lists the entries in this state, or all: `GET /opendata/dids`, `GET /opendata/public/dids`.
pub(crate) async fn list(client: &Client, access: Access<'_>, state: Option<&str>) -> Result<OpenDataList> {
    let request = Request::get(access.to_string());
    let request = match state {
        Some(state) => request.query("state", state),
        None => request,
    };
    ask(client, access, request).await
}

/// Returns one entry: `GET /opendata/dids/<scope>/<name>`, `GET /opendata/public/dids/<scope>/<name>`.
pub(crate) async fn get(client: &Client, access: Access<'_>, did: &Did, parts: Parts) -> Result<Raw<Attributes>> {
    let flag = |wanted: bool| if wanted { "1" } else { "0" };
    let request = Request::get(path(access, did))
        .query("files", flag(parts.files))
        .query("meta", flag(parts.meta))
        .query("doi", "1")
        .query("record_id", "1")
        .query("download_urls", flag(parts.download_urls));
    ask(client, access, request).await
}

/// Adds a DID to the catalogue: `POST /opendata/dids/<scope>/<name>`.
pub(crate) async fn add(client: &Client, did: &Did) -> Result<()> {
    client.execute(Request::post(path(Access::Member, did), json!({})).since(SINCE)).await
}

/// Removes a DID from the catalogue: `DELETE /opendata/dids/<scope>/<name>`.
pub(crate) async fn remove(client: &Client, did: &Did) -> Result<()> {
    client.execute(Request::delete(path(Access::Member, did), None).since(SINCE)).await
}

/// Updates an entry. Returns the previous and the new fields: `PUT /opendata/dids/<scope>/<name>`.
pub(crate) async fn update(client: &Client, did: &Did, changes: Attributes) -> Result<Raw<Attributes>> {
    client.json(Request::put(path(Access::Member, did), Value::Object(changes)).since(SINCE)).await
}
