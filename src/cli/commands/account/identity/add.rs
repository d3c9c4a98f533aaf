//! `rucio account identity add`

use serde_json::json;

use super::TYPES;
use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::cli::value_kind::ValueKind;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::types::NewIdentity;

/// Add an identity that can log in as an account
///
/// Example: rucio account identity add --type X509 --id "CN=John Doe" --email jdoe@example.org jdoe
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Account to log in as
    #[arg(add = ValueKind::Account)]
    pub account_name: String,
    /// Authentication type
    #[arg(long = "type", value_parser = TYPES)]
    pub authtype: String,
    /// Identity to add: a user name, a certificate subject, a public key, ...
    #[arg(long, value_name = "IDENTITY", allow_hyphen_values = true)]
    pub id: String,
    /// Email address for messages about the identity
    #[arg(long)]
    pub email: String,
    /// Password, required for USERPASS
    #[arg(long, allow_hyphen_values = true)]
    pub password: Option<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    check(&args)?;
    let Args { account_name, authtype, id, email, password } = &args;
    let identity = NewIdentity { identity: id, authtype, default: false, email, password: password.as_deref() };
    api::accounts::add_identity(context.client()?, account_name, &identity).await?;
    let record = json!({"account": account_name, "identity": id, "type": authtype, "email": email});
    let text = || format!("Added new identity to account: {id}-{account_name}");
    context.ui.one(Shape::named(&["identity"], &[]), &record, text)
}

fn check(args: &Args) -> Result<()> {
    let missing = match args {
        Args { email, .. } if email.is_empty() => {
            "Error: --email argument can't be an empty string. Failed to grant an identity access to an account"
        }
        Args { authtype, password, .. } if authtype == "USERPASS" && password.as_ref().is_none_or(String::is_empty) => {
            "Missing --password argument: an identity of type USERPASS requires it"
        }
        _ => return Ok(()),
    };
    Err(Error::new(Exception::InputValidationError, missing))
}
