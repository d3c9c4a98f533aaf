//! `rucio account identity remove`

use serde_json::json;

use super::TYPES;
use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::error::Result;

/// No longer let an identity log in as an account
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The account
    pub account_name: String,
    /// How it logs in
    #[arg(long = "type", value_parser = TYPES)]
    pub authtype: String,
    /// The identity, as rucio account identity list shows it
    #[arg(long, value_name = "IDENTITY", allow_hyphen_values = true)]
    pub id: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let Args { account_name, authtype, id } = &args;
    api::accounts::delete_identity(context.client()?, account_name, id, authtype).await?;
    let record = json!({"account": account_name, "identity": id, "type": authtype});
    context.ui.one(Shape::named(&["identity"], &[]), &record, || format!("Deleted identity: {id}"))
}
