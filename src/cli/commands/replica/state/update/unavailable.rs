//! `rucio replica state update unavailable`

use chrono::{TimeDelta, Utc};
use serde_json::json;

use super::{summary, text_of, the_file};
use crate::api::replicas::states;
use crate::cli::context::Context;
use crate::cli::duration;
use crate::cli::ui::Shape;
use crate::cli::value_kind::ValueKind;
use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// PFNs per request.
const CHUNK: usize = 10_000;
const STATE: &str = "TEMPORARY_UNAVAILABLE";
const SHAPE: Shape = Shape::named(&["pfn"], &["pfn", "state", "expires_at"]);

/// Declare replicas temporarily unavailable
///
/// Example: rucio replica state update unavailable --reason "pool is down" --duration 1d root://xrd1//rucio/f1
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// PFNs of the replicas
    #[arg(value_name = "PFNS", add = ValueKind::Did)]
    pub replicas: Vec<String>,
    /// Reason for the declaration
    #[arg(long)]
    pub reason: String,
    /// Read the PFNs from the file PFNS, one per line
    #[arg(long)]
    pub as_file: bool,
    /// Duration: seconds, or 2h, 14d
    #[arg(long, value_name = "DURATION", allow_negative_numbers = true, value_parser = duration::whole_seconds)]
    pub duration: i64,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let pfns = if args.as_file { pfns_of(&text_of(the_file(&args.replicas, "as-file")?)?)? } else { args.replicas };
    let expires_at = end(args.duration)?;
    let client = context.client()?;
    let chunks = pfns.len().div_ceil(CHUNK);
    let mut list = context.ui.list(SHAPE);
    for (index, chunk) in pfns.chunks(CHUNK).enumerate() {
        states::add_bad_pfns(client, chunk, &args.reason, STATE, Some(&expires_at)).await?;
        let record = |pfn| list.record(&json!({"pfn": pfn, "state": STATE, "expires_at": expires_at}));
        chunk.iter().try_for_each(record)?;
        let number = index + 1;
        let count = chunk.len();
        context.ui.line(&format!("Chunk {number}/{chunks} : {count} replicas successfully declared"))?;
    }
    list.end()?;
    summary(context, &pfns.len().to_string())
}

/// Parses a list of PFNs, one per line. Errors: any other line, before anything is declared.
fn pfns_of(text: &str) -> Result<Vec<String>> {
    match text.lines().find(|line| !line.contains("://")) {
        Some(line) => {
            let message = format!("{line} is not a valid PFN. Aborting: nothing was declared.");
            Err(Error::new(Exception::InvalidObject, message))
        }
        None => Ok(text.lines().map(str::to_owned).collect()),
    }
}

/// Returns the time (UTC) this many seconds from now, in the server's format.
fn end(seconds: i64) -> Result<String> {
    let end = TimeDelta::try_seconds(seconds).and_then(|duration| Utc::now().checked_add_signed(duration));
    let end = end.ok_or_else(|| Error::value(format!("A duration of {seconds} seconds is out of range")))?;
    Ok(end.format("%Y-%m-%dT%H:%M:%S%.6f").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unavailable_file_has_pfns_only() {
        assert_eq!(pfns_of("a://b\nc://d\n").unwrap(), ["a://b", "c://d"]);
        assert!(pfns_of("").unwrap().is_empty());
        assert!(pfns_of("a://b\n\nc://d\n").is_err());
    }

    #[test]
    fn unavailable_end_has_six_digits_of_a_second() {
        assert_eq!(end(60).unwrap().len(), "2026-11-29T00:00:00.123456".len());
        assert!(end(i64::MAX).is_err());
    }
}
