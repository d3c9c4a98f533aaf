//! `rucio token`

use std::time::Duration;

use serde_json::json;

use crate::auth::session;
use crate::cli::context::Context;
use crate::cli::duration;
use crate::cli::leaf::Extension;
use crate::cli::ui::Shape;
use crate::error::Result;

/// HTTP header that carries the token.
const HEADER: &str = "X-Rucio-Auth-Token";
const TOKEN: Shape = Shape::named(&["token"], &["token"]);
const LINE: Shape = Shape::named(&["header"], &["header"]);

/// Print a valid token, for curl and scripts
///
/// Logs in if that needs no interaction. Anyone who has the token can act as you until it expires.
///
/// Example: curl -H "$(rucio token --header)" https://rucio.example.org/accounts/whoami
#[derive(Debug, clap::Args)]
#[command(add = Extension)]
pub(crate) struct Args {
    /// Print the complete header line
    #[arg(long)]
    header: bool,
    /// Minimum remaining lifetime: seconds, or 10m, 2h; a token that expires sooner is replaced
    #[arg(long, value_name = "DURATION", default_value = "60", value_parser = duration::parse)]
    min_life: Duration,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let min_life = i64::try_from(args.min_life.as_secs()).unwrap_or(i64::MAX);
    let token = session::token(&context.non_interactive_login()?, min_life).await?;
    let line = format!("{HEADER}: {}", token.expose());
    let record = json!({"token": token.expose(), "header": line});
    if args.header {
        context.ui.one(LINE, &record, || line)
    } else {
        context.ui.one(TOKEN, &record, || token.expose().to_owned())
    }
}
