//! `/opendata`: DIDs that anybody may see.

use std::fmt;

use serde_json::{Value, json};

use crate::error::Result;
use crate::http::{Client, Raw, Request, segment};
use crate::types::{Attributes, Did, OpenDataList};

/// Which of the two catalogues is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access<'a> {
    /// All entries, for those who are logged in.
    Member,
    /// The public entries, for anybody, from this server; none is the one of all other calls.
    Public(Option<&'a str>),
}

/// What is shown of an entry beside its state.
#[derive(Debug, Clone, Copy, Default)]
pub struct Parts {
    /// Its files with their replicas.
    pub files: bool,
    /// Its metadata.
    pub meta: bool,
    /// Addresses for the browser, of each file.
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
    match access {
        Access::Member => client.json(request).await,
        Access::Public(host) => client.public_json(host, request).await,
    }
}

/// The entries in this state, or all: `GET /opendata/dids`, `GET /opendata/public/dids`.
pub async fn list(client: &Client, access: Access<'_>, state: Option<&str>) -> Result<OpenDataList> {
    let request = Request::get(access.to_string());
    let request = match state {
        Some(state) => request.query("state", state),
        None => request,
    };
    ask(client, access, request).await
}

/// One entry: `GET /opendata/dids/<scope>/<name>`, `GET /opendata/public/dids/<scope>/<name>`.
pub async fn get(client: &Client, access: Access<'_>, did: &Did, parts: Parts) -> Result<Raw<Attributes>> {
    let flag = |wanted: bool| if wanted { "1" } else { "0" };
    let request = Request::get(path(access, did))
        .query("files", flag(parts.files))
        .query("meta", flag(parts.meta))
        .query("doi", "1")
        .query("record_id", "1")
        .query("download_urls", flag(parts.download_urls));
    ask(client, access, request).await
}

/// Makes an entry of a DID: `POST /opendata/dids/<scope>/<name>`.
pub async fn add(client: &Client, did: &Did) -> Result<()> {
    client.done(Request::post(path(Access::Member, did), json!({}))).await
}

/// Takes an entry out of the catalogue: `DELETE /opendata/dids/<scope>/<name>`.
pub async fn remove(client: &Client, did: &Did) -> Result<()> {
    client.done(Request::delete(path(Access::Member, did), None)).await
}

/// Changes an entry, and gives the fields as they were and as they are: `PUT /opendata/dids/<scope>/<name>`.
pub async fn update(client: &Client, did: &Did, changes: Attributes) -> Result<Raw<Attributes>> {
    client.json(Request::put(path(Access::Member, did), Value::Object(changes))).await
}
