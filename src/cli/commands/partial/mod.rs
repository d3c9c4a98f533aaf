//! `rucio partial ...`: partial files, which interrupted downloads leave and resume.

pub(crate) mod clean;
pub(crate) mod list;

use std::path::Path;

use serde_json::{Value, json};

use crate::cli::commands::group;
use crate::cli::commands::session::view::iso;
use crate::cli::ui::Shape;
use crate::error::{Error, Result};
use crate::time::unix_time;
use crate::transfer::partial_file::found::{self, FoundPartialFile, PartialFileState};

const SHAPE: Shape = Shape::named(&["path"], &["path", "file", "bytes", "modified_at", "age", "state"]);

group! {
    Clean(clean::Args),
    List(list::Args),
}

/// Returns the partial files below a directory; warns about directories that cannot be read.
fn find(dir: &str) -> Result<Vec<FoundPartialFile>> {
    let cannot = |error| Error::io(format!("Cannot read the directory {dir}"), error);
    let found = found::find(Path::new(dir)).map_err(cannot)?;
    for (path, error) in found.unreadable {
        tracing::warn!("Cannot read the directory {}: {error}", path.display());
    }
    Ok(found.files)
}

fn age(file: &FoundPartialFile) -> i64 {
    (unix_time() - file.modified).max(0)
}

fn state(file: &FoundPartialFile) -> &'static str {
    match file.state {
        PartialFileState::Idle => "idle",
        PartialFileState::InUse => "in use",
        PartialFileState::Foreign => "not yours",
    }
}

fn record(file: &FoundPartialFile, state: &str) -> Value {
    json!({
        "path": file.path, "file": file.destination, "bytes": file.bytes, "modified_at": iso(file.modified),
        "age": age(file), "state": state,
    })
}
