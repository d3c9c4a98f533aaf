//! `rucio lifetime-exception add`

use clap::ValueHint;

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde_json::json;

use super::sort::{Counts, Sorter};
use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::types::Did;

const SHAPE: Shape = Shape::named(
    &["successfully_submitted"],
    &["total_dids", "files_ignored", "containers_resolved", "not_in_lifetime_model", "successfully_submitted"],
);

/// Request an exception that keeps datasets beyond their end of life in the lifetime model
///
/// Example: rucio lifetime-exception add --input-file dids.txt --reason "thesis of J. Doe" --expiration 2027-06-30
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// File with one DID per line; containers are replaced with their datasets
    #[arg(short = 'f', long, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub input_file: Option<String>,
    /// Why the datasets are still needed
    #[arg(long, allow_hyphen_values = true)]
    pub reason: Option<String>,
    /// End of the exception, as YYYY-MM-DD
    #[arg(short = 'x', long, value_name = "DATE")]
    pub expiration: Option<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    let reason = required(args.reason, "reason for the extension is mandatory (--reason)")?;
    let expires_at = date(&required(args.expiration, "expiration is mandatory (--expiration)")?)?;
    let dids = dids(context, &required(args.input_file, "inputfile is mandatory (--input-file)")?)?;
    let mut sorter = Sorter::new(client);
    sorter.sort(&dids).await?;
    let Sorter { datasets, counts, .. } = sorter;
    if datasets.is_empty() {
        tracing::error!("Nothing to submit");
        return context.ui.record(SHAPE, &counts);
    }
    let mut record = api::lifetime_exceptions::add(client, &datasets, &reason, &expires_at).await?;
    tracing::info!("Exception successfully submitted. Summary below:");
    record.extend(json!(counts).as_object().cloned().unwrap_or_default());
    context.ui.one(SHAPE, &record, || summary(&counts))
}

fn required(value: Option<String>, missing: &str) -> Result<String> {
    let given = value.filter(|value| !value.is_empty());
    given.ok_or_else(|| Error::new(Exception::InputValidationError, missing))
}

/// Converts YYYY-MM-DD to the server's format for the start of that day.
fn date(text: &str) -> Result<String> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|error| {
        Error::value(format!(
            "Cannot parse expiration date: time data '{text}' does not match format '%Y-%m-%d' (YYYY-MM-DD: {error})"
        ))
    })?;
    Ok(date.format("%a, %d %b %Y 00:00:00 UTC").to_string())
}

/// Reads the DIDs of a file, without duplicates.
fn dids(context: &Context, path: &str) -> Result<Vec<Did>> {
    let text =
        crate::input_file::read_to_string(path).map_err(|error| Error::file(std::path::Path::new(path), error))?;
    let lines: BTreeSet<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.into_iter().map(|line| context.did(line)).collect()
}

fn summary(counts: &Counts) -> String {
    let lines = [
        ("Total DIDs", counts.total_dids),
        ("DID not submitted because it is a file", counts.files_ignored),
        ("DID that are containers and were resolved", counts.containers_resolved),
        ("DID not submitted because it is not part of the lifetime campaign", counts.not_in_lifetime_model),
        ("DID successfully submitted including the one from containers resolved", counts.successfully_submitted),
    ];
    lines.map(|(what, count)| format!("{what:100} {count:6}")).join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetime_dates_are_written_as_the_server_reads_them() {
        assert_eq!(date("2026-01-05").unwrap(), "Mon, 05 Jan 2026 00:00:00 UTC");
        assert_eq!(date("2026-1-5").unwrap(), "Mon, 05 Jan 2026 00:00:00 UTC");
        assert!(["2026-02-30", "30.10.2026", "2026-01-05 ", "26"].iter().all(|text| date(text).is_err()));
    }
}
