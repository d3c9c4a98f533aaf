//! `rucio replica state update quarantine`

use serde_json::json;

use super::{lines_of, the_file};
use crate::api::replicas::states;
use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::cli::value_kind::ValueKind;
use crate::error::{Error, Result};

/// Paths per request.
const CHUNK: usize = 1000;
const SHAPE: Shape = Shape::named(&["path"], &["rse", "path"]);

/// Quarantine files at an RSE that are not in the catalogue (dark data), so that they are deleted
///
/// Example: rucio replica state update quarantine --rse XRD1 /rucio/lost/file1 /rucio/lost/file2
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Paths at the RSE
    #[arg(value_name = "PATHS", add = ValueKind::Did)]
    pub replicas: Vec<String>,
    /// Read the paths from the file PATHS, one per line
    #[arg(long)]
    pub as_file: bool,
    /// RSE name
    #[arg(long, alias = "rse-name", add = ValueKind::Rse)]
    pub rse: Option<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let Some(rse) = args.rse else {
        return Err(Error::value("Either RSE name or RSE id must be specified, but not both: use --rse."));
    };
    let paths = if args.as_file { lines_of(the_file(&args.replicas, "as-file")?)? } else { trimmed(&args.replicas) };
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
