//! `rucio settings unset`

use super::{set, split};
use crate::cli::context::Context;
use crate::cli::leaf::{Extension, NoServer};
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

/// Remove an option from the configuration file
///
/// Example: rucio settings unset vo
#[derive(Debug, clap::Args)]
#[command(add = Extension, add = NoServer::Always)]
pub(crate) struct Args {
    /// Option, as SECTION.OPTION; without a section it is one of [client]
    #[arg(add = ValueKind::Setting)]
    option: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let (section, option) = split(&args.option);
    // An option that is missing would not be noticed otherwise.
    if context.config()?.options(&section).iter().all(|(name, _)| *name != option) {
        let file = context.config()?.path().display().to_string();
        let details = format!("{file} has no option {option} in section [{section}].");
        return Err(crate::error::Error::value(details));
    }
    set::change(context, &section, &option, None)
}
