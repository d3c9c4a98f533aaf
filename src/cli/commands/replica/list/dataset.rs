//! `rucio replica list dataset`

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use crate::api::{dids, replicas};
use crate::cli::context::Context;
use crate::cli::ui::values::member_str;
use crate::cli::ui::{Cell, Table};
use crate::error::Result;
use crate::http::{Client, JsonStream};
use crate::types::{DatasetAtRse, DatasetReplica, Did};

/// Show at which RSEs files of datasets are, and how many
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The datasets, or containers of them
    pub dids: Vec<String>,
    /// Instead: all datasets that have files at this RSE
    #[arg(long)]
    pub rse: Option<String>,
    /// With --rse: how many files and bytes of each dataset are there
    #[arg(long)]
    pub long: bool,
    /// Count the files instead of trusting the server's counters
    #[arg(long)]
    pub deep: bool,
    /// Comma-separated values
    #[arg(long)]
    pub csv: bool,
}

/// A dataset with its rows, one an RSE; a later row of the same RSE takes the place of the earlier one.
type Dataset = (String, Vec<DatasetReplica>);

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    if let Some(rse) = &args.rse {
        return at_rse(context, replicas::at_rse(client, rse).await?, args.long).await;
    }
    let datasets = datasets(context, client, &args.dids).await?;
    for (dataset, rows) in replicas_of(client, &datasets, args.deep).await? {
        match args.csv {
            true => rows.iter().try_for_each(|row| context.ui.line(&csv(row)))?,
            false => {
                context.ui.line(&format!("\nDATASET: {dataset}"))?;
                context.ui.table(&table(&rows))?;
            }
        }
    }
    Ok(())
}

/// The datasets at an RSE. Name and number of files share a column, as they do in the official client.
async fn at_rse(context: &Context, mut rows: JsonStream<DatasetAtRse>, long: bool) -> Result<()> {
    let mut names = BTreeSet::new();
    let mut table = Table::psql(["DID", "LOCAL FILES/TOTAL FILES", "LOCAL BYTES/TOTAL BYTES"]);
    while let Some(row) = rows.next().await? {
        let of = |part: &Value, whole: &Value| format!("{}/{}", member_str(part), member_str(whole));
        table.row([
            format!("{}{}", row.did, of(&row.available_length, &row.length)),
            of(&row.available_bytes, &row.bytes),
        ]);
        names.insert(row.did.to_string());
    }
    if long {
        return context.ui.table(&table);
    }
    context.ui.line("SCOPE:NAME\n----------")?;
    names.iter().try_for_each(|name| context.ui.line(name))
}

fn csv(row: &DatasetReplica) -> String {
    format!("{},{},{}", row.rse, member_str(&row.available_length), member_str(&row.length))
}

fn table(rows: &[DatasetReplica]) -> Table {
    let mut table = Table::psql(["RSE", "FOUND", "TOTAL"]);
    for row in rows {
        table.row([row.rse.as_str().into(), Cell::member(&row.available_length), Cell::member(&row.length)]);
    }
    table
}

/// The datasets that are meant, in order, each once.
async fn datasets(context: &Context, client: &Client, texts: &[String]) -> Result<Vec<Did>> {
    let dids = context.dids(texts)?;
    let mut types = Vec::new();
    if let [did] = &dids[..] {
        types.push((did.clone(), dids::did_type(client, did).await?));
    } else {
        let mut found = dids::did_types(client, &dids).await?;
        while let Some(metadata) = found.next().await? {
            types.push((metadata.did, metadata.did_type));
        }
    }
    let (mut datasets, mut seen) = (Vec::new(), HashSet::new());
    for (did, did_type) in types {
        let below = if did_type == "DATASET" { vec![did] } else { parents_of_files(client, &did).await? };
        datasets.extend(below.into_iter().filter(|did| seen.insert(did.clone())));
    }
    Ok(datasets)
}

/// The datasets that hold the files below a DID.
async fn parents_of_files(client: &Client, did: &Did) -> Result<Vec<Did>> {
    let mut tree = dids::tree(client, did).await?;
    let mut parents = Vec::new();
    while let Some(entry) = tree.next().await? {
        parents.extend(entry.parent.filter(|_| entry.did_type == "FILE"));
    }
    Ok(parents)
}

async fn replicas_of(client: &Client, datasets: &[Did], deep: bool) -> Result<Vec<Dataset>> {
    let mut result = Vec::new();
    if !deep && datasets.len() > 1 {
        let mut rows = replicas::of_datasets(client, datasets).await?;
        while let Some(row) = rows.next().await? {
            add(&mut result, row.did.to_string(), row);
        }
        return Ok(result);
    }
    for dataset in datasets {
        let mut rows = replicas::of_dataset(client, dataset, deep).await?;
        while let Some(row) = rows.next().await? {
            add(&mut result, dataset.to_string(), row);
        }
    }
    Ok(result)
}

fn add(result: &mut Vec<Dataset>, dataset: String, row: DatasetReplica) {
    let at = result.iter().position(|(name, _)| *name == dataset).unwrap_or_else(|| {
        result.push((dataset, Vec::new()));
        result.len() - 1
    });
    let rows = &mut result[at].1;
    match rows.iter_mut().find(|known| known.rse == row.rse) {
        Some(known) => *known = row,
        None => rows.push(row),
    }
}
