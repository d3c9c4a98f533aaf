//! `rucio download`

mod access;
mod filter;
mod options;
mod reporter;
mod single;
mod summary;
mod traces;

use std::path::Path;
use std::time::Duration;

use reporter::Reporter;
use summary::Summary;
use tokio::signal::unix::{SignalKind, signal};

use crate::api::accounts;
use crate::api::replicas::Query;
use crate::cli::context::Context;
use crate::config;
use crate::error::{Error, Result};
use crate::http::Client;
use crate::storage::Storages;
use crate::transfer::archives::Archives;
use crate::transfer::download::{Downloader, Options};
use crate::transfer::implementations::{Implementations, Wanted};
use crate::transfer::patience::Patience;
use crate::transfer::place::TargetFolder;
use crate::transfer::resolve::Wish;
use crate::transfer::scheduler::Lanes;
use crate::transfer::session::{Search, Session};
use crate::transfer::trace::{Fields, Tracer};

pub(crate) use options::Args;

/// The protocols that are asked for where the user names none: those for which the server makes a metalink document.
const PROTOCOLS: [&str; 11] =
    ["root", "davs", "http", "https", "file", "storm", "srm+https", "scp", "rsync", "rclone", "magnet"];
/// The protocols that aria2 knows.
const ARIA_PROTOCOLS: [&str; 2] = ["https", "davs"];
/// How many large files at a time, where the user says nothing.
const LANES: usize = 3;
/// The longest that the end of the program waits for the trace server.
const TRACE_GRACE: Duration = Duration::from_secs(2);

/// Downloads, until it is done or the user wants no more.
pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    args.check()?;
    let job = unless_interrupted(Job::new(context, &args)).await?;
    let tracer = traces::tracer(job.client)?;
    let outcome = unless_interrupted(job.fetch(tracer.as_ref())).await;
    job.reporter.finish();
    let interrupted = matches!(outcome, Err(Error::Interrupted));
    if interrupted {
        tracing::warn!("Interrupted. Files that are complete stay; run the same command again to get the others.");
    }
    if let Some(tracer) = tracer {
        let grace = if interrupted { TRACE_GRACE / 4 } else { TRACE_GRACE };
        // Whoever presses Ctrl-C now has all the files, and does not want to wait for this.
        let _ = unless_interrupted(async {
            tracer.finish(grace).await;
            Ok(())
        })
        .await;
    }
    outcome?.show(context, args.no_show_download_exceptions)
}

/// Does some work, until the user presses Ctrl-C, or the batch system wants us to go.
async fn unless_interrupted<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    // Both are listened to before the work begins, which may turn off the terminal's echo as its first act.
    let listen = |kind| signal(kind).map_err(|error| Error::io("Cannot start", error));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    tokio::select! {
        outcome = work => outcome,
        _ = interrupt.recv() => Err(Error::Interrupted),
        _ = terminate.recv() => Err(Error::Interrupted),
    }
}

/// The folder to put files into. One that cannot be made is the user's mistake, not that of every single file.
fn target(path: &str) -> Result<TargetFolder> {
    std::fs::create_dir_all(path)
        .and_then(|()| TargetFolder::new(path))
        .map_err(|error| Error::io(format!("Cannot use the folder {path}"), error))
}

/// Everything a download needs.
struct Job<'a> {
    context: &'a Context,
    client: &'a Client,
    args: &'a Args,
    storages: Storages,
    folder: TargetFolder,
    reporter: Reporter,
    common_trace: Fields,
}

impl<'a> Job<'a> {
    async fn new(context: &'a Context, args: &'a Args) -> Result<Self> {
        let client = context.client()?;
        Ok(Self {
            context,
            client,
            args,
            storages: access::storages(context, client).await?,
            folder: target(&args.dir)?,
            reporter: Reporter::new(&context.ui),
            common_trace: traces::common(context, client, args).await?,
        })
    }

    async fn fetch(&self, tracer: Option<&Tracer>) -> Result<Summary> {
        match (&self.args.pfn, &self.args.metalink) {
            (Some(pfn), _) => single::pfn(self, pfn, tracer).await,
            (None, Some(path)) => single::metalink(self, Path::new(path), tracer).await,
            (None, None) => self.search(tracer).await,
        }
    }

    async fn search(&self, tracer: Option<&Tracer>) -> Result<Summary> {
        let wishes = self.wishes()?;
        let search = Search {
            wishes: &wishes,
            query: self.query(),
            no_subdir: self.args.no_subdir,
            from_tape: self.args.allow_tape && self.is_admin().await?,
        };
        let session = Session { downloader: self.downloader(tracer, self.speed()?)?, lanes: self.lanes() };
        let report = session.search(self.client, search).await?;
        Ok(Summary::new(report.requested, report.tally))
    }

    fn wishes(&self) -> Result<Vec<Wish>> {
        let filters = filter::parse(self.args.filter.as_deref())?;
        if self.args.dids.is_empty() {
            let scope = self.args.scope.clone().unwrap_or_default();
            return Ok(vec![Wish { text: format!("{scope}:*"), scope, name: None, filters }]);
        }
        let wish = |text: &String| {
            let text = self.args.with_scope(text);
            let did = self.context.did(&text)?;
            Ok(Wish { text, scope: did.scope, name: Some(did.name), filters: filters.clone() })
        };
        self.args.dids.iter().map(wish).collect()
    }

    fn query(&self) -> Query {
        let schemes: Vec<_> = match (&self.args.protocol, self.args.aria) {
            (_, Some(true)) => ARIA_PROTOCOLS.map(str::to_owned).into(),
            (Some(protocols), _) => protocols.split(',').map(str::to_owned).collect(),
            (None, _) => PROTOCOLS.map(str::to_owned).into(),
        };
        Query {
            schemes: Some(schemes),
            rse_expression: self.args.rses.clone(),
            client_location: Some(config::location(&self.context.env)),
            sort: self.args.replica_selection.clone(),
            nrandom: self.args.nrandom.filter(|number| *number > 0),
            resolve_archives: !self.args.no_resolve_archives && self.args.aria != Some(true),
            ..Query::default()
        }
    }

    async fn is_admin(&self) -> Result<bool> {
        let account = traces::account(self.client).await?;
        let attributes = accounts::attributes(self.client, &account).await?;
        Ok(attributes
            .iter()
            .any(|one| one.get("key") == Some(&"admin".into()) && one.get("value") == Some(&true.into())))
    }

    fn lanes(&self) -> Lanes {
        match self.args.ndownloader {
            Some(number) => Lanes::exactly(usize::try_from(number).unwrap_or(1)),
            None => Lanes::shared(LANES),
        }
    }

    fn speed(&self) -> Result<Option<f64>> {
        match self.args.transfer_speed_timeout {
            Some(speed) => Ok(Some(speed)),
            None => self.context.config()?.download_transfer_speed_timeout().map(Some),
        }
    }

    /// Which implementation of protocols is asked for. It is no matter where the replicas are not looked for.
    fn implementation(&self) -> Result<Option<Wanted>> {
        let args = self.args;
        if args.pfn.is_some() || args.metalink.is_some() || args.aria == Some(true) {
            return Ok(None);
        }
        let preferred = match args.protocol {
            Some(_) => Vec::new(),
            None => self.context.config()?.download_preferred_impl(),
        };
        Ok(Wanted::new(args.r#impl.as_deref().filter(|name| !name.is_empty()), &preferred))
    }

    fn downloader<'d>(&'d self, tracer: Option<&'d Tracer>, speed: Option<f64>) -> Result<Downloader<'d>> {
        let seconds = match self.args.transfer_timeout {
            Some(seconds) => Some(seconds),
            None => self.context.config()?.download_transfer_timeout()?,
        };
        let wanted = self.implementation()?;
        Ok(Downloader {
            storages: &self.storages,
            archives: Archives::default(),
            client: Some(self.client),
            implementations: wanted.map(|wanted| Implementations::new(self.client, wanted)),
            folder: &self.folder,
            options: Options {
                ignore_checksum: self.args.ignore_checksum,
                local_by_size: self.args.check_local_with_filesize_only,
                patience: Patience { seconds, speed },
            },
            observer: &self.reporter,
            tracer,
            common_trace: &self.common_trace,
        })
    }
}
