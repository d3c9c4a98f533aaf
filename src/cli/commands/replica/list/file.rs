//! `rucio replica list file`

use super::link::Substitution;
use crate::api::replicas::{self, Query};
use crate::api::{dids, rses};
use crate::cli::context::Context;
use crate::cli::ui::Table;
use crate::cli::ui::values::{Num, sizefmt};
use crate::config;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::{Client, JsonStream};
use crate::types::ReplicaEntry;

/// List the replicas of files, or of all files of datasets and containers
///
/// Example: rucio replica list file --protocols https,root user.jdoe:analysis.1
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The DIDs
    pub dids: Vec<String>,
    /// Only these protocols, separated by commas
    #[arg(long)]
    pub protocols: Option<String>,
    /// Also replicas that are not available, with their state: A available, U unavailable, C being copied,
    /// B being deleted, D bad, T temporarily unavailable
    #[arg(long)]
    pub all_states: bool,
    /// Only the physical file names, one a line
    #[arg(long)]
    pub pfns: bool,
    /// The network domain instead of the one the server would choose
    #[arg(long, value_parser = ["wan", "lan", "all"])]
    pub domain: Option<String>,
    /// Make symbolic links to the files, with another folder in front: /pfn/folder:/local/folder
    #[arg(long, value_name = "FROM:TO")]
    pub link: Option<String>,
    /// Only what is not available at the RSEs of --rses
    #[arg(long)]
    pub missing: bool,
    /// As a metalink document
    #[arg(long)]
    pub metalink: bool,
    /// Leave archives that hold the files out
    #[arg(long)]
    pub no_resolve_archives: bool,
    /// How to sort the replicas: geoip or random
    #[arg(long)]
    pub sort: Option<String>,
    /// Only the RSEs this expression means
    #[arg(long, alias = "rse-exp", value_name = "EXPRESSION")]
    pub rses: Option<String>,
    /// Sizes with units. The new tree does so whatever --robot says, the old one does as --robot says
    #[arg(long, hide = true, action = clap::ArgAction::Set, default_value_t = true)]
    pub human: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let link = check(&args)?;
    let client = context.client()?;
    let query = query(context, client, &args).await?;
    if args.metalink {
        let document = replicas::metalink(client, &query).await?;
        return context.ui.line(document.strip_suffix('\n').unwrap_or(&document));
    }
    let entries = replicas::list(client, &query).await?;
    let rses = rses::list(client, args.rses.as_deref()).await?.collect().await?;
    let rses: Vec<_> = rses.into_iter().map(|rse| rse.rse).collect();
    match link {
        _ if args.missing => missing(context, entries, &rses).await,
        Some(link) => link.make(entries, args.rses.is_some().then_some(&rses)).await,
        None if args.pfns => pfns(context, entries).await,
        None => table(context, entries, &args, &rses).await,
    }
}

/// Refuses options that contradict each other.
fn check(args: &Args) -> Result<Option<Substitution>> {
    if args.missing && args.rses.is_none() {
        let message = "Cannot use --missing without specifying a RSE";
        return Err(Error::new(Exception::InputValidationError, message));
    }
    args.link.as_deref().map(Substitution::parse).transpose()
}

/// What to ask; DIDs that do not exist are an error here, before the listing.
async fn query(context: &Context, client: &Client, args: &Args) -> Result<Query> {
    let dids = context.dids(&args.dids)?;
    for did in &dids {
        dids::did_type(client, did).await?;
    }
    Ok(Query {
        dids,
        domain: args.domain.clone(),
        schemes: args.protocols.as_ref().map(|protocols| protocols.split(',').map(str::to_owned).collect()),
        ignore_availability: true,
        all_states: args.all_states || args.missing,
        rse_expression: args.rses.clone(),
        client_location: Some(config::location(&context.env)),
        sort: args.sort.clone(),
        resolve_archives: !args.no_resolve_archives,
        ..Query::default()
    })
}

async fn missing(context: &Context, mut entries: JsonStream<ReplicaEntry>, rses: &[String]) -> Result<()> {
    let mut table = Table::psql(["SCOPE", "NAME", "(STATE) RSE"]);
    while let Some(entry) = entries.next().await? {
        for rse in rses {
            match entry.states.get(rse).map(String::as_str) {
                None | Some("AVAILABLE") => {}
                Some(state) => {
                    let place = format!("({}) {rse}", letter(state));
                    table.row([entry.did.scope.clone(), entry.did.name.clone(), place]);
                }
            }
        }
    }
    context.ui.table(&table)
}

async fn pfns(context: &Context, mut entries: JsonStream<ReplicaEntry>) -> Result<()> {
    while let Some(entry) = entries.next().await? {
        for (pfn, _) in entry.pfns.iter().filter(|(_, place)| !entry.at(&place.rse).is_empty()) {
            context.ui.line(pfn)?;
        }
    }
    Ok(())
}

async fn table(context: &Context, mut entries: JsonStream<ReplicaEntry>, args: &Args, rses: &[String]) -> Result<()> {
    let place = if args.all_states { "(STATE) RSE: REPLICA" } else { "RSE: REPLICA" };
    let mut table = Table::psql(["SCOPE", "NAME", "FILESIZE", "ADLER32", place]).without_numbers();
    while let Some(entry) = entries.next().await? {
        let Some(bytes) = entry.bytes else { continue };
        for (pfn, at) in entry.pfns.iter().filter(|(_, at)| args.rses.is_none() || rses.contains(&at.rse)) {
            let replica = match args.all_states {
                true => format!("({}) {}: {pfn}", letter(entry.states.get(&at.rse).map_or("", |s| s)), at.rse),
                false => format!("{}: {pfn}", at.rse),
            };
            let adler32 = entry.adler32.clone().unwrap_or_default();
            let size = sizefmt(Some(Num::from(bytes)), args.human);
            table.row([entry.did.scope.clone(), entry.did.name.clone(), size, adler32, replica]);
        }
    }
    context.ui.table(&table)
}

/// The letter that stands for the state of a replica.
fn letter(state: &str) -> &str {
    match state {
        "AVAILABLE" => "A",
        "UNAVAILABLE" => "U",
        "COPYING" => "C",
        "BEING_DELETED" => "B",
        "BAD" => "D",
        "TEMPORARY_UNAVAILABLE" => "T",
        other => other,
    }
}
