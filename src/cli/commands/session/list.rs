//! `rucio session list`

use serde::Serialize;

use super::view::{Checked, View};
use crate::auth::session;
use crate::cli::context::Context;
use crate::cli::leaf::{Extension, NoServer, PrintsList};
use crate::cli::ui::{Shape, Table};
use crate::config::token_folders;
use crate::error::Result;

const SHAPE: Shape = Shape::named(
    &["account"],
    &[
        "current",
        "host",
        "auth_host",
        "account",
        "vo",
        "auth_type",
        "source",
        "issued_at",
        "expires_at",
        "seconds_left",
        "state",
    ],
);

/// List all of your sessions on this machine, by server, account and authentication method
///
/// Does not contact any server. The session that commands use is marked.
#[derive(Debug, clap::Args)]
#[command(add = Extension, add = NoServer::Always, add = PrintsList)]
pub(crate) struct Args {}

#[derive(Serialize)]
struct Row<'a> {
    current: bool,
    #[serde(flatten)]
    view: &'a View,
}

pub(crate) async fn run(context: &Context, _args: Args) -> Result<()> {
    let login = context.login().ok();
    let mut folders = token_folders(&context.env)?;
    // The directory of a token file set in the configuration.
    folders.extend(login.map(|login| login.settings().token_dir.clone()).filter(|folder| !folders.contains(folder)));
    let sessions = session::all(&folders, login);
    if sessions.is_empty() {
        context.ui.line(&format!("No saved sessions. To log in: `{}`", context.command("login")))?;
    }
    let mut list = context.ui.list(SHAPE);
    if !sessions.is_empty() {
        list =
            list.with_table(Table::simple(["", "HOST", "ACCOUNT", "METHOD", "STATE", "TIME LEFT"]).without_numbers());
    }
    for (session, current) in &sessions {
        let view = View::new(session, Checked::No);
        list.row(&Row { current: *current, view: &view }, || view.cells(*current))?;
    }
    list.end()
}
