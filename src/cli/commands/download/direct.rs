//! Downloads without a search: from a given PFN, or from a metalink document.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use super::summary::Summary;
use super::{Job, PROTOCOLS};
use crate::api::replicas::{self, Query};
use crate::config;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::input_file::{Limited, limited};
use crate::transfer::events::{DownloadObserver, RunEvent};
use crate::transfer::job::{FileJob, Source};
use crate::transfer::listing::metalink::Metalink;
use crate::transfer::plan::{self, Planner, Route, Rules};
use crate::transfer::scheduler::Concurrency;
use crate::transfer::select::selection::Skipped;
use crate::transfer::session::DownloadSession;
use crate::transfer::trace::Tracer;
use crate::types::{Did, ReplicaEntry};

/// Files of a download without a search.
pub(super) struct DirectDownload {
    /// The files.
    pub(super) jobs: Vec<FileJob>,
    dids: Vec<Did>,
    slots: Concurrency,
    speed: Option<f64>,
    /// Number of files that were not selected.
    pub(super) skipped: Skipped,
}

/// Returns the files of `--pfn` or `--metalink`, if one is given.
pub(super) async fn direct_download(job: &Job<'_>) -> Result<Option<DirectDownload>> {
    match (&job.args.pfn, &job.args.metalink) {
        (Some(place), _) => pfn(job, place).await.map(Some),
        (None, Some(path)) => metalink(job, Path::new(path)).map(Some),
        (None, None) => Ok(None),
    }
}

impl DirectDownload {
    /// Downloads the files.
    pub(super) async fn fetch(self, job: &Job<'_>, tracer: Option<&Tracer>) -> Result<Summary> {
        let session = DownloadSession { downloader: job.downloader(tracer, self.speed)?, slots: self.slots };
        let tally = session.fetch_all(self.jobs).await;
        Ok(Summary::new(self.dids.into_iter().map(|did| (did, None)).collect(), tally, self.skipped))
    }
}

/// Returns the file at a PFN.
async fn pfn(job: &Job<'_>, pfn: &str) -> Result<DirectDownload> {
    let text = &job.args.dids[0];
    if text.contains('*') {
        return Err(Error::new(Exception::InputValidationError, "Cannot use PFN download with wildcard in DID"));
    }
    let did = job.context.did(&job.args.with_scope(text))?;
    job.watch.run(RunEvent::Requested(1));
    let known = catalogued(job, &did).await;
    let (rse, entry) = match &job.args.rses {
        Some(rse) => (rse.clone(), known.ok().flatten()),
        None => {
            tracing::warn!("No RSE was given, selecting one.");
            let entry = known?;
            (rse_of(entry.as_ref(), pfn)?, entry)
        }
    };
    let entry = entry.unwrap_or_else(|| nothing_known(did.clone()));
    let source =
        entry.pfns.iter().find(|(known, _)| known == pfn).map(|(pfn, at)| plan::source(&did, pfn.as_str().into(), at));
    let entry = ReplicaEntry { pfns: Vec::new(), ..entry };
    let mut file = planner(job).plan(entry, &[Route { request: 0, did: &did }]);
    file.sources = vec![source.unwrap_or_else(|| Source { pfn: pfn.into(), rse, member: None })];
    let mut skipped = Skipped::default();
    let jobs = if job.more.wanted.0.accepts(&did, &mut skipped) { vec![file] } else { Vec::new() };
    Ok(DirectDownload { jobs, dids: vec![did], slots: Concurrency::exactly(1), speed: None, skipped })
}

/// Looks up a file in the catalogue, for the size and checksum to verify against.
async fn catalogued(job: &Job<'_>, did: &Did) -> Result<Option<ReplicaEntry>> {
    let query = Query {
        dids: vec![did.clone()],
        schemes: Some(PROTOCOLS.map(str::to_owned).into()),
        client_location: Some(config::location(&job.context.env)),
        resolve_archives: !job.args.no_resolve_archives,
        ..Query::default()
    };
    replicas::list(job.client, &query).await?.next().await
}

fn rse_of(entry: Option<&ReplicaEntry>, pfn: &str) -> Result<String> {
    let place = entry.and_then(|entry| entry.pfns.iter().find(|(known, _)| known == pfn));
    let unknown = || Error::new(Exception::RSENotFound, format!("Could not find RSE for pfn {pfn}"));
    place.map(|(_, at)| at.rse.clone()).ok_or_else(unknown)
}

fn nothing_known(did: Did) -> ReplicaEntry {
    ReplicaEntry {
        did,
        bytes: None,
        adler32: None,
        md5: None,
        pfns: Vec::new(),
        rses: Vec::new(),
        states: Default::default(),
        parents: Vec::new(),
    }
}

/// Reads the selected files of a metalink document.
fn metalink(job: &Job<'_>, path: &Path) -> Result<DirectDownload> {
    if job.context.ui.has_log_lines() {
        tracing::info!("Getting sources from metalink file");
    }
    let (mut jobs, mut dids, mut skipped): (Vec<FileJob>, Vec<Did>, _) = (Vec::new(), Vec::new(), Skipped::default());
    let mut planner = planner(job);
    let mut files = MetalinkFile::open(path)?;
    while let Some(entry) = files.next()? {
        if job.more.wanted.0.accepts(&entry.did, &mut skipped) {
            let did = entry.did.clone();
            jobs.push(planner.plan(entry, &[Route { request: dids.len(), did: &did }]));
            dids.push(did);
        }
    }
    Ok(DirectDownload { jobs, dids, slots: job.slots(), speed: job.speed()?, skipped })
}

/// Reads the DIDs of the files of a metalink document.
pub(super) fn dids(path: &str) -> Result<Vec<String>> {
    let mut files = MetalinkFile::open(Path::new(path))?;
    std::iter::from_fn(|| files.next().transpose()).map(|entry| Ok(entry?.did.to_string())).collect()
}

/// A metalink document of any length, whose files are described in a limited number of bytes each.
struct MetalinkFile(Metalink<BufReader<Limited<File>>>);

impl MetalinkFile {
    fn open(path: &Path) -> Result<Self> {
        let input = File::open(path).map_err(|error| Error::file(path, error))?;
        Ok(Self(Metalink::new(BufReader::new(limited(input)))))
    }

    fn next(&mut self) -> Result<Option<ReplicaEntry>> {
        self.0.input().get_mut().renew();
        self.0.next_file()
    }
}

fn planner(job: &Job<'_>) -> Planner {
    Planner::new(Rules { no_subdir: job.args.no_subdir, no_archives: job.args.no_resolve_archives, ..Rules::default() })
}
