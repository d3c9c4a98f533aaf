//! `/locks`: locks that protect replicas from deletion.

use crate::error::Result;
use crate::http::{Client, JsonStream, Request, segment};
use crate::types::{DatasetLock, Did};

/// Lists the locks on a dataset: `GET /locks/<scope>/<name>`.
pub(crate) async fn of_dataset(client: &Client, did: &Did) -> Result<JsonStream<DatasetLock>> {
    let path = format!("locks/{}/{}", segment(&did.scope), segment(&did.name));
    client.stream(Request::get(path).query("did_type", "dataset")).await
}
