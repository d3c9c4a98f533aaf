//! Output forms of the replica list.

use serde::Serialize;
use serde_json::json;

use super::Args;
use crate::cli::context::Context;
use crate::cli::ui::values::{Num, sizefmt};
use crate::cli::ui::{Shape, Table};
use crate::error::Result;
use crate::lists::ReplicaList;
use crate::types::{ReplicaAttributes, ReplicaEntry};

const MISSING: Shape = Shape::did(&["scope", "name", "rse", "state"]);
const PFNS: Shape = Shape::named(&["pfn"], &["scope", "name", "rse", "pfn"]);
const REPLICAS: Shape = Shape::did(&["scope", "name", "bytes", "adler32", "rse", "state", "pfn"]);

/// One replica of a file: a row of the table.
#[derive(Serialize)]
struct Replica<'a> {
    scope: &'a str,
    name: &'a str,
    bytes: u64,
    adler32: Option<&'a str>,
    md5: Option<&'a str>,
    rse: &'a str,
    state: Option<&'a str>,
    pfn: &'a str,
    domain: Option<&'a str>,
    priority: Option<u32>,
    client_extract: bool,
}

impl<'a> Replica<'a> {
    /// Returns `None` for an entry without a size, which the official client omits.
    fn from_entry(entry: &'a ReplicaEntry, pfn: &'a str, at: &'a ReplicaAttributes) -> Option<Self> {
        Some(Self {
            scope: &entry.did.scope,
            name: &entry.did.name,
            bytes: entry.bytes?,
            adler32: entry.adler32.as_deref(),
            md5: entry.md5.as_deref(),
            rse: &at.rse,
            state: entry.states.get(&at.rse).map(String::as_str),
            pfn,
            domain: at.domain.as_deref(),
            priority: at.priority,
            client_extract: at.client_extract,
        })
    }

    fn cells(&self, args: &Args) -> [String; 5] {
        let Self { scope, name, rse, pfn, .. } = *self;
        let place = if args.all_states {
            format!("({}) {rse}: {pfn}", letter(self.state.unwrap_or_default()))
        } else {
            format!("{rse}: {pfn}")
        };
        let size = sizefmt(Some(Num::from(self.bytes)), args.human);
        [scope.to_owned(), name.to_owned(), size, self.adler32.unwrap_or_default().to_owned(), place]
    }
}

/// Lists the replicas at `rses` that are not available.
pub(super) async fn missing(context: &Context, mut entries: ReplicaList<'_>, rses: &[String]) -> Result<()> {
    let mut list = context.ui.list(MISSING).with_table(Table::psql(["SCOPE", "NAME", "(STATE) RSE"]));
    while let Some(entry) = entries.next().await? {
        let scope = &entry.did.scope;
        let name = &entry.did.name;
        for rse in rses {
            if let Some(state) = entry.states.get(rse).filter(|state| *state != "AVAILABLE") {
                list.row(&json!({"scope": scope, "name": name, "rse": rse, "state": state}), || {
                    [scope.clone(), name.clone(), format!("({}) {rse}", letter(state))]
                })?;
            }
        }
    }
    list.end()
}

/// Lists only the PFNs; with `best`, the one of each file that a download tries first.
pub(super) async fn pfns(context: &Context, mut entries: ReplicaList<'_>, best: bool) -> Result<()> {
    let mut list = context.ui.list(PFNS);
    while let Some(entry) = entries.next().await? {
        let scope = &entry.did.scope;
        let name = &entry.did.name;
        let mut found: Vec<_> = entry.pfns.iter().filter(|(_, at)| !entry.at(&at.rse).is_empty()).collect();
        if best {
            found.sort_by_key(|(_, at)| at.priority.unwrap_or(u32::MAX));
            found.truncate(1);
        }
        for (pfn, at) in found {
            list.line(&json!({"scope": scope, "name": name, "rse": at.rse, "pfn": pfn}), || pfn.clone())?;
        }
    }
    list.end()
}

/// Lists the replicas at all RSEs, or only at `rses` if --rses is given.
pub(super) async fn table(context: &Context, mut entries: ReplicaList<'_>, args: &Args, rses: &[String]) -> Result<()> {
    let place = if args.all_states { "(STATE) RSE: REPLICA" } else { "RSE: REPLICA" };
    let table = Table::psql(["SCOPE", "NAME", "FILESIZE", "ADLER32", place]).without_numbers();
    let table = table.with_expendable(&["ADLER32", "FILESIZE"]);
    let mut list = context.ui.list(REPLICAS).with_table(table);
    while let Some(entry) = entries.next().await? {
        for (pfn, at) in entry.pfns.iter().filter(|(_, at)| args.rses.is_none() || rses.contains(&at.rse)) {
            if let Some(replica) = Replica::from_entry(&entry, pfn, at) {
                list.row(&replica, || replica.cells(args))?;
            }
        }
    }
    list.end()
}

/// Returns the one-letter code of a replica state.
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
