//! `rucio-admin replicas list-pfns`: PFNs of replicas that exist or could exist at an RSE.
//!
//! `convention` has the naming convention for non-deterministic RSEs.

mod convention;

use serde_json::json;

use crate::api::replicas::{self, Query};
use crate::api::{dids, rses};
use crate::cli::context::Context;
use crate::cli::ui::{Listing, Shape};
use crate::cli::value_kind::ValueKind;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::Client;
use crate::lists;
use crate::types::Did;

const SHAPE: Shape = Shape::named(&["pfn"], &["scope", "name", "rse", "pfn", "exists"]);

/// List the PFNs of files at an RSE, also of files that have no replica there
///
/// Example: rucio-admin replicas list-pfns user.jdoe:file1,user.jdoe:file2 XRD1 root
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// File DIDs, comma-separated
    #[arg(add = ValueKind::Did)]
    pub dids: String,
    /// RSE name
    #[arg(add = ValueKind::Rse)]
    pub rse: String,
    /// Scheme of the PFNs: root, https, davs, ...
    pub protocol: String,
}

/// A file without a replica at the RSE.
struct Absent<'a> {
    did: &'a Did,
    rse: &'a str,
    scheme: &'a str,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    let mut list = context.ui.list(SHAPE);
    for did in args.dids.split(',') {
        let did = context.did(did)?;
        match known(client, &did, &args).await? {
            Some(pfn) => show(&mut list, &did, &args.rse, pfn, true)?,
            None => {
                tracing::warn!(
                    "The file has no replica on the specified RSE ({did}, {}). This is the PFN it would have:",
                    args.rse
                );
                Absent { did: &did, rse: &args.rse, scheme: &args.protocol }.show(client, &mut list).await?;
            }
        }
    }
    list.end()
}

fn show(list: &mut Listing<'_>, did: &Did, rse: &str, pfn: String, exists: bool) -> Result<()> {
    let record = json!({"scope": did.scope, "name": did.name, "rse": rse, "pfn": pfn, "exists": exists});
    list.line(&record, || pfn.clone())
}

/// Returns the PFN of the replica, if there is one.
async fn known(client: &Client, did: &Did, args: &Args) -> Result<Option<String>> {
    let query = Query {
        dids: vec![did.clone()],
        schemes: Some(vec![args.protocol.clone()]),
        ignore_availability: true,
        resolve_archives: true,
        ..Query::default()
    };
    match replicas::list(client, &query).await?.next().await? {
        Some(entry) => Ok(entry.at(&args.rse).first().cloned()),
        None => dids::did_type(client, did).await.map(|_| None),
    }
}

impl Absent<'_> {
    async fn show(&self, client: &Client, list: &mut Listing<'_>) -> Result<()> {
        match rses::protocols::pfn(client, self.rse, self.did, self.scheme).await {
            Ok(Some(pfn)) => show(list, self.did, self.rse, pfn, false),
            Ok(None) => {
                Err(Error::new(Exception::RucioException, format!("The server returned no PFN for {}.", self.did)))
            }
            Err(error) => match error.class() {
                Some(Exception::ReplicaNotFound | Exception::RSEOperationNotSupported) => {
                    self.by_convention(client, list, error).await
                }
                _ => Err(error),
            },
        }
    }

    /// Shows, at a non-deterministic RSE, a PFN for each dataset that contains the file.
    async fn by_convention(&self, client: &Client, list: &mut Listing<'_>, error: Error) -> Result<()> {
        let settings = rses::get(client, self.rse).await?;
        if settings.get("deterministic").and_then(|value| value.as_bool()) != Some(false) {
            return Err(error);
        }
        tracing::warn!(
            "This is a non-deterministic site, so the real PFN might be different from the on suggested ({})",
            self.rse
        );
        let start = convention::start(&settings, self.scheme);
        let mut parents = lists::parents(client, self.did).await?;
        while let Some(parent) = parents.next().await? {
            if let ("DATASET", Some(start)) = (parent.did_type.as_str(), &start) {
                let path = convention::path(&parent.did.name, &self.did.name);
                show(list, self.did, self.rse, format!("{start}{path}"), false)?;
            }
        }
        Ok(())
    }
}
