//! `rucio credential sign-url`

use chrono::{DateTime, SecondsFormat};
use serde_json::json;

use super::signed::{self, Signed};
use crate::api;
use crate::api::credentials::Signature;
use crate::cli::context::Context;
use crate::cli::duration;
use crate::cli::leaf::Extension;
use crate::cli::ui::Shape;
use crate::cli::value_kind::ValueKind;
use crate::error::{Error, Result};
use crate::exceptions::Exception;

const SHAPE: Shape = Shape::named(&["url"], &["url", "rse", "service", "operation", "lifetime", "expires"]);
/// Maximum lifetime of an AWS Signature Version 4, in seconds (Amazon's documentation of X-Amz-Expires).
const LONGEST_S3: u64 = 7 * 24 * 3600;

/// Sign a URL of cloud storage: it allows one operation for a limited time, without a login
///
/// The server signs the URL if the account has the attribute sign-url. Prints only the signed URL.
///
/// Example: rucio credential sign-url --rse CLOUD --service s3 --operation read https://s3.example.org/bucket/key
#[derive(Debug, clap::Args)]
#[command(add = Extension)]
pub(crate) struct Args {
    /// RSE of the URL
    #[arg(long, value_name = "RSE", add = ValueKind::Rse)]
    pub rse: String,
    /// Storage service: Google Cloud Storage, Amazon S3 or OpenStack Swift
    #[arg(long, value_parser = ["gcs", "s3", "swift"])]
    pub service: String,
    /// Operation to allow
    #[arg(long, value_parser = ["read", "write", "delete"])]
    pub operation: String,
    /// Lifetime of the signature: seconds, or 10m, 1h, 2d
    #[arg(long, value_name = "DURATION", default_value = "3600", value_parser = lifetime)]
    pub lifetime: u64,
    /// URL of the object
    pub url: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let Args { rse, service, operation, lifetime, url } = &args;
    let wanted = Signature { rse, service, operation, url, lifetime: *lifetime };
    let client = context.client()?;
    let account = client.account().unwrap_or("ACCOUNT");
    let answer = api::credentials::sign_url(client, wanted).await.map_err(|error| advise(error, &args, account))?;
    let signed = signed::read(&answer).ok_or_else(|| unsigned(&args, account))?;
    check(&signed, &args)?;
    let expires = DateTime::from_timestamp(signed.expires, 0);
    let record = json!({
        "url": answer, "rse": rse, "service": service, "operation": operation, "lifetime": lifetime,
        "expires": expires.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true)),
    });
    context.ui.one(SHAPE, &record, || answer.clone())
}

/// Parses a lifetime of 1 to `u32::MAX` seconds.
fn lifetime(text: &str) -> Result<u64, String> {
    let seconds = u32::try_from(duration::whole_seconds(text)?).ok().filter(|seconds| *seconds > 0);
    seconds.map(u64::from).ok_or_else(|| format!("expected 1 to {} seconds", u32::MAX))
}

fn advise(error: Error, args: &Args, account: &str) -> Error {
    let Args { rse, service, .. } = args;
    match error.class() {
        Some(Exception::AccessDenied) => error.with_hint(may_not_sign(account)),
        Some(Exception::RSENotFound) => error.with_hint("List the RSEs: `rucio rse list`."),
        Some(Exception::ErrorLoadingCredentials) => error.with_hint(format!(
            "Check that {rse} uses this service: `rucio rse attribute list {rse}` (sign_url). If it does, the server's \
             administrators have to configure the credentials of {service}."
        )),
        Some(Exception::UnsupportedOperation) if service == "s3" => error.with_hint(format!(
            "Use https://HOST/BUCKET/KEY, or https://BUCKET.HOST/KEY if `rucio rse attribute list {rse}` shows \
             s3_url_style host."
        )),
        _ => error,
    }
}

fn may_not_sign(account: &str) -> String {
    format!(
        "Ask the administrators to set the attribute sign-url of {account}: `rucio account attribute set --key sign-url \
         --value 1 {account}`."
    )
}

/// Returns the error for an unsigned URL: accounts that may not sign get one, in replica lists without an error.
fn unsigned(args: &Args, account: &str) -> Error {
    let details = format!("The server returned the URL without a signature: {}", args.url);
    Error::new(Exception::CannotAuthorize, details).with_hint(may_not_sign(account))
}

/// Checks what the server does not: a lifetime too long for the storage (error), and a lost port (warning).
fn check(signed: &Signed, args: &Args) -> Result<()> {
    if signed.is_amazon && args.lifetime > LONGEST_S3 {
        let details = format!("S3 does not accept a signature lifetime of {} seconds", args.lifetime);
        return Err(Error::new(Exception::InputValidationError, details).with_hint("Use --lifetime 7d or less."));
    }
    if signed::place(&args.url).is_some_and(|place| place != signed.place) {
        tracing::warn!("The server signed {}, which is a different location than {}.", signed.place, args.url);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sign_url_lifetimes_are_seconds_or_have_a_unit() {
        for (text, expected) in
            [("3600", 3600), ("45s", 45), ("10m", 600), ("1h", 3600), ("1.5h", 5400), ("2d", 172_800)]
        {
            assert_eq!(lifetime(text), Ok(expected), "{text}");
        }
        for text in
            ["0", "0h", "", "h", "-5", "1.5", "0.5s", "1y", "5000000000", "99999999999999999999", "213503982334602d"]
        {
            assert!(lifetime(text).is_err(), "{text}");
        }
    }
}
