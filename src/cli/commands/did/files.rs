//! `rucio list-files`: lists all files of DIDs recursively. There is no new command for it.

use clap::ValueHint;

use crate::cli::context::Context;
use crate::cli::ui::values::{Num, member_str};
use crate::cli::ui::{Cell, Format, Shape, Table};
use crate::cli::value_kind::ValueKind;
use crate::error::Result;
use crate::http::Client;
use crate::lists;
use crate::types::{Did, FileEntry};

const SHAPE: Shape = Shape::did(&["scope", "name", "guid", "adler32", "bytes", "events"]);

/// List all files of DIDs recursively
///
/// Example: rucio list-files --csv user.jdoe:analysis.1
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// DIDs to list
    #[arg(required = true, add = ValueKind::Did)]
    pub dids: Vec<String>,
    /// Print comma-separated values
    #[arg(long)]
    pub csv: bool,
    /// Print a POOL file catalogue (XML) with this directory in front of each name
    #[arg(long = "pfc", value_name = "LOCALPATH", value_hint = ValueHint::AnyPath)]
    pub local_path: Option<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    let dids = |texts: &[String]| texts.iter().map(|text| context.did(text)).collect::<Vec<_>>();
    match args.local_path.as_deref().filter(|path| !path.is_empty() && !args.csv) {
        _ if context.ui.format() != Format::Table => records(context, client, dids(&args.dids)).await,
        _ if args.csv => csv(context, client, dids(&args.dids)).await,
        Some(path) => file_catalogue(context, client, dids(&args.dids), path).await,
        None => table(context, client, dids(&args.dids)).await,
    }
}

async fn records(context: &Context, client: &Client, dids: Vec<Result<Did>>) -> Result<()> {
    let mut list = context.ui.list(SHAPE);
    for did in dids {
        let mut files = lists::files::<FileEntry>(client, &did?).await?.raw();
        while let Some(file) = files.next().await? {
            list.record(&file)?;
        }
    }
    list.end()
}

async fn csv(context: &Context, client: &Client, dids: Vec<Result<Did>>) -> Result<()> {
    for did in dids {
        let mut files = lists::files::<FileEntry>(client, &did?).await?;
        while let Some(file) = files.next().await? {
            let adler32 = file.adler32.as_deref().unwrap_or("None");
            let size = context.size(file.bytes.map(Num::from));
            let line = format!("{},{},{adler32},{size},{}", file.did, guid(&file), member_str(&file.events));
            context.ui.line(&line)?;
        }
    }
    Ok(())
}

async fn file_catalogue(context: &Context, client: &Client, dids: Vec<Result<Did>>, folder: &str) -> Result<()> {
    context.ui.line("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\" ?>")?;
    context.ui.line("<!DOCTYPE POOLFILECATALOG SYSTEM \"InMemory\">\n<POOLFILECATALOG>")?;
    for did in dids {
        let mut files = lists::files::<FileEntry>(client, &did?).await?;
        while let Some(file) = files.next().await? {
            let id = guid(&file);
            let name = &file.did.name;
            context.ui.line(&format!(
                " <File ID=\"{id}\">\n  <physical>\n   <pfn filetype=\"ROOT_All\" name=\"{folder}/{name}\"/>\n  \
                 </physical>\n  <logical>\n   <lfn name=\"{name}\"/>\n  </logical>\n </File>"
            ))?;
        }
    }
    context.ui.line("</POOLFILECATALOG>")
}

/// Prints a table after each DID. It repeats the files of the previous DIDs; the totals are those of the DID alone.
async fn table(context: &Context, client: &Client, dids: Vec<Result<Did>>) -> Result<()> {
    let headers = ["SCOPE:NAME", "GUID", "ADLER32", "FILESIZE", "EVENTS"];
    let mut table = Table::psql(headers).without_numbers().with_expendable(&["EVENTS", "GUID", "ADLER32"]);
    for did in dids {
        let mut count = 0_u64;
        let mut bytes = 0_u64;
        let mut events = 0_i64;
        let mut files = lists::files::<FileEntry>(client, &did?).await?;
        while let Some(file) = files.next().await? {
            count += 1;
            bytes += file.bytes.unwrap_or(0);
            events += file.events.as_i64().unwrap_or(0);
            table.row(row(context, &file));
        }
        context.ui.table(&table)?;
        context.ui.line(&format!("Total files : {count}"))?;
        context.ui.line(&format!("Total size : {}", context.size(Some(bytes.into()))))?;
        if events != 0 {
            context.ui.line(&format!("Total events : {events}"))?;
        }
    }
    Ok(())
}

fn row(context: &Context, file: &FileEntry) -> [Cell; 5] {
    let adler32 = file.adler32.as_deref().unwrap_or("None");
    [
        file.did.to_string().into(),
        guid(file).into(),
        format!("ad:{adler32}").into(),
        context.size(file.bytes.map(Num::from)).into(),
        Cell::member(&file.events),
    ]
}

/// Formats the GUID with dashes; `(None)` if there is none.
fn guid(file: &FileEntry) -> String {
    let Some(guid) = file.guid.as_deref().filter(|guid| !guid.is_empty()) else { return "(None)".to_owned() };
    let letters: Vec<char> = guid.chars().collect();
    let part = |from: usize, to: usize| letters.iter().skip(from).take(to - from).collect::<String>();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}
