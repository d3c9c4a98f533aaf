//! `rucio cat`

use std::collections::HashSet;

use crate::api::dids;
use crate::api::replicas::{self, Query};
use crate::cli::commands::download::{PROTOCOLS, access};
use crate::cli::context::Context;
use crate::config;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::Client;
use crate::transfer::job::FileJob;
use crate::transfer::plan::{Planner, Route, Rules};
use crate::transfer::pour::pour;
use crate::transfer::session::excluded;
use crate::types::Did;

/// Write the bytes of files to standard output, one file after the other
///
/// They are verified while they flow. If they turn out to be wrong, or no replica gives the rest, the command says so and
/// ends with 1: then what came is not the file. So use `set -o pipefail` in scripts. Nothing is read from tape.
///
/// Example: rucio cat user.jdoe:notes.txt | head
///
/// Example: rucio cat user.jdoe:results.tar.gz | tar xz
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The files
    #[arg(required = true, value_name = "DID")]
    pub dids: Vec<String>,
    /// Only from the RSEs this expression means
    #[arg(long, value_name = "EXPRESSION")]
    pub rses: Option<String>,
    /// Only by this protocol (https, davs, file, ...)
    #[arg(long)]
    pub protocol: Option<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    let dids = context.dids(&args.dids)?;
    let storages = access::storages(context, client).await?;
    let tapes = excluded(client, false).await?;
    for did in &dids {
        let job = find(context, client, &args, did, &tapes).await?;
        let mut out = context.ui.bytes();
        pour(&storages, &job, &mut |bytes| out.write(bytes)).await?;
        out.end()?;
    }
    Ok(())
}

/// The file with its replicas.
async fn find(context: &Context, client: &Client, args: &Args, did: &Did, tapes: &HashSet<String>) -> Result<FileJob> {
    let what = dids::did_type(client, did).await?.to_lowercase();
    if what != "file" {
        let details = format!("{did} is a {what}, no file.");
        let hint = format!("{} names its files.", context.command(&format!("list-files {did}")));
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
