//! `/rses`: Rucio storage elements (RSEs).
//! A file per kind of setting (distances, limits, protocols, QoS). Choosing a protocol for a transfer belongs to `transfer`.

pub(crate) mod distances;
pub(crate) mod limits;
pub(crate) mod protocols;
pub(crate) mod qos;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::error::Result;
use crate::http::{Client, JsonStream, Request, segment};
use crate::types::{Attributes, RseSettings, RseUsage};

/// A row of `GET /rses/`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Rse {
    /// Name.
    pub rse: String,
}

fn path(rse: &str) -> String {
    format!("rses/{}", segment(rse))
}

fn below(rse: &str, rest: &str) -> String {
    format!("{}/{rest}", path(rse))
}

/// Lists the RSEs that match an expression; without one, or if it is empty, all: `GET /rses/`.
pub(crate) async fn list(client: &Client, expression: Option<&str>) -> Result<JsonStream<Rse>> {
    let request = Request::get("rses/");
    let expression = expression.filter(|expression| !expression.is_empty());
    client
        .stream(match expression {
            Some(expression) => request.query("expression", expression),
            None => request,
        })
        .await
}

/// Returns the fields of an RSE; fails if it does not exist: `GET /rses/<rse>`.
pub(crate) async fn get(client: &Client, rse: &str) -> Result<Attributes> {
    client.json(Request::get(path(rse))).await
}

/// Returns the settings needed to write to an RSE: `GET /rses/<rse>`.
pub(crate) async fn settings(client: &Client, rse: &str) -> Result<RseSettings> {
    client.json(Request::get(path(rse))).await
}

/// Creates an RSE: `POST /rses/<rse>`.
pub(crate) async fn add(client: &Client, rse: &str, deterministic: bool) -> Result<()> {
    client.execute(Request::post(path(rse), json!({"deterministic": deterministic}))).await
}

/// Updates one setting of an RSE: `PUT /rses/<rse>`.
pub(crate) async fn update(client: &Client, rse: &str, key: &str, value: &Value) -> Result<()> {
    let settings = Map::from_iter([(key.to_owned(), value.clone())]);
    client.execute(Request::put(path(rse), settings.into())).await
}

/// Deletes (disables) an RSE: `DELETE /rses/<rse>`.
pub(crate) async fn remove(client: &Client, rse: &str) -> Result<()> {
    client.execute(Request::delete(path(rse), None)).await
}

/// Returns the attributes of an RSE: `GET /rses/<rse>/attr/`.
pub(crate) async fn attributes(client: &Client, rse: &str) -> Result<Attributes> {
    client.json(Request::get(below(rse, "attr/"))).await
}

/// Sets an attribute: `POST /rses/<rse>/attr/<key>`.
pub(crate) async fn set_attribute(client: &Client, rse: &str, key: &str, value: &str) -> Result<()> {
    let path = below(rse, &format!("attr/{}", segment(key)));
    client.execute(Request::post(path, json!({"value": value}))).await
}

/// Deletes an attribute: `DELETE /rses/<rse>/attr/<key>`.
pub(crate) async fn unset_attribute(client: &Client, rse: &str, key: &str) -> Result<()> {
    client.execute(Request::delete(below(rse, &format!("attr/{}", segment(key))), None)).await
}

/// Lists the usage of an RSE, one row per source: `GET /rses/<rse>/usage`.
pub(crate) async fn usage(client: &Client, rse: &str, per_account: bool) -> Result<JsonStream<RseUsage>> {
    let request = Request::get(below(rse, "usage"));
    client.stream(if per_account { request.query("per_account", "True") } else { request }).await
}
