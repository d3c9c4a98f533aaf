//! `rucio download --dry-run`: what would be downloaded, from where, to which path.

use std::path::Path;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{Job, direct};
use crate::cli::context::Context;
use crate::cli::ui::values::{Num, sizefmt};
use crate::cli::ui::{Shape, one_line};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::transfer::checksum::Checksum;
use crate::transfer::download::is_right;
use crate::transfer::job::{Duplicate, FileJob, Source};
use crate::transfer::listing;
use crate::transfer::select::selection::Skipped;

const SHAPE: Shape = Shape::did(&["scope", "name", "state", "bytes", "rse", "pfn", "path", "reason"]);

/// Prints the result for an empty list.
pub(super) fn show_empty(context: &Context) -> Result<()> {
    context.ui.list(SHAPE).end()
}

/// Totals of the files printed so far.
#[derive(Default)]
struct Totals {
    files: u64,
    bytes: u64,
    there: u64,
    failed: u64,
}

/// Planned action for a file.
enum PlannedAction<'a> {
    /// Download it from this source.
    Download(&'a Source),
    /// Skip it: it exists already.
    There,
    /// Copy it: it is downloaded into another folder.
    Copy,
    /// Report it: it is not available, for this reason.
    No(String),
}

/// Prints every file; nothing is written or downloaded. Errors: files are not available (unless that is ignored).
pub(super) async fn show(job: &Job<'_>) -> Result<()> {
    let (sender, jobs) = listing::queue();
    let mut list = job.context.ui.list(SHAPE);
    let mut sum = Totals::default();
    // If standard output is closed, this ends and drops the queue, which ends the listing.
    let showing = async {
        let mut jobs = jobs;
        while let Some(file) = jobs.recv().await {
            let action = planned_action(job, &file).await;
            list.line(&record(job, &file, &action), || line(job, &file, &action))?;
            sum.add(&file, &action);
        }
        Ok::<(), Error>(())
    };
    let (planned, shown) = tokio::join!(plan(job, sender), showing);
    shown?;
    let skipped = planned?;
    list.end()?;
    sum.show(job, skipped)
}

async fn plan(job: &Job<'_>, sender: mpsc::Sender<FileJob>) -> Result<Skipped> {
    match direct::direct_download(job).await? {
        None => job.download_request().await?.plan(job.client, &job.watch, sender).await,
        Some(given) => {
            for file in given.jobs {
                if sender.send(file).await.is_err() {
                    break;
                }
            }
            Ok(given.skipped)
        }
    }
}

async fn planned_action<'f>(job: &Job<'_>, file: &'f FileJob) -> PlannedAction<'f> {
    if let Some(obstacle) = &file.obstacle {
        return PlannedAction::No(obstacle.clone());
    }
    if is_there(job, file).await {
        return PlannedAction::There;
    }
    if matches!(file.duplicate, Duplicate::Later(_)) {
        return PlannedAction::Copy;
    }
    let readable = file.sources.iter().find(|source| job.storages.for_pfn(&source.pfn).is_ok());
    match (readable, file.sources.first()) {
        (Some(source), _) => PlannedAction::Download(source),
        (None, None) => PlannedAction::No("no known replica".to_owned()),
        (None, Some(source)) => PlannedAction::No(
            job.storages.for_pfn(&source.pfn).err().map(|error| error.to_string()).unwrap_or_default(),
        ),
    }
}

/// Returns whether a file with the right content exists at one of the destinations.
async fn is_there(job: &Job<'_>, file: &FileJob) -> bool {
    let bytes = file.bytes;
    let checksum = file.checksum;
    let options = job.options();
    let paths: Vec<_> = file.destinations.iter().map(|path| Path::new(&job.args.dir).join(path)).collect();
    let look = move || {
        let right = |path: &Path| path.is_file() && matches!(is_right(path, bytes, checksum, options), Ok(true));
        paths.iter().any(|path| right(path))
    };
    tokio::task::spawn_blocking(look).await.unwrap_or(false)
}

impl PlannedAction<'_> {
    fn word(&self) -> &'static str {
        match self {
            Self::Download(_) => "download",
            Self::There => "there",
            Self::Copy => "copy",
            Self::No(_) => "cannot",
        }
    }
}

fn path(job: &Job<'_>, file: &FileJob) -> Option<String> {
    file.destinations.first().map(|path| Path::new(&job.args.dir).join(path).to_string_lossy().into_owned())
}

fn record(job: &Job<'_>, file: &FileJob, action: &PlannedAction<'_>) -> Value {
    let source = if let PlannedAction::Download(source) = action { Some(source) } else { None };
    let kind = |wanted: bool| wanted.then(|| file.checksum.to_string());
    json!({
        "scope": file.did.scope,
        "name": file.did.name,
        "state": action.word(),
        "bytes": file.bytes,
        "adler32": kind(matches!(file.checksum, Checksum::Adler32(_))),
        "md5": kind(matches!(file.checksum, Checksum::Md5(_))),
        "rse": source.map(|source| &source.rse),
        "pfn": source.map(|source| source.pfn.as_str()),
        "path": path(job, file),
        "reason": if let PlannedAction::No(reason) = action { Some(reason) } else { None },
    })
}

fn line(job: &Job<'_>, file: &FileJob, action: &PlannedAction<'_>) -> String {
    let size = file.bytes.map_or_else(|| "?".to_owned(), |bytes| sizefmt(Some(Num::from(bytes)), job.context.human));
    let begin = format!("{:8} {size:>12} {}", action.word(), file.did);
    let path = path(job, file).unwrap_or_default();
    let line = match action {
        PlannedAction::Download(source) => format!("{begin} from {} to {path}", source.rse),
        PlannedAction::There | PlannedAction::Copy => format!("{begin} at {path}"),
        PlannedAction::No(reason) => format!("{begin}: {reason}"),
    };
    one_line(&line).into_owned()
}

impl Totals {
    fn add(&mut self, file: &FileJob, action: &PlannedAction<'_>) {
        match action {
            PlannedAction::Download(_) => {
                self.files += 1;
                self.bytes += file.bytes.unwrap_or(0);
            }
            PlannedAction::There => self.there += 1,
            PlannedAction::Copy => {}
            PlannedAction::No(_) => self.failed += 1,
        }
    }

    fn show(&self, job: &Job<'_>, skipped: Skipped) -> Result<()> {
        let Self { files, bytes, there, failed } = self;
        let size = sizefmt(Some(Num::from(*bytes)), job.context.human);
        let skipped = match skipped.by_name + skipped.other_shards {
            0 => String::new(),
            skipped => format!(" {skipped} file(s) not selected."),
        };
        let line = format!(
            "Would download {files} file(s), {size}; {there} already present, {failed} not available.{skipped}"
        );
        job.context.ui.line(&line)?;
        match failed {
            0 => Ok(()),
            _ if job.args.no_show_download_exceptions => Ok(()),
            _ => Err(Error::new(Exception::NotAllFilesDownloaded, format!("{failed} file(s) not available."))),
        }
    }
}
