//! `rucio replica list file`: arguments and the query.
//!
//! `show` prints the replicas, `link` creates symbolic links to them.

mod link;
mod show;

use serde_json::json;

use self::link::Substitution;
use crate::api::dids;
use crate::api::replicas::Query;
use crate::cli::context::Context;
use crate::cli::leaf::PrintsList;
use crate::cli::ui::Shape;
use crate::cli::value_kind::ValueKind;
use crate::config;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::Client;
use crate::lists::{self, ReplicaList};
use crate::types::Did;

const METALINK: Shape = Shape::named(&["metalink"], &[]);

/// List the replicas of files, or of all files of datasets and containers
///
/// Example: rucio replica list file --protocols https,root user.jdoe:analysis.1
///
/// Example: rucio replica list file --pfns --best --protocols root user.jdoe:analysis.1 > inputs.txt
#[derive(Debug, clap::Args)]
#[command(add = PrintsList)]
pub(crate) struct Args {
    /// DIDs (scope:name)
    #[arg(add = ValueKind::Did)]
    pub dids: Vec<String>,
    /// List only these protocols (comma-separated)
    #[arg(long)]
    pub protocols: Option<String>,
    /// Include replicas that are not available, and show the state: A available, U unavailable, C being copied,
    /// B being deleted, D bad, T temporarily unavailable
    #[arg(long)]
    pub all_states: bool,
    /// Print only the physical file names (PFNs), one per line
    #[arg(long)]
    pub pfns: bool,
    /// With --pfns, print only one PFN of each file: the one that the server ranks first for this machine
    #[arg(long, requires = "pfns")]
    pub best: bool,
    /// Network domain, instead of the one that the server chooses
    #[arg(long, value_parser = ["wan", "lan", "all"])]
    pub domain: Option<String>,
    /// Create symbolic links to the files in this directory, replacing a leading path: /pfn/dir:/local/dir
    #[arg(long, value_name = "FROM:TO")]
    pub link: Option<String>,
    /// List only the replicas at --rses that are not available
    #[arg(long)]
    pub missing: bool,
    /// Print a metalink document
    #[arg(long)]
    pub metalink: bool,
    /// Ignore archives that contain the files
    #[arg(long)]
    pub no_resolve_archives: bool,
    /// Sort order of the replicas: geoip or random
    #[arg(long)]
    pub sort: Option<String>,
    /// List only RSEs matching this expression
    #[arg(long, alias = "rse-exp", value_name = "EXPRESSION", add = ValueKind::RseExpression)]
    pub rses: Option<String>,
    /// Print sizes with units. This command does so regardless of --robot, the legacy command follows --robot
    #[arg(long, hide = true, action = clap::ArgAction::Set, default_value = "true")]
    #[arg(value_parser = clap::builder::BoolishValueParser::new())]
    pub human: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let args = args.without_empty();
    let link = check(&args)?;
    let client = context.client()?;
    let (query, collections) = query(context, client, &args).await?;
    if args.metalink {
        let document = lists::metalink(client, &query).await?;
        let document = document.strip_suffix('\n').unwrap_or(&document);
        return context.ui.one(METALINK, &json!({"metalink": document}), || document.to_owned());
    }
    let entries = ReplicaList::new(client, query, collections).await?;
    let rses = lists::rses(client, args.rses.as_deref()).await?.collect().await?;
    let rses: Vec<_> = rses.into_iter().map(|rse| rse.rse).collect();
    match link {
        _ if args.missing => show::missing(context, entries, &rses).await,
        Some(link) => link.make(context, entries, args.rses.is_some().then_some(&rses)).await,
        None if args.pfns => show::pfns(context, entries, args.best).await,
        None => show::table(context, entries, &args, &rses).await,
    }
}

impl Args {
    /// Treats empty option values as not given.
    fn without_empty(self) -> Self {
        let given = |option: Option<String>| option.filter(|text| !text.is_empty());
        let protocols = given(self.protocols);
        let rses = given(self.rses);
        Self { protocols, rses, link: given(self.link), sort: given(self.sort), ..self }
    }
}

/// Rejects --missing without --rses, and parses --link.
fn check(args: &Args) -> Result<Option<Substitution>> {
    if args.missing && args.rses.is_none() {
        let message = "Cannot use --missing without specifying a RSE";
        return Err(Error::new(Exception::InputValidationError, message));
    }
    args.link.as_deref().map(Substitution::parse).transpose()
}

/// Returns the query and those of the DIDs that are collections. Errors, before anything is listed: a DID that does not
/// exist.
async fn query(context: &Context, client: &Client, args: &Args) -> Result<(Query, Vec<Did>)> {
    let dids = context.dids(&args.dids)?;
    let mut collections = Vec::new();
    for did in &dids {
        if dids::did_type(client, did).await? != "FILE" {
            collections.push(did.clone());
        }
    }
    let query = Query {
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
    };
    Ok((query, collections))
}
