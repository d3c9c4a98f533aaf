//! `/config`: the configuration in the server's database.

use serde_json::{Value, json};

use crate::error::Result;
use crate::http::{Client, Request, segment};
use crate::types::Attributes;

/// Returns all sections, each an object of its options: `GET /config`.
pub(crate) async fn all(client: &Client) -> Result<Attributes> {
    client.json(Request::get("config")).await
}

/// Returns the options of a section: `GET /config/<section>`.
pub(crate) async fn section(client: &Client, section: &str) -> Result<Attributes> {
    client.json(Request::get(format!("config/{}", segment(section)))).await
}

fn option_path(section: &str, option: &str) -> String {
    format!("config/{}/{}", segment(section), segment(option))
}

/// Returns the value of an option: `GET /config/<section>/<option>`.
pub(crate) async fn option(client: &Client, section: &str, option: &str) -> Result<Value> {
    client.json(Request::get(option_path(section, option))).await
}

/// Sets an option, new or existing: `POST /config`.
pub(crate) async fn set(client: &Client, section: &str, option: &str, value: &str) -> Result<()> {
    client.execute(Request::post("config", json!({section: {option: value}}))).await
}

/// Deletes an option: `DELETE /config/<section>/<option>`.
pub(crate) async fn delete(client: &Client, section: &str, option: &str) -> Result<()> {
    client.execute(Request::delete(option_path(section, option), None)).await
}
