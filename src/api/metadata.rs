//! `/dids/.../meta`: changes to the metadata of DIDs. Reading is in [`super::dids`].

use serde_json::{Value, json};

use super::dids::below;
use crate::error::Result;
use crate::http::{Client, Request, segment};
use crate::types::Did;

/// The metadata key that is not a column: the seconds until a DID expires.
pub(crate) const LIFETIME: &str = "lifetime";

/// Sets one key of a DID's metadata: `POST /dids/<scope>/<name>/meta/<key>`.
pub(crate) async fn set(client: &Client, did: &Did, key: &str, value: &Value) -> Result<()> {
    let path = below(did, &format!("meta/{}", segment(key)));
    client.execute(Request::post(path, json!({"value": value, "recursive": false}))).await
}

/// Deletes one metadata key of a DID: `DELETE /dids/<scope>/<name>/meta`.
pub(crate) async fn delete(client: &Client, did: &Did, key: &str) -> Result<()> {
    client.execute(Request::delete(below(did, "meta"), None).query("key", key)).await
}
