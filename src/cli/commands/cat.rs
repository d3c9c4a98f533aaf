//! `rucio cat`

use std::collections::HashSet;

use crate::api::dids;
use crate::api::replicas::{self, Query};
use crate::cli::commands::download::{PROTOCOLS, access};
use crate::cli::context::Context;
use crate::cli::leaf::Extension;
use crate::cli::value_kind::ValueKind;
use crate::config;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::shell_word;
use crate::http::Client;
use crate::transfer::download::source::rse_protocols::RseProtocols;
use crate::transfer::job::{FileJob, Source};
use crate::transfer::plan::{Planner, Route, Rules};
use crate::transfer::session::excluded;
use crate::transfer::stream_to_stdout::stream_file;
use crate::types::Did;

/// Write files to standard output, one after the other
///
/// Files are verified while they are streamed. On a checksum mismatch, or if no replica provides the rest, the command
/// reports an error and exits with 1: the output is then not the file. So use `set -o pipefail` in scripts. Replicas on
/// tape are not used.
///
/// Example: rucio cat user.jdoe:notes.txt | head
///
/// Example: rucio cat user.jdoe:results.tar.gz | tar xz
#[derive(Debug, clap::Args)]
#[command(add = Extension)]
pub(crate) struct Args {
    /// DIDs of the files
    #[arg(required = true, value_name = "DID", add = ValueKind::Did)]
    pub dids: Vec<String>,
    /// Use only replicas at RSEs that match this expression
    #[arg(long, value_name = "EXPRESSION", add = ValueKind::RseExpression)]
    pub rses: Option<String>,
    /// Use only this protocol, or several separated by commas (https, davs, file, ...)
    #[arg(long)]
    pub protocol: Option<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    let dids = context.dids(&args.dids)?;
    let storages = access::storages(context, client, None).await?;
    let (tapes, protocols) = (excluded(client, false).await?, RseProtocols::new(client));
    for did in &dids {
        let mut job = find(context, client, &args, did, &tapes).await?;
        job.sources = allowed(job.sources, &protocols).await;
        let mut out = context.ui.bytes();
        stream_file(&storages, &job, &mut |bytes| out.write(bytes)).await?;
        out.end()?;
    }
    Ok(())
}

/// Returns the sources without local paths that the server may not name.
async fn allowed(sources: Vec<Source>, protocols: &RseProtocols<'_>) -> Vec<Source> {
    let mut allowed = Vec::new();
    for source in sources {
        match protocols.check_local_path(&source).await {
            Ok(()) => allowed.push(source),
            Err(reason) => tracing::warn!("{reason}"),
        }
    }
    allowed
}

/// Looks up the replicas of a file. Errors: the DID is a dataset or a container.
async fn find(context: &Context, client: &Client, args: &Args, did: &Did, tapes: &HashSet<String>) -> Result<FileJob> {
    let what = dids::did_type(client, did).await?.to_lowercase();
    if what != "file" {
        let details = format!("{did} is a {what}, not a file.");
        let list = context.command(&format!("did content list {}", shell_word(&did.to_string())));
        let hint = format!("List its files with `{list}`.");
        return Err(Error::new(Exception::UnsupportedOperation, details).with_hint(hint));
    }
    let schemes = match &args.protocol {
        Some(protocols) => protocols.split(',').map(str::to_owned).collect(),
        None => PROTOCOLS.map(str::to_owned).into(),
    };
    let query = Query {
        dids: vec![did.clone()],
        schemes: Some(schemes),
        rse_expression: args.rses.clone(),
        client_location: Some(config::location(&context.env)),
        ..Query::default()
    };
    let entry = replicas::list(client, &query).await?.next().await?;
    let mut planner = Planner::new(Rules { excluded_rses: tapes.clone(), ..Rules::default() });
    Ok(match entry {
        Some(entry) => planner.plan(entry, &[Route { request: 0, did }]),
        None => FileJob::unknown(did.clone(), 0),
    })
}
