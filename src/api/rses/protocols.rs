//! `/rses/<rse>/protocols`: protocols of an RSE, and the PFNs they give.

use std::collections::HashMap;

use serde_json::Value;

use super::below;
use crate::error::Result;
use crate::http::{Client, Request, segment};
use crate::types::Did;

/// Adds a protocol; the field names are the server's: `POST /rses/<rse>/protocols/<scheme>`.
pub(crate) async fn add(client: &Client, rse: &str, scheme: &str, protocol: Value) -> Result<()> {
    client.execute(Request::post(below(rse, &format!("protocols/{}", segment(scheme))), protocol)).await
}

/// Deletes the protocols of a scheme, or only those with this host and port:
/// `DELETE /rses/<rse>/protocols/<scheme>[/<hostname>[/<port>]]`.
pub(crate) async fn remove(client: &Client, rse: &str, scheme: &str, place: Option<(&str, Option<i64>)>) -> Result<()> {
    let mut path = below(rse, &format!("protocols/{}", segment(scheme)));
    if let Some((hostname, port)) = place {
        path = format!("{path}/{}", segment(hostname));
        path = port.map_or_else(|| path.clone(), |port| format!("{path}/{port}"));
    }
    client.execute(Request::delete(path, None)).await
}

/// Returns the PFN to read a file at an RSE, whether or not it exists there: `GET /rses/<rse>/lfns2pfns`.
pub(crate) async fn pfn(client: &Client, rse: &str, did: &Did, scheme: &str) -> Result<Option<String>> {
    let request = Request::get(below(rse, "lfns2pfns")).query("scheme", scheme).query("operation", "read");
    let pfns: HashMap<String, String> = client.json(request.query("lfn", did.to_string())).await?;
    Ok(pfns.into_values().next())
}

/// Returns the PFN to write a file to at an RSE: `GET /rses/<rse>/lfns2pfns`.
pub(crate) async fn pfn_to_write(client: &Client, rse: &str, did: &Did, scheme: &str) -> Result<Option<String>> {
    let request = Request::get(below(rse, "lfns2pfns")).query("scheme", scheme).query("operation", "write");
    let pfns: HashMap<String, String> = client.json(request.query("lfn", did.to_string())).await?;
    Ok(pfns.into_values().next())
}
