//! `rucio settings get`

use super::{SHAPE, all, origin, record, shown, split};
use crate::cli::context::Context;
use crate::cli::leaf::{Extension, NoServer};
use crate::cli::value_kind::ValueKind;
use crate::error::{Error, Result};

/// Show the value of an option that is in force
///
/// Exits with 1 if the option is not set. Secrets are hidden.
///
/// Example: rucio settings get rucio_host
#[derive(Debug, clap::Args)]
#[command(add = Extension, add = NoServer::Always)]
pub(crate) struct Args {
    /// Option, as SECTION.OPTION; without a section it is one of [client]
    #[arg(add = ValueKind::Setting)]
    option: String,
    /// Show where the value comes from: the line of the file, the variable or the command line
    #[arg(long)]
    show_origin: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let (section, option) = split(&args.option);
    let found = all(context)?.into_iter().find(|known| known.section == section && known.option == option);
    let Some(found) = found else {
        return Err(Error::value(format!("The option {option} in section [{section}] is not set.")));
    };
    let origin = origin(context, &found)?;
    context.ui.one(SHAPE, &record(&found, &origin), || {
        if args.show_origin { format!("{origin}\t{}", shown(&found)) } else { shown(&found).to_owned() }
    })
}
