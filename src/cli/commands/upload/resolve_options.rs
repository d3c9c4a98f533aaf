//! Resolves the options of an upload: RSE, network domain, registration, timeout.

use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use super::options::Args;
use crate::api::rses;
use crate::cli::context::Context;
use crate::config;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::Client;
use crate::lists;
use crate::storage::Pfn;
use crate::transfer::upload::{Registration, UploadOptions};
use crate::types::{Attributes, RseSettings};

/// Resolves the options of the command line.
///
/// Errors: `InvalidRSEExpression` if no RSE matches, `RSEWriteBlocked` if the chosen one is not available for writing.
pub(super) async fn options(
    context: &Context,
    client: &Client,
    args: &Args,
    account: String,
    lifetime: Option<i64>,
) -> Result<UploadOptions> {
    let rse = rses::settings(client, &one_of(client, &args.rse).await?).await?;
    if !rse.availability_write {
        let details = format!("{} is not available for writing. No actions have been taken", rse.rse);
        return Err(Error::new(Exception::RSEWriteBlocked, details));
    }
    let attributes = rses::attributes(client, &rse.rse).await.unwrap_or_else(|error| {
        tracing::warn!("Attributes of the RSE: {} not available. ({error})", rse.rse);
        Attributes::new()
    });
    Ok(UploadOptions {
        domain: domain(context, &rse, &attributes),
        schemes: args.schemes(),
        implementation: if args.pfn.is_none() { args.r#impl.clone() } else { None },
        pfn: args.pfn.clone().map(Pfn::new),
        registration: registration(args, &rse),
        lifetime,
        idle_timeout: idle_timeout(context, args)?,
        skip_stat: attributes.get("skip_upload_stat").is_some_and(is_true),
        account,
        default_algorithm: context.config()?.non_empty("policy", "lfn2pfn_algorithm_default").unwrap_or("hash".into()),
        rse,
    })
}

/// Returns one of the RSEs that match an expression, chosen at random.
async fn one_of(client: &Client, expression: &str) -> Result<String> {
    let rows = lists::rses(client, Some(expression)).await?.collect().await?;
    let mut rses: Vec<_> = rows.into_iter().map(|row| row.rse).collect();
    let chance = usize::try_from(Uuid::new_v4().as_u128() % (rses.len().max(1) as u128)).unwrap_or_default();
    if rses.is_empty() {
        Err(Error::new(Exception::InvalidRSEExpression, format!("No RSE matches {expression}.")))
    } else {
        Ok(rses.swap_remove(chance))
    }
}

/// Returns `lan` if the RSE has this domain and we are at its site, else `wan`.
fn domain(context: &Context, rse: &RseSettings, attributes: &Attributes) -> &'static str {
    let has_lan = rse.domain.iter().any(|domain| domain == "lan");
    let site = attributes.get("site").and_then(Value::as_str);
    if has_lan && site == Some(&config::location(&context.env).site) { "lan" } else { "wan" }
}

/// Returns when to register. Never with --pfn at a deterministic RSE: the catalogue cannot store a PFN there.
fn registration(args: &Args, rse: &RseSettings) -> Registration {
    let own_place = args.pfn.is_some() && rse.deterministic;
    if own_place {
        tracing::warn!("Upload with given pfn implies that no_register is True, except non-deterministic RSEs");
    }
    match (args.no_register || own_place, args.register_after_upload) {
        (true, _) => Registration::Never,
        (false, true) => Registration::After,
        (false, false) => Registration::Before,
    }
}

fn idle_timeout(context: &Context, args: &Args) -> Result<Option<Duration>> {
    let seconds = match args.transfer_timeout {
        Some(seconds) => seconds,
        None => context.config()?.upload_transfer_timeout()?,
    };
    Ok(Duration::try_from_secs_f64(seconds).ok().filter(|timeout| !timeout.is_zero()))
}

/// Interprets an RSE attribute, which may be a string, a number or a Boolean, as a Boolean.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        _ => false,
    }
}
