//! `/rses/<source>/distances/<destination>`: which sources transfers prefer.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::below;
use crate::error::Result;
use crate::http::{Client, Request, segment};

/// A way from one RSE to another.
#[derive(Debug, Clone, Copy)]
pub struct Link<'a> {
    /// Where it begins.
    pub source: &'a str,
    /// Where it ends.
    pub destination: &'a str,
}

/// How far it is.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Distance {
    /// The smaller, the nearer; shown as the server writes it.
    pub distance: Value,
}

impl Link<'_> {
    /// The way back.
    #[must_use]
    pub fn back(self) -> Self {
        Self { source: self.destination, destination: self.source }
    }

    fn path(self) -> String {
        below(self.source, &format!("distances/{}", segment(self.destination)))
    }
}

fn body(distance: i64, bidirectional: bool) -> Value {
    json!({"distance": distance, "bidirectional": bidirectional})
}

/// The distance, if one is set: `GET /rses/<source>/distances/<destination>`.
pub async fn get(client: &Client, link: Link<'_>) -> Result<Option<Distance>> {
    Ok(client.json::<Vec<Distance>>(Request::get(link.path())).await?.into_iter().next())
}

/// Sets a distance where there is none: `POST /rses/<source>/distances/<destination>`.
pub async fn add(client: &Client, link: Link<'_>, distance: i64, bidirectional: bool) -> Result<()> {
    client.done(Request::post(link.path(), body(distance, bidirectional))).await
}

/// Changes a distance: `PUT /rses/<source>/distances/<destination>`.
pub async fn update(client: &Client, link: Link<'_>, distance: i64, bidirectional: bool) -> Result<()> {
    client.done(Request::put(link.path(), body(distance, bidirectional))).await
}

/// Takes a distance away: `DELETE /rses/<source>/distances/<destination>`.
pub async fn unset(client: &Client, link: Link<'_>, bidirectional: bool) -> Result<()> {
    let python_bool = if bidirectional { "True" } else { "False" };
    client.done(Request::delete(link.path(), None).query("bidirectional", python_bool)).await
}
