//! Long lists of PFNs: the server accepts them as given and looks them up later.

use serde_json::json;

use super::SHAPE;
use crate::api::data::{self, Protocol};
use crate::api::replicas::states;
use crate::cli::commands::replica::state::update::summary;
use crate::cli::context::Context;
use crate::error::Result;
use crate::http::Client;

/// PFNs per request.
const CHUNK: usize = 10_000;

/// Declares the PFNs bad.
pub(super) async fn declare(context: &Context, client: &Client, pfns: Vec<String>, reason: &str) -> Result<()> {
    let starts = starts(context, client).await?;
    context.ui.line(&format!("Starting the declaration by chunks of {CHUNK}"))?;
    let chunks = pfns.len().div_ceil(CHUNK);
    let mut declared = 0;
    let mut list = context.ui.list(SHAPE);
    for (index, chunk) in pfns.chunks(CHUNK).enumerate() {
        let mut chunk: Vec<_> = chunk.iter().map(|pfn| clean(pfn)).collect();
        chunk.sort_unstable();
        let known = |pfn: &String| starts.iter().any(|start| pfn.contains(start));
        let (known, unknown): (Vec<_>, Vec<_>) = chunk.into_iter().partition(known);
        for pfn in unknown {
            context.ui.line(&format!("Cannot find any RSE associated to {pfn}"))?;
            list.record(&json!({"pfn": pfn, "error": "no RSE has it"}))?;
        }
        states::add_bad_pfns(client, &known, reason, "BAD", None).await?;
        known.iter().try_for_each(|pfn| list.record(&json!({"pfn": pfn})))?;
        let number = index + 1;
        let count = known.len();
        context.ui.line(&format!("Chunk {number}/{chunks} : {count} replicas successfully declared"))?;
        declared += count;
    }
    list.end()?;
    summary(context, &format!("{declared}/{}", pfns.len()))
}

/// Returns the PFN prefixes of all RSEs.
async fn starts(context: &Context, client: &Client) -> Result<Vec<String>> {
    context.ui.line("Getting the information about RSE protocols. It can take several seconds")?;
    let rses = data::protocols(client).await?.rses;
    let starts = rses.into_values().flat_map(|rse| rse.protocols).flat_map(|protocol| starts_of(&protocol));
    let starts = starts.collect();
    context.ui.line("Protocol information retrieved")?;
    Ok(starts)
}

fn starts_of(protocol: &Protocol) -> [String; 2] {
    let Protocol { scheme, hostname, port, prefix } = protocol;
    let port = port.map_or_else(|| "None".to_owned(), |port| port.to_string());
    [format!("{scheme}://{hostname}{prefix}"), format!("{scheme}://{hostname}:{port}{prefix}")]
}

/// Removes storage-specific parts of a PFN: SRM ports and service paths, signatures.
fn clean(pfn: &str) -> String {
    let mut pfn = pfn.to_owned();
    if pfn.starts_with("srm") {
        pfn = without_ports(&pfn);
        for service in ["/srm/managerv1?SFN=", "/srm/v2/server?SFN=", "/srm/managerv2?SFN="] {
            pfn = pfn.replace(service, "");
        }
    }
    for signature in ["?GoogleAccessId", "?X-Amz"] {
        pfn.truncate(pfn.find(signature).unwrap_or(pfn.len()));
    }
    pfn
}

/// Removes every `:<digits>` before a slash.
fn without_ports(text: &str) -> String {
    let mut parts = text.split(':');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits > 0 && part[digits..].starts_with('/') {
            out.push_str(&part[digits..]);
        } else {
            out.push(':');
            out.push_str(part);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_pfns_lose_what_their_storage_adds() {
        for (pfn, expected) in [
            ("srm://h:8443/srm/managerv2?SFN=/a/f", "srm://h/a/f"),
            ("srm://h:x/a:12b", "srm://h:x/a:12b"),
            ("https://h:443/a/f?X-Amz-Date=1", "https://h:443/a/f"),
            ("https://h/a/f?GoogleAccessId=x", "https://h/a/f"),
        ] {
            assert_eq!(clean(pfn), expected);
        }
    }
}
