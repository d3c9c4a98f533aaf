//! `rucio verify`: compares local files with the catalogue.
//!
//! `collection` handles DIDs, `folder` directories; findings are printed and counted here. Checksums are computed in
//! `transfer::verify`.

mod collection;
mod count;
mod folder;

use clap::ValueHint;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cli::context::Context;
use crate::cli::interrupt::unless_interrupted;
use crate::cli::leaf::Extension;
use crate::cli::ui::{Listing, Progress, Shape, one_line};
use crate::cli::value_kind::ValueKind;
use crate::error::{Error, Result};
use crate::transfer::checksum::Checksum;
use crate::transfer::report::MissingList;
use crate::transfer::verify::{FileCheck, verify_file};
use crate::types::{Did, FileMetadata};
use count::Count;

const SHAPE: Shape = Shape { name: &["path"], columns: &["scope", "name", "path", "state", "expected", "found"] };

/// Verify local files against the catalogue (size and checksum)
///
/// For a DID, each of its files is checked where `rucio download --dir DIR DID` writes it. For a directory, each file
/// in it is looked up in the scope that the directory is named after, or in --scope. Files that differ are listed as
/// missing, extra, wrong_size, wrong_checksum or unreadable. Exits with 0 if all files are correct, else with 1.
///
/// Example: rucio verify --dir data user.jdoe:analysis.1
///
/// Example: rucio verify --failed-list bad.txt user.jdoe:analysis.1 || rucio download --files-from bad.txt
#[derive(Debug, clap::Args)]
#[command(add = Extension)]
pub(crate) struct Args {
    /// Downloaded DIDs, or directories named after a scope
    #[arg(required = true, value_name = "DID|DIR", add = ValueKind::Did)]
    pub dids: Vec<String>,
    /// Directory with the files of the DIDs, as in `rucio download`
    #[arg(long, default_value = ".", value_hint = ValueHint::DirPath)]
    pub dir: String,
    /// Files are directly in DIR (as with download --no-subdir); ignore others
    #[arg(long)]
    pub no_subdir: bool,
    /// Scope of the files, for directories not named after it
    #[arg(long, add = ValueKind::Scope)]
    pub scope: Option<String>,
    /// Ignore extra files, which do not belong to the DIDs or the scope
    #[arg(long)]
    pub ignore_extra: bool,
    /// Write the DIDs of missing and wrong files to FILE, for `rucio download --files-from`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub failed_list: Option<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    // Until it is complete, the failed list is a temporary file, which must not stay after Ctrl-C.
    unless_interrupted(verify(context, &args)).await
}

async fn verify(context: &Context, args: &Args) -> Result<()> {
    let client = context.client()?;
    let (folders, dids): (Vec<_>, Vec<_>) = args.dids.iter().partition(|text| is_folder(text));
    let dids = dids.into_iter().map(|text| context.did(text)).collect::<Result<Vec<_>>>()?;
    let bars = Bars(Progress::new(&context.ui));
    let mut report = VerifyReport::new(context, args, bars.0.clone())?;
    for folder in folders {
        folder::verify(&mut report, client, Path::new(folder), args.scope.as_deref()).await?;
    }
    collection::verify(&mut report, client, args, &dids).await?;
    report.finish()
}

/// The bars, which disappear with this, also on Ctrl-C.
struct Bars(Option<Progress>);

impl Drop for Bars {
    fn drop(&mut self) {
        if let Some(progress) = &self.0 {
            progress.finish();
        }
    }
}

/// Returns whether it is a local directory and cannot be a DID.
fn is_folder(text: &str) -> bool {
    !text.contains(':') && Path::new(text).is_dir()
}

/// Returns how many files are read in parallel: one per CPU.
fn worker_count() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// A file in the catalogue, and its expected local path.
struct ExpectedFile {
    did: Did,
    /// The collection that was requested, or the file itself.
    dataset: Did,
    bytes: Option<u64>,
    checksum: Checksum,
    path: PathBuf,
}

impl ExpectedFile {
    /// Checks the local file in a blocking thread, with a bar at a terminal.
    async fn check(self, progress: Option<&Progress>) -> (Self, FileCheck) {
        let path = self.path.clone();
        let bytes = self.bytes;
        let checksum = self.checksum;
        let size = bytes.unwrap_or(0);
        let bar = progress.map(|progress| (progress.clone(), progress.file_started(&self.did.to_string(), "", size)));
        let check = move || {
            let Some((progress, bar)) = bar else { return verify_file(&path, bytes, checksum, |_| ()) };
            let finding = verify_file(&path, bytes, checksum, |read| bar.advance(read));
            if finding == FileCheck::Ok {
                bar.finish();
            } else {
                drop(bar);
                progress.failed(size);
            }
            finding
        };
        let found = tokio::task::spawn_blocking(check).await;
        let finding = found.unwrap_or_else(|error| FileCheck::Unreadable(error.to_string()));
        (self, finding)
    }
}

/// Returns the checksum to verify a file against.
fn checksum(known: &FileMetadata) -> Checksum {
    Checksum::new(known.adler32.as_deref(), known.md5.as_deref())
}

/// Prints and counts findings, and writes the failed list.
struct VerifyReport<'a> {
    context: &'a Context,
    list: Listing<'a>,
    /// The bars at a terminal.
    progress: Option<Progress>,
    missing: Option<MissingList>,
    count: Count,
    extra_is_fine: bool,
}

impl<'a> VerifyReport<'a> {
    fn new(context: &'a Context, args: &Args, progress: Option<Progress>) -> Result<Self> {
        let missing = args.failed_list.as_deref().map(|path| MissingList::new(Path::new(path)));
        let missing = missing.transpose().map_err(unwritten)?;
        let list = context.ui.list(SHAPE);
        let count = Count::default();
        Ok(Self { context, list, progress, missing, count, extra_is_fine: args.ignore_extra })
    }

    /// Adds a file to verify to the total of the bars.
    fn expect(&self, bytes: Option<u64>) {
        if let Some(progress) = &self.progress {
            progress.expect(1, bytes.unwrap_or(0));
        }
    }

    /// Reports the finding about a file in the catalogue.
    fn report_finding(&mut self, known: &ExpectedFile, finding: &FileCheck) -> Result<()> {
        let (state, expected, found) = words(finding);
        let path = known.path.to_string_lossy();
        let record = json!({
            "scope": known.did.scope, "name": known.did.name, "path": path,
            "state": state, "expected": expected, "found": found,
        });
        self.count.add(state);
        if *finding == FileCheck::Ok {
            return self.list.record(&record);
        }
        if let Some(missing) = &mut self.missing {
            missing.add(&known.did, &known.dataset).map_err(unwritten)?;
        }
        self.list.line(&record, || {
            let difference = match (&expected, &found) {
                (Value::Null, Value::Null) => String::new(),
                (Value::Null, found) => format!(": {}", plain(found)),
                (expected, found) => format!(": {}, not {}", plain(found), plain(expected)),
            };
            one_line(&format!("{state:14} {} at {path}{difference}", known.did)).into_owned()
        })
    }

    /// Reports a local file that is not in the scope or the DID.
    fn extra(&mut self, did: Option<&Did>, path: &Path) -> Result<()> {
        if self.extra_is_fine {
            return Ok(());
        }
        self.count.add("extra");
        let (scope, name) = did.map(|did| (&did.scope, &did.name)).unzip();
        let path = path.to_string_lossy();
        let record =
            json!({"scope": scope, "name": name, "path": path, "state": "extra", "expected": null, "found": null});
        self.list.line(&record, || one_line(&format!("{:14} {path}", "extra")).into_owned())
    }

    fn finish(self) -> Result<()> {
        self.list.end()?;
        self.context.ui.line(&self.count.line())?;
        if let Some(missing) = self.missing {
            missing.finish().map_err(unwritten)?;
        }
        self.count.verdict()
    }
}

fn words(finding: &FileCheck) -> (&'static str, Value, Value) {
    match finding {
        FileCheck::Ok => ("ok", Value::Null, Value::Null),
        FileCheck::Missing => ("missing", Value::Null, Value::Null),
        FileCheck::WrongSize { expected, found } => ("wrong_size", (*expected).into(), (*found).into()),
        FileCheck::WrongChecksum { expected, found } => {
            ("wrong_checksum", expected.to_string().into(), found.to_string().into())
        }
        FileCheck::Unreadable(reason) => ("unreadable", Value::Null, reason.as_str().into()),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn unwritten(error: std::io::Error) -> Error {
    Error::io("Cannot write --failed-list", error)
}
