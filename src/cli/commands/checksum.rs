//! `rucio checksum`

use clap::ValueHint;

use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use futures_util::{StreamExt, stream};
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::leaf::{Extension, NoServer};
use crate::cli::ui::Shape;
use crate::error::{Error, Result};
use crate::transfer::checksum::digests::Digests;

/// File name that means standard input.
const STDIN: &str = "-";
const SHAPE: Shape = Shape::named(&["path"], &["path", "bytes", "adler32", "md5"]);

/// Compute the checksums of local files, in the catalogue's format
///
/// Computes Adler-32 and MD5 in one read of each file, several files in parallel. Prints one line per file: adler32,
/// md5, size in bytes and path, separated by blanks. Unreadable files are reported on standard error; the others are
/// printed, and the command exits with 1. Needs no configuration and no server.
///
/// Example: rucio checksum data/*.root
///
/// Example: tar c results | rucio checksum - | while read -r adler32 md5 bytes path; do echo "$adler32"; done
#[derive(Debug, clap::Args)]
#[command(add = Extension, add = NoServer::Always)]
pub(crate) struct Args {
    /// Files to read (- for standard input)
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub file_paths: Vec<PathBuf>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let at_a_time = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let digests = args.file_paths.iter().map(|path| async move { (path, digests(path.clone()).await) });
    let mut digests = stream::iter(digests).buffered(at_a_time);
    let mut list = context.ui.list(SHAPE);
    let mut failed = 0;
    while let Some((path, digests)) = digests.next().await {
        let path = path.to_string_lossy();
        match digests {
            Ok(digests) => {
                let bytes = digests.bytes;
                let adler32 = digests.adler32.to_string();
                let md5 = digests.md5.to_string();
                let record = json!({"path": path, "bytes": bytes, "adler32": adler32, "md5": md5});
                list.line(&record, || format!("{adler32} {md5} {bytes} {path}"))?;
            }
            Err(error) => {
                failed += 1;
                tracing::error!("Cannot read {path}: {error}");
            }
        }
    }
    list.end()?;
    match failed {
        0 => Ok(()),
        _ => Err(Error::value(format!("{failed} of {} file(s) could not be read.", args.file_paths.len()))),
    }
}

/// Reads a file on a blocking thread, so that files are read in parallel and a slow one does not delay the others.
async fn digests(path: PathBuf) -> io::Result<Digests> {
    let read = move || {
        if path == Path::new(STDIN) {
            Digests::from_reader(io::stdin().lock())
        } else {
            Digests::from_reader(File::open(path)?)
        }
    };
    tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?
}
