//! `/rses`: storage elements.

pub mod distances;
pub mod limits;
pub mod protocols;
pub mod qos;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::error::Result;
use crate::http::{Client, JsonStream, Request, segment};
use crate::types::{Attributes, RseSettings, RseUsage};

/// What a listing of RSEs shows.
#[derive(Debug, Clone, Deserialize)]
pub struct Rse {
    /// Its name.
    pub rse: String,
}

fn path(rse: &str) -> String {
    format!("rses/{}", segment(rse))
}

fn below(rse: &str, rest: &str) -> String {
    format!("{}/{rest}", path(rse))
}

/// All RSEs, or those an expression means; an empty expression is none: `GET /rses/`.
pub async fn list(client: &Client, expression: Option<&str>) -> Result<JsonStream<Rse>> {
    let request = Request::get("rses/");
    let expression = expression.filter(|expression| !expression.is_empty());
    client
        .stream(match expression {
            Some(expression) => request.query("expression", expression),
            None => request,
        })
        .await
}

/// What the server knows of an RSE; an error if it does not exist: `GET /rses/<rse>`.
pub async fn get(client: &Client, rse: &str) -> Result<Attributes> {
    client.json(Request::get(path(rse))).await
}

/// What one must know of an RSE to write to it: `GET /rses/<rse>`.
pub async fn settings(client: &Client, rse: &str) -> Result<RseSettings> {
    client.json(Request::get(path(rse))).await
}

/// Makes an RSE: `POST /rses/<rse>`.
pub async fn add(client: &Client, rse: &str, deterministic: bool) -> Result<()> {
    client.done(Request::post(path(rse), json!({"deterministic": deterministic}))).await
}

/// Changes one setting of an RSE: `PUT /rses/<rse>`.
pub async fn update(client: &Client, rse: &str, key: &str, value: &Value) -> Result<()> {
    let settings = Map::from_iter([(key.to_owned(), value.clone())]);
    client.done(Request::put(path(rse), settings.into())).await
}

/// Takes an RSE out of use: `DELETE /rses/<rse>`.
pub async fn remove(client: &Client, rse: &str) -> Result<()> {
    client.done(Request::delete(path(rse), None)).await
}

/// The attributes of an RSE: `GET /rses/<rse>/attr/`.
pub async fn attributes(client: &Client, rse: &str) -> Result<Attributes> {
    client.json(Request::get(below(rse, "attr/"))).await
}

/// Sets an attribute: `POST /rses/<rse>/attr/<key>`.
pub async fn set_attribute(client: &Client, rse: &str, key: &str, value: &str) -> Result<()> {
    let path = below(rse, &format!("attr/{}", segment(key)));
    client.done(Request::post(path, json!({"value": value}))).await
}

/// Takes an attribute away: `DELETE /rses/<rse>/attr/<key>`.
pub async fn unset_attribute(client: &Client, rse: &str, key: &str) -> Result<()> {
    client.done(Request::delete(below(rse, &format!("attr/{}", segment(key))), None)).await
}

/// How full an RSE is, a row for each source that knows it: `GET /rses/<rse>/usage`.
pub async fn usage(client: &Client, rse: &str, per_account: bool) -> Result<JsonStream<RseUsage>> {
    let request = Request::get(below(rse, "usage"));
    client.stream(if per_account { request.query("per_account", "True") } else { request }).await
}
