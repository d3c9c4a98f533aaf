//! `/rses/<rse>/qos_policy`: quality of service (QoS) policies of an RSE.

use serde_json::json;

use super::below;
use crate::error::Result;
use crate::http::{Client, Request, segment};

fn path(rse: &str, policy: &str) -> String {
    below(rse, &format!("qos_policy/{}", segment(policy)))
}

/// Returns the policies of an RSE: `GET /rses/<rse>/qos_policy`.
pub(crate) async fn list(client: &Client, rse: &str) -> Result<Vec<String>> {
    client.json(Request::get(below(rse, "qos_policy"))).await
}

/// Adds a policy: `POST /rses/<rse>/qos_policy/<policy>`.
pub(crate) async fn add(client: &Client, rse: &str, policy: &str) -> Result<()> {
    client.execute(Request::post(path(rse, policy), json!({}))).await
}

/// Removes a policy: `DELETE /rses/<rse>/qos_policy/<policy>`.
pub(crate) async fn remove(client: &Client, rse: &str, policy: &str) -> Result<()> {
    client.execute(Request::delete(path(rse, policy), None)).await
}
