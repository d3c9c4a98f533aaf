//! `rucio replica list dataset`: arguments and the choice of datasets.
//!
//! `found` prints the replicas of given datasets, `at_rse` the datasets at one RSE.

mod at_rse;
mod found;

use std::collections::HashSet;

use self::found::Found;
use crate::api::dids;
use crate::cli::context::Context;
use crate::cli::leaf::PrintsList;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;
use crate::http::Client;
use crate::lists;
use crate::types::{Did, Metadata};

/// List dataset replicas, with the number of files at each RSE
#[derive(Debug, clap::Args)]
#[command(add = PrintsList)]
pub(crate) struct Args {
    /// Datasets, or containers of datasets
    #[arg(add = ValueKind::Did)]
    pub dids: Vec<String>,
    /// List all datasets with files at this RSE instead of DIDS
    #[arg(long, add = ValueKind::Rse)]
    pub rse: Option<String>,
    /// With --rse, also show the number of files and bytes of each dataset there
    #[arg(long)]
    pub long: bool,
    /// Count the files instead of using the server's counters
    #[arg(long)]
    pub deep: bool,
    /// Print comma-separated values
    #[arg(long)]
    pub csv: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    if let Some(rse) = &args.rse {
        return at_rse::show(context, lists::datasets_at_rse(client, rse).await?, args.long).await;
    }
    let datasets = datasets(context, client, &args.dids).await?;
    let mut found = Found::new(&context.ui);
    if !args.deep && datasets.len() > 1 {
        found.all(lists::replicas_of_datasets(client, datasets).await?).await?;
    } else {
        for dataset in &datasets {
            found.all(lists::replicas_of_dataset(client, dataset, args.deep).await?).await?;
        }
    }
    found.show(args.csv)
}

/// Returns the datasets to list, in order, each once.
async fn datasets(context: &Context, client: &Client, texts: &[String]) -> Result<Vec<Did>> {
    let dids = context.dids(texts)?;
    let mut types = Vec::new();
    if let [did] = &dids[..] {
        types.push((did.clone(), dids::did_type(client, did).await?));
    } else {
        let found = lists::metadata::<Metadata>(client, &dids).await?;
        types.extend(found.into_iter().map(|metadata| (metadata.did, metadata.did_type)));
    }
    let mut datasets = Vec::new();
    let mut seen = HashSet::new();
    for (did, did_type) in types {
        let below = if did_type == "DATASET" { vec![did] } else { parents_of_files(client, &did).await? };
        datasets.extend(below.into_iter().filter(|did| seen.insert(did.clone())));
    }
    Ok(datasets)
}

/// Returns the datasets that contain the files below a DID.
async fn parents_of_files(client: &Client, did: &Did) -> Result<Vec<Did>> {
    let mut tree = lists::tree(client, did).await?;
    let mut parents = Vec::new();
    while let Some(entry) = tree.next().await? {
        if entry.did_type == "FILE" {
            parents.extend(entry.parent);
        }
    }
    Ok(parents)
}
