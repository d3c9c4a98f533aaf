//! `/rses/<source>/distances/<destination>`: distances between RSEs, which rank the sources of transfers.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::below;
use crate::error::Result;
use crate::http::{Client, Request, segment};

/// A pair of source and destination RSE.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link<'a> {
    /// Source RSE.
    pub source: &'a str,
    /// Destination RSE.
    pub destination: &'a str,
}

/// A distance.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(crate) struct Distance {
    /// Lower is preferred; shown as the server writes it.
    pub distance: Value,
}

impl Link<'_> {
    /// Returns the link in the opposite direction.
    #[must_use]
    pub(crate) fn back(self) -> Self {
        Self { source: self.destination, destination: self.source }
    }

    fn path(self) -> String {
        below(self.source, &format!("distances/{}", segment(self.destination)))
    }
}

fn body(distance: i64, bidirectional: bool) -> Value {
    json!({"distance": distance, "bidirectional": bidirectional})
}

/// Returns the distance, if one is set: `GET /rses/<source>/distances/<destination>`.
pub(crate) async fn get(client: &Client, link: Link<'_>) -> Result<Option<Distance>> {
    Ok(client.json::<Vec<Distance>>(Request::get(link.path())).await?.into_iter().next())
}

/// Adds a distance where none is set: `POST /rses/<source>/distances/<destination>`.
pub(crate) async fn add(client: &Client, link: Link<'_>, distance: i64, bidirectional: bool) -> Result<()> {
    client.execute(Request::post(link.path(), body(distance, bidirectional))).await
}

/// Updates a distance: `PUT /rses/<source>/distances/<destination>`.
pub(crate) async fn update(client: &Client, link: Link<'_>, distance: i64, bidirectional: bool) -> Result<()> {
    client.execute(Request::put(link.path(), body(distance, bidirectional))).await
}

/// Deletes a distance: `DELETE /rses/<source>/distances/<destination>`.
pub(crate) async fn unset(client: &Client, link: Link<'_>, bidirectional: bool) -> Result<()> {
    let python_bool = if bidirectional { "True" } else { "False" };
    client.execute(Request::delete(link.path(), None).query("bidirectional", python_bool)).await
}
