//! `rucio replica state update quarantine`

use serde_json::json;

use super::{lines_of, the_file};
use crate::api::replicas::states;
use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// How many paths go to the server at a time.
const CHUNK: usize = 1000;
const SHAPE: Shape = Shape::named(&["path"], &["rse", "path"]);

/// Quarantine files on an RSE that the catalogue does not know, so that they are deleted
///
/// Example: rucio replica state update quarantine --rse XRD1 /rucio/lost/file1 /rucio/lost/file2
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Paths on the RSE
    #[arg(value_name = "PATHS")]
    pub replicas: Vec<String>,
    /// PATHS is one file with a path on each line
    #[arg(long)]
    pub as_file: bool,
    /// The RSE
    #[arg(long, alias = "rse-name")]
    pub rse: Option<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let Some(rse) = args.rse else {
        return Err(Error::new(Exception::InputValidationError, "At which RSE? Name it with --rse."));
    };
    let paths = match args.as_file {
        true => lines_of(the_file(&args.replicas)?)?,
        false => trimmed(&args.replicas),
    };
    let client = context.client()?;
    let mut list = context.ui.list(SHAPE);
    for chunk in paths.chunks(CHUNK) {
        states::quarantine(client, &rse, chunk).await?;
        chunk.iter().try_for_each(|path| list.record(&json!({"rse": rse, "path": path})))?;
    }
    list.end()
}

fn trimmed(paths: &[String]) -> Vec<String> {
    paths.iter().map(|path| path.trim()).filter(|path| !path.is_empty()).map(str::to_owned).collect()
}
