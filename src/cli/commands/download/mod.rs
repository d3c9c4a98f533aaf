//! `rucio download`: arguments, filters, inputs, and the reports for people (`reporter`, `summary`) and programs
//! (`events`). `access` and `traces` are also used by other commands. The transfers themselves belong in
//! `crate::transfer`.

pub(super) mod access;
mod direct;
mod dry_run;
mod events;
mod extra_options;
mod filter;
mod implementation;
mod inputs;
mod observers;
mod options;
mod reporter;
mod summary;
pub(super) mod traces;

use std::time::Duration;

use observers::Observers;
use reporter::End;
use summary::Summary;

use crate::api::accounts;
use crate::api::replicas::Query;
use crate::cli::context::Context;
use crate::cli::interrupt::{exit_if_stuck, unless_interrupted};
use crate::cli::ui::Events;
use crate::config;
use crate::error::{Error, Result};
use crate::hint::shell_word;
use crate::http::Client;
use crate::storage::Storages;
use crate::transfer::download::source::implementations::{ImplementationChoice, Implementations};
use crate::transfer::download::source::rse_protocols::RseProtocols;
use crate::transfer::download::target_folder::TargetFolder;
use crate::transfer::download::{DownloadOptions, Downloader};
use crate::transfer::limits::attempt_timeout::AttemptTimeout;
use crate::transfer::limits::connection_budget::ConnectionBudget;
use crate::transfer::limits::rate::Rate;
use crate::transfer::scheduler::Concurrency;
use crate::transfer::select::resolve::DidRequest;
use crate::transfer::session::{DownloadRequest, DownloadSession};
use crate::transfer::trace::{Fields, Tracer};

pub(crate) use extra_options::ExtraOptions;
pub(crate) use options::{Args, ArgsWithExtraOptions};

/// Protocols that are requested by default: those for which the server creates a metalink document.
pub(super) const PROTOCOLS: [&str; 11] =
    ["root", "davs", "http", "https", "file", "storm", "srm+https", "scp", "rsync", "rclone", "magnet"];
/// Protocols that aria2 supports.
const ARIA_PROTOCOLS: [&str; 2] = ["https", "davs"];
/// Default number of concurrent large files.
const SLOTS: usize = 3;
/// Maximum time to wait for the trace server at the end of the program.
const TRACE_GRACE: Duration = Duration::from_secs(2);

pub(crate) async fn run(context: &Context, all: ArgsWithExtraOptions) -> Result<()> {
    download(context, all.args, all.more).await
}

/// Runs the download until it is complete or interrupted.
pub(crate) async fn download(context: &Context, args: Args, more: ExtraOptions) -> Result<()> {
    args.check(&more)?;
    let requests = inputs::requests(context, &args, &more).await.inspect_err(|_| log_input(context, &args))?;
    if requests.is_empty() && args.metalink.is_none() {
        tracing::info!("The list of DIDs is empty: nothing to download.");
        if more.dry_run {
            return dry_run::show_empty(context);
        }
        let nothing = Summary::empty();
        return Observers::new(context, &args, &more)?.finish(Some(&nothing), None, End::default());
    }
    if more.dry_run {
        return unless_interrupted(async { dry_run::show(&Job::new(context, &args, &more, requests).await?).await })
            .await;
    }
    let mut job = unless_interrupted(Job::new(context, &args, &more, requests)).await?;
    let tracer = traces::tracer(job.client)?;
    exit_if_stuck();
    let outcome = unless_interrupted(Events::unless_broken(job.watch.events(), job.fetch(tracer.as_ref()))).await;
    let asked = outcome.is_err().then(|| inputs::lines(&job));
    let interrupted = outcome.as_ref().is_err_and(Error::is_interrupted);
    let next_command = next_command(context, &args, &more, interrupted);
    let end = End { interrupted, keeps_partial_files: !args.ignore_checksum, next_command };
    let written = job.watch.finish(outcome.as_ref().ok(), asked.as_deref(), end);
    let outcome = outcome.and_then(|summary| written.map(|()| summary));
    if interrupted && context.ui.has_log_lines() {
        tracing::warn!(
            "Interrupted. Complete files are kept. To resume, run the same command again: partial files are kept in hidden \
             files (.*.rucio-part)."
        );
    }
    if let Some(tracer) = tracer {
        let grace = if interrupted { TRACE_GRACE / 4 } else { TRACE_GRACE };
        // The download itself has ended: Ctrl-C now only skips the remaining traces.
        let _ = unless_interrupted(async {
            tracer.finish(grace, traces::round_trip(job.client)).await;
            Ok(())
        })
        .await;
    }
    outcome?.show(context, args.no_show_download_exceptions)
}

/// Logs the number of inputs, as the official client does before it looks at them.
fn log_input(context: &Context, args: &Args) {
    if context.is_for_scripts() {
        tracing::info!("Processing {} item(s) for input", args.dids.len().max(1));
    }
}

/// Returns the command that downloads what is missing now. An interrupted run may not have listed all files.
fn next_command(context: &Context, args: &Args, more: &ExtraOptions, interrupted: bool) -> String {
    match &more.failed_list {
        Some(list) if !interrupted => {
            let mut words = vec!["download".to_owned()];
            let options = [("--dir", Some(&args.dir).filter(|dir| *dir != ".")), ("--rses", args.rses.as_ref())];
            words
                .extend(options.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", shell_word(value?)))));
            words.extend(args.no_subdir.then(|| "--no-subdir".to_owned()));
            words.push(format!("--files-from {}", shell_word(list)));
            context.command(&words.join(" "))
        }
        _ => context.same_command(),
    }
}

/// Creates the destination folder, except in a dry run. A failure is reported once, not for every file.
fn target(path: &str, dry_run: bool) -> Result<TargetFolder> {
    let made = if dry_run { Ok(()) } else { std::fs::create_dir_all(path) };
    made.and_then(|()| TargetFolder::new(path))
        .map_err(|error| Error::io(format!("Cannot use the folder {path}"), error))
}

/// Returns the time limit of an attempt in seconds, if the user sets one.
fn transfer_timeout(context: &Context, args: &Args) -> Result<Option<f64>> {
    match args.transfer_timeout {
        Some(seconds) => Ok(Some(seconds)),
        None => context.config()?.download_transfer_timeout(),
    }
}

/// Context of a download.
struct Job<'a> {
    context: &'a Context,
    client: &'a Client,
    args: &'a Args,
    more: &'a ExtraOptions,
    requests: Vec<DidRequest>,
    storages: Storages,
    folder: TargetFolder,
    rate: Option<Rate>,
    watch: Observers<'a>,
    common_trace: Fields,
}

impl<'a> Job<'a> {
    async fn new(
        context: &'a Context,
        args: &'a Args,
        more: &'a ExtraOptions,
        requests: Vec<DidRequest>,
    ) -> Result<Self> {
        let client = context.client()?;
        Ok(Self {
            context,
            client,
            args,
            more,
            requests,
            storages: access::storages(context, client, transfer_timeout(context, args)?).await?,
            folder: target(&args.dir, more.dry_run)?,
            rate: args.limit_rate.map(Rate::new),
            watch: Observers::new(context, args, more)?,
            common_trace: traces::common(context, client, args).await?,
        })
    }

    async fn fetch(&self, tracer: Option<&Tracer>) -> Result<Summary> {
        match direct::direct_download(self).await? {
            Some(given) => given.fetch(self, tracer).await,
            None => self.search(tracer).await,
        }
    }

    async fn search(&self, tracer: Option<&Tracer>) -> Result<Summary> {
        let search = self.download_request().await?;
        let session = DownloadSession { downloader: self.downloader(tracer, self.speed()?)?, slots: self.slots() };
        let report = session.search(self.client, search).await?;
        Ok(Summary::new(report.requested, report.tally, report.skipped))
    }

    /// Returns the search to send to the server.
    async fn download_request(&self) -> Result<DownloadRequest<'_>> {
        Ok(DownloadRequest {
            requests: &self.requests,
            query: self.query(),
            no_subdir: self.args.no_subdir,
            from_tape: self.args.allow_tape && self.is_admin().await?,
            wait: self.more.wait(),
            selection: &self.more.wanted.0,
        })
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
        let account = accounts::own_name(self.client).await?;
        let attributes = accounts::attributes(self.client, &account).await?;
        Ok(attributes
            .iter()
            .any(|one| one.get("key") == Some(&"admin".into()) && one.get("value") == Some(&true.into())))
    }

    fn slots(&self) -> Concurrency {
        match self.args.ndownloader {
            Some(number) => Concurrency::exactly(usize::try_from(number).unwrap_or(1)),
            None => Concurrency::shared(SLOTS),
        }
    }

    /// Applies `--ndownloader` to connections, too: in the official client each file has one.
    fn connection_budget(&self) -> Option<ConnectionBudget> {
        self.args.ndownloader.map(|number| ConnectionBudget::exactly(usize::try_from(number).unwrap_or(1)))
    }

    fn speed(&self) -> Result<Option<f64>> {
        match self.args.transfer_speed_timeout {
            Some(speed) => Ok(Some(speed)),
            None => self.context.config()?.download_transfer_speed_timeout().map(Some),
        }
    }

    /// Returns the verification options, without timeouts.
    fn options(&self) -> DownloadOptions {
        DownloadOptions {
            ignore_checksum: self.args.ignore_checksum,
            local_by_size: self.args.check_local_with_filesize_only,
            attempt_timeout: AttemptTimeout::default(),
            wait: self.more.wait(),
        }
    }

    /// Returns the requested protocol implementations. They do not apply to `--pfn`, `--metalink` and `--aria`.
    fn implementation(&self) -> Result<Option<ImplementationChoice>> {
        let args = self.args;
        if args.pfn.is_some() || args.metalink.is_some() || args.aria == Some(true) {
            return Ok(None);
        }
        let preferred = match args.protocol {
            Some(_) => Vec::new(),
            None => self.context.config()?.download_preferred_impl(),
        };
        Ok(ImplementationChoice::new(args.r#impl.as_deref().filter(|name| !name.is_empty()), &preferred))
    }

    fn downloader<'d>(&'d self, tracer: Option<&'d Tracer>, speed: Option<f64>) -> Result<Downloader<'d>> {
        let seconds = transfer_timeout(self.context, self.args)?;
        let wanted = self.implementation()?;
        let mut downloader = Downloader::new(&self.storages, &self.folder, &self.watch, &self.common_trace);
        if let Some(budget) = self.connection_budget() {
            downloader.connection_budget = budget;
        }
        downloader.client = Some(self.client);
        downloader.implementations = wanted.map(|wanted| Implementations::new(self.client, wanted));
        // With these options, the user names the addresses.
        let is_listed = self.args.pfn.is_none() && self.args.metalink.is_none();
        downloader.rse_protocols = is_listed.then(|| RseProtocols::new(self.client));
        downloader.options = DownloadOptions { attempt_timeout: AttemptTimeout { seconds, speed }, ..self.options() };
        downloader.rate = self.rate.as_ref();
        downloader.tracer = tracer;
        Ok(downloader)
    }
}
