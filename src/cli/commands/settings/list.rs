//! `rucio settings list`

use super::{SHAPE, all, origin, record, shown};
use crate::cli::context::Context;
use crate::cli::leaf::{Extension, NoServer, PrintsList};
use crate::error::Result;

/// List the options that are set, with the values in force
///
/// An option of the command line or a variable overrides the configuration file. Secrets are hidden.
///
/// Example: rucio settings list --show-origin
#[derive(Debug, clap::Args)]
#[command(add = Extension, add = NoServer::Always, add = PrintsList)]
pub(crate) struct Args {
    /// Show where each value comes from: the line of the file, the variable or the command line
    #[arg(long)]
    show_origin: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let mut list = context.ui.list(SHAPE);
    for option in all(context)? {
        let origin = origin(context, &option)?;
        list.line(&record(&option, &origin), || {
            let line = format!("{}.{}={}", option.section, option.option, shown(&option));
            if args.show_origin { format!("{origin}\t{line}") } else { line }
        })?;
    }
    list.end()
}
