//! `rucio account limit set`

use serde_json::json;

use super::LOCALITIES;
use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::cli::ui::values::sizefmt;
use crate::cli::value_kind::ValueKind;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::size_units;

/// Number of bytes that means no limit to the server.
const UNLIMITED: i64 = -1;

/// Set the storage limit of an account at an RSE
///
/// The limit of an RSE and those of expressions that match it apply independently.
///
/// Example: rucio account limit set --rse XRD1 --bytes 10GB jdoe
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Account to change
    #[arg(add = ValueKind::Account)]
    pub account_name: String,
    /// RSE, or RSE expression of a global limit
    #[arg(long, alias = "rse-name", add = ValueKind::Rse)]
    pub rse: String,
    /// Limit in bytes: 10000, 10GB (units B, KB, MB, GB, TB, PB; powers of 1000), or infinity
    #[arg(long, allow_hyphen_values = true)]
    pub bytes: String,
    /// Type of limit: for one RSE (local), or for all RSEs of the expression together (global)
    #[arg(long, default_value = "local", value_parser = LOCALITIES)]
    pub locality: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let Args { account_name, rse, bytes, locality } = &args;
    let bytes = amount(bytes)?;
    api::accounts::set_limit(context.client()?, account_name, locality, rse, bytes).await?;
    let record = json!({"account": account_name, "rse": rse, "locality": locality, "bytes": bytes});
    let shown = sizefmt(Some(bytes.into()), true);
    context.ui.one(Shape::named(&["rse"], &[]), &record, || {
        format!("Set account limit for account {account_name} on RSE {rse}: {shown}")
    })
}

/// Parses a number of bytes; `inf` and `infinity` are `UNLIMITED`.
fn amount(text: &str) -> Result<i64> {
    let lower = text.to_lowercase();
    if ["inf", "infinity"].contains(&lower.as_str()) {
        return Ok(UNLIMITED);
    }
    with_unit(&lower).or_else(|| whole(&lower)).ok_or_else(|| {
        let message = format!(
            "The limit could not be set. Either you misspelled infinity or your input ({lower}) could not be converted to \
             integer or you used a wrong pattern. Please use a format like 10GB with B,KB,MB,GB,TB,PB as units (not case \
             sensitive)"
        );
        Error::new(Exception::InputValidationError, message)
    })
}

/// Parses digits with a unit: B, KB, MB, GB, TB or PB.
fn with_unit(text: &str) -> Option<i64> {
    let (digits, unit) = size_units::split(text);
    let factor = size_units::decimal_factor(unit.strip_suffix('b')?)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<i64>().ok()?.checked_mul(factor)
}

/// Parses an integer as Python does: with a sign, surrounding blanks, and underscores between digits.
fn whole(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.split('_').any(str::is_empty) {
        return None;
    }
    text.replace('_', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_amounts_have_units() {
        let cases = [
            ("10000", Some(10_000)),
            ("10GB", Some(10_000_000_000)),
            ("1pb", Some(1_000_000_000_000_000)),
            ("7B", Some(7)),
            ("0kb", Some(0)),
            ("Infinity", Some(-1)),
            ("INF", Some(-1)),
            ("-5", Some(-5)),
            (" +1_000 ", Some(1000)),
            ("1__0", None),
            ("_1", None),
            ("-1GB", None),
            ("+1GB", None),
            ("1.5GB", None),
            ("1 GB", None),
            ("GB", None),
            ("10GiB", None),
            ("1e3", None),
            ("", None),
            ("99999999PB", None),
            ("9223372036854775808", None),
        ];
        for (text, expected) in cases {
            assert_eq!(amount(text).ok(), expected, "{text:?}");
        }
    }
}
