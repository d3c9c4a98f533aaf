//! `rucio did content add`

use std::collections::HashSet;

use serde_json::json;

use crate::api;
use crate::cli::commands::did::DONE;
use crate::cli::context::Context;
use crate::cli::tree::Tree;
use crate::cli::value_kind::ValueKind;
use crate::error::{Error, Result};
use crate::http::Client;
use crate::lists;
use crate::types::Did;

/// Number of DIDs per call; the server accepts 1,000 at most.
const CHUNK: usize = 499;

/// Attach DIDs to a dataset or a container
///
/// Example: rucio did content add --to-did user.jdoe:container user.jdoe:dataset.1 user.jdoe:dataset.2
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Collection to attach to
    #[arg(long, value_name = "DID", add = ValueKind::Did)]
    pub to_did: String,
    /// Read the DIDs from the file DIDS, one per line
    #[arg(short, long)]
    pub from_file: bool,
    /// DIDs to attach
    #[arg(add = ValueKind::Did)]
    pub dids: Vec<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let to = context.did(&args.to_did)?;
    let texts = if args.from_file { read_dids(context.tree, &args.dids)? } else { args.dids };
    let dids = context.dids(&texts)?;
    let client = context.client()?;
    if dids.len() <= CHUNK {
        api::dids::attach(client, &to, &dids).await?
    } else {
        attach_in_chunks(client, &to, &dids).await?
    }
    let record = json!({"scope": to.scope, "name": to.name, "dids": dids});
    context.ui.one(DONE, &record, || format!("DIDs successfully attached to {to}"))
}

fn read_dids(tree: Tree, files: &[String]) -> Result<Vec<String>> {
    let [file] = files else {
        let option = if tree == Tree::Commands { "--from-file" } else { "--fromfile" };
        return Err(Error::value(format!(
            "If {option} option is active, only one file is supported. The file should contain a list of dids, one per line."
        )));
    };
    let text = crate::input_file::read_to_string(file)
        .map_err(|error| Error::io(format!("Can't open file '{file}'."), error))?;
    Ok(text.lines().map(|line| line.trim_end().to_owned()).collect())
}

/// Attaches DIDs in chunks. The server refuses a whole chunk if one of its DIDs is attached already, so the missing
/// DIDs of refused chunks are attached in a second round, whose errors are returned.
async fn attach_in_chunks(client: &Client, to: &Did, dids: &[Did]) -> Result<()> {
    tracing::warn!(
        "You are trying to attach too much DIDs. Therefore they will be chunked and attached in multiple commands. \
         ({} DIDs, {CHUNK} at a time)",
        dids.len()
    );
    let mut missing = Vec::new();
    for (number, chunk) in dids.chunks(CHUNK).enumerate() {
        tracing::info!("Try to attach chunk {number}/{}", dids.len().div_ceil(CHUNK));
        if api::dids::attach(client, to, chunk).await.is_err() {
            let content = content(client, to).await?;
            missing.extend(chunk.iter().filter(|did| !content.contains(did)).cloned());
        }
    }
    for chunk in missing.chunks(CHUNK) {
        api::dids::attach(client, to, chunk).await?;
    }
    Ok(())
}

async fn content(client: &Client, did: &Did) -> Result<HashSet<Did>> {
    let mut stream = lists::content(client, did).await?;
    let mut dids = HashSet::new();
    while let Some(entry) = stream.next().await? {
        dids.insert(entry.did);
    }
    Ok(dids)
}
