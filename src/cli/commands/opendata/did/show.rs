//! `rucio opendata did show`

use super::{ENTRY, fields};
use crate::api;
use crate::api::opendata::{Access, Parts};
use crate::cli::context::Context;
use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// Show an entry of the open data catalogue
///
/// Example: rucio opendata did show --meta --files user.jdoe:analysis.1
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The DID
    did: String,
    /// Also its metadata in the catalogue
    #[arg(long)]
    meta: bool,
    /// Also its files and where they are
    #[arg(long)]
    files: bool,
    /// Ask as anybody may, without logging in
    #[arg(long)]
    public: bool,
    /// With --files: addresses to download each file from with a browser
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
