//! `rucio opendata did show`

use super::{ENTRY, fields};
use crate::api;
use crate::api::opendata::{Access, Parts};
use crate::cli::context::Context;
use crate::cli::value_kind::ValueKind;
use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// Show an entry of the open data catalogue
///
/// Example: rucio opendata did show --meta --files user.jdoe:analysis.1
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// DID (scope:name)
    #[arg(add = ValueKind::Did)]
    did: String,
    /// Include the metadata in the open data catalogue
    #[arg(long)]
    meta: bool,
    /// Include the files and their replicas
    #[arg(long)]
    files: bool,
    /// Use the public catalogue, without logging in
    #[arg(long)]
    public: bool,
    /// With --files, include URLs to download each file with a browser
    #[arg(long)]
    download_urls: bool,
}

pub(super) async fn run(context: &Context, args: Args) -> Result<()> {
    if args.download_urls && !args.files {
        let message = "--download-urls requires --files.";
        return Err(Error::new(Exception::InputValidationError, message));
    }
    let did = context.did(&args.did)?;
    let host = context.config()?.opendata_host();
    let access = if args.public { Access::Public(host.as_deref()) } else { Access::Member };
    let parts = Parts { files: args.files, meta: args.meta, download_urls: args.download_urls };
    let entry = api::opendata::get(context.client()?, access, &did, parts).await?;
    context.ui.one(ENTRY, &entry, || fields(&entry).render())
}
