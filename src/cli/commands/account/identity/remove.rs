//! `rucio account identity remove`

use serde_json::json;

use super::TYPES;
use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

/// Remove an identity from an account
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Account to change
    #[arg(add = ValueKind::Account)]
    pub account_name: String,
    /// Authentication type of the identity
    #[arg(long = "type", value_parser = TYPES)]
    pub authtype: String,
    /// Identity to remove, as shown by rucio account identity list
    #[arg(long, value_name = "IDENTITY", allow_hyphen_values = true)]
    pub id: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let Args { account_name, authtype, id } = &args;
    api::accounts::delete_identity(context.client()?, account_name, id, authtype).await?;
    let record = json!({"account": account_name, "identity": id, "type": authtype});
    context.ui.one(Shape::named(&["identity"], &[]), &record, || format!("Deleted identity: {id}"))
}
