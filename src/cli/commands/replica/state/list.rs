//! `rucio replica state list`

use crate::api::replicas::states::{self, Suspicion};
use crate::cli::context::Context;
use crate::cli::leaf::PrintsList;
use crate::cli::ui::{Cell, Shape, Table};
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

const SHAPE: Shape = Shape::did(&["rse", "scope", "name", "created_at", "cnt"]);

/// List suspicious replicas: those with failed transfers or downloads
///
/// Example: rucio replica state list suspicious --rses XRD1 --n-attempts 3
#[derive(Debug, clap::Args)]
#[command(add = PrintsList)]
pub(crate) struct Args {
    /// Replica state; the server lists no other
    #[arg(value_parser = ["suspicious"])]
    pub state_type: String,
    #[command(flatten)]
    pub which: Which,
}

/// Filters of the list.
#[derive(Debug, clap::Args)]
pub(crate) struct Which {
    /// List only replicas at RSEs matching this expression
    #[arg(long, alias = "rse-exp", value_name = "EXPRESSION", add = ValueKind::RseExpression)]
    pub rses: Option<String>,
    /// List only replicas reported since this time, as 2026-11-29T00:00:00 [default: ten days ago]
    #[arg(long, value_name = "TIME")]
    pub younger_than: Option<String>,
    /// List only replicas reported more often than this
    #[arg(long, value_name = "NUMBER")]
    pub n_attempts: Option<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    list_suspicious(context, args.which).await
}

/// Lists the suspicious replicas.
pub(crate) async fn list_suspicious(context: &Context, which: Which) -> Result<()> {
    let suspicion = Suspicion {
        rse_expression: which.rses.as_deref(),
        younger_than: which.younger_than.as_deref(),
        nattempts: which.n_attempts.as_deref(),
    };
    let headers = ["RSE Expression:", "Scope:", "Created at:", "Nattempts:", "File Name:"];
    let mut list = context.ui.list(SHAPE).with_table(Table::simple(headers));
    for replica in states::suspicious(context.client()?, suspicion).await? {
        list.row(&replica, || {
            let rse = &replica.rse;
            let scope = &replica.did.scope;
            let name = &replica.did.name;
            let at = Cell::member(&replica.created_at);
            let count = Cell::member(&replica.cnt);
            [rse.as_str().into(), scope.as_str().into(), at, count, name.as_str().into()]
        })?;
    }
    list.end()
}
