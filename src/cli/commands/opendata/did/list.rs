//! `rucio opendata did list`

use super::State;
use crate::api;
use crate::api::opendata::Access;
use crate::cli::context::Context;
use crate::cli::leaf::PrintsList;
use crate::cli::ui::{Shape, Table};
use crate::error::{Error, Result};

const SHAPE: Shape = Shape::did(&["scope", "name", "state", "created_at", "updated_at"]);

/// List entries of the open data catalogue
///
/// Example: rucio opendata did list --state public
#[derive(Debug, clap::Args)]
#[command(add = PrintsList)]
pub(crate) struct Args {
    /// List only entries in this state
    #[arg(long, value_enum, ignore_case = true)]
    state: Option<State>,
    /// List only public entries, without logging in
    #[arg(long)]
    public: bool,
    /// Print only the DIDs, one per line
    #[arg(long)]
    short: bool,
}

pub(super) async fn run(context: &Context, args: Args) -> Result<()> {
    if args.public && args.state.is_some() {
        return Err(Error::value(
            "state and public cannot be provided at the same time. All entries of --public are public.".to_owned(),
        ));
    }
    let host = context.config()?.opendata_host();
    let access = if args.public { Access::Public(host.as_deref()) } else { Access::Member };
    let found = api::opendata::list(context.client()?, access, args.state.map(State::name)).await?;
    let mut list = context.ui.list(SHAPE);
    if !args.short {
        list = list.with_table(Table::psql(["SCOPE:NAME", "[STATE]"]));
    }
    for entry in &found.dids {
        if args.short {
            list.line(entry, || entry.did.to_string())?
        } else {
            list.row(entry, || [entry.did.to_string(), entry.state.clone()])?
        }
    }
    list.end()
}
