//! `rucio replica state update bad`: declare replicas bad.
//!
//! `pfns` resolves the arguments, `many` declares long lists, `lfns` handles `--lfn`.

mod lfns;
mod many;
mod pfns;

use serde_json::{Value, json};

use super::{lines_of, the_file};
use crate::api::replicas::states;
use crate::cli::compat::CompatOptions;
use crate::cli::context::Context;
use crate::cli::tree::Tree;
use crate::cli::ui::{Listing, Shape};
use crate::cli::value_kind::ValueKind;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::Client;
use crate::types::Attributes;

/// Number of PFNs from which on the server looks the replicas up itself, later.
const MANY: usize = 100;
/// Replicas per request.
const CHUNK: usize = 1000;
const SHAPE: Shape = Shape::named(&["pfn"], &["pfn", "rse", "error"]);

/// Declare replicas bad, so that they are replaced
///
/// Example: rucio replica state update bad --reason "wrong checksum" root://xrd1//rucio/f1 user.jdoe:file2
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Replicas to declare: PFNs, or file DIDs for all replicas of a file
    #[arg(add = ValueKind::Did)]
    pub replicas: Vec<String>,
    /// Reason for the declaration
    #[arg(long)]
    pub reason: String,
    /// Read the PFNs or DIDs from the file REPLICAS, one per line
    #[arg(long)]
    pub as_file: bool,
    /// Accept datasets and containers, for all files in them
    #[arg(long)]
    pub collection: bool,
    /// Read names in --scope from the file REPLICAS, one per line, and declare their replicas at --rse
    #[arg(long)]
    pub lfn: bool,
    /// Scope of the names, for --lfn
    #[arg(long, add = ValueKind::Scope)]
    pub scope: Option<String>,
    /// RSE of the replicas, for --lfn
    #[arg(long, alias = "rse-name", add = ValueKind::Rse)]
    pub rse: Option<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    declare(context, args, CompatOptions::default()).await
}

/// Declares the replicas bad, for a legacy command as `compat` says.
pub(crate) async fn declare(context: &Context, args: Args, compat: CompatOptions) -> Result<()> {
    if args.lfn && !args.as_file {
        return lfns::declare(context, &args, compat).await;
    }
    if args.lfn {
        tracing::warn!("--lfn is ignored: with --as-file the file lists PFNs and DIDs.");
    }
    let words = if args.as_file { lines_of(the_file(&args.replicas, "as-file")?)? } else { args.replicas };
    let client = context.client()?;
    let pfns = pfns::resolve_pfns(context, client, &words, args.collection).await?;
    if context.verbose {
        context.ui.line("PFNs that will be declared bad:")?;
        pfns.iter().try_for_each(|pfn| context.ui.line(pfn))?;
    }
    if pfns.len() < MANY {
        declare_few(context, client, &pfns, &args.reason).await
    } else {
        many::declare(context, client, pfns, &args.reason).await
    }
}

async fn declare_few(context: &Context, client: &Client, pfns: &[String], reason: &str) -> Result<()> {
    let pfns: Vec<_> = pfns.iter().map(|pfn| Value::from(pfn.as_str())).collect();
    let refused = if pfns.is_empty() { Attributes::new() } else { states::declare_bad(client, &pfns, reason).await? };
    let mut list = context.ui.list(SHAPE);
    pfns.iter().try_for_each(|pfn| list.record(&json!({"pfn": pfn})))?;
    for (rse, what) in each(&refused) {
        context.ui.line(&format!("{rse} : PFN {what} cannot be declared."))?;
        refuse(&mut list, rse, what)?;
    }
    list.end()
}

/// Iterates over the refused replicas, each with its RSE.
fn each(refused: &Attributes) -> impl Iterator<Item = (&str, &str)> {
    refused.iter().flat_map(|(rse, what)| {
        let what = what.as_array().into_iter().flatten();
        what.filter_map(move |what| Some((rse.as_str(), what.as_str()?)))
    })
}

fn refuse(list: &mut Listing<'_>, rse: &str, error: &str) -> Result<()> {
    list.record(&json!({"rse": rse, "error": error}))
}

/// Returns the error for a missing option of `--lfn`, in the words of the command tree.
fn missing(context: &Context, option: &str) -> Error {
    match context.tree {
        Tree::Commands => Error::value(format!("Scope and RSE are required when using LFNs: {option} is missing.")),
        Tree::Legacy | Tree::Admin => Error::new(
            Exception::InputValidationError,
            format!("--lfns requires using --rse and --scope: {option} is missing"),
        ),
    }
}
