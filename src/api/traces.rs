//! `/traces`: usage events, for the site's statistics and popularity.

use serde_json::{Value, json};

use super::{dids, rses};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::Client;
use crate::types::Did;

/// Sends a trace to the site's trace server: `POST <trace_host>/traces/`.
pub(crate) async fn send(client: &Client, trace: &Value) -> Result<()> {
    client.transport().send_trace("traces/", trace).await
}

/// Updates the last-access time of a file or dataset, at one RSE or all: `POST <trace_host>/traces/`, after a look at the
/// DID and the RSE.
///
/// Errors: `UnsupportedDIDType` for a container; the server's errors for the DID and the RSE.
pub(crate) async fn touch(client: &Client, did: &Did, rse: Option<&str>) -> Result<()> {
    let mut trace = json!({"eventType": "touch", "clientState": "DONE", "account": client.account()});
    if let Some(vo) = client.vo() {
        trace["vo"] = vo.into();
    }
    if let Some(rse) = rse {
        rses::get(client, rse).await?;
        trace["localSite"] = rse.into();
        trace["remoteSite"] = rse.into();
    }
    let [scope, name] = match dids::did_type(client, did).await?.as_str() {
        "FILE" => ["scope", "filename"],
        "DATASET" => ["datasetScope", "dataset"],
        _ => return Err(Error::new(Exception::UnsupportedDIDType, format!("{did} is a container."))),
    };
    trace[scope] = did.scope.clone().into();
    trace[name] = did.name.clone().into();
    send(client, &trace).await
}
