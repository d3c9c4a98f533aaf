//! `rucio upload`: arguments, progress and summary.
//!
//! `find` and `choose` resolve the arguments, `watch` shows the progress. The transfer itself is in
//! `transfer::upload`.

mod events;
mod inputs;
mod observers;
mod options;
mod reporter;
mod resolve_options;
mod summary;

use std::time::Duration;

use observers::Observers;
use serde_json::Value;
use summary::Summary;
use uuid::Uuid;

use super::download::{access, traces};
use crate::api;
use crate::cli::context::Context;
use crate::cli::interrupt::unless_interrupted;
use crate::cli::ui::Events;
use crate::config;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::{Client, RUCIO_VERSION};
use crate::storage::Storages;
use crate::transfer::trace::{Fields, Tracer};
use crate::transfer::upload::folders::FolderTree;
use crate::transfer::upload::local::LocalFile;
use crate::transfer::upload::{UploadOptions, Uploader};

pub(crate) use options::Args;

/// Maximum wait for the trace server at the end of the program.
const TRACE_GRACE: Duration = Duration::from_secs(2);
/// Time limit for the clean-up after an interruption or failure.
const TIDY_GRACE: Duration = Duration::from_millis(800);

/// Uploads files, until done or interrupted.
pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    args.warn();
    args.check()?;
    let job = unless_interrupted(Job::new(context, &args)).await?;
    let client = job.client;
    let tracer = traces::tracer(client)?;
    let outcome = job.upload(tracer.as_ref()).await;
    if let Some(tracer) = tracer {
        let interrupted = outcome.as_ref().is_err_and(Error::is_interrupted);
        let grace = if interrupted { TRACE_GRACE / 8 } else { TRACE_GRACE };
        // The upload is over: Ctrl-C now only skips the traces.
        let _ = unless_interrupted(async {
            tracer.finish(grace, traces::round_trip(client)).await;
            Ok(())
        })
        .await;
    }
    outcome?.verdict()
}

/// Everything an upload needs.
struct Job<'a> {
    context: &'a Context,
    client: &'a Client,
    args: &'a Args,
    storages: Storages,
    watch: Observers<'a>,
    common_trace: Fields,
    options: UploadOptions,
    files: Vec<LocalFile>,
    tree: Vec<FolderTree>,
}

impl<'a> Job<'a> {
    async fn new(context: &'a Context, args: &'a Args) -> Result<Self> {
        let lifetime = args.seconds()?;
        let client = context.client()?;
        let account = api::accounts::own_name(client).await?;
        let scope = args.scope.clone().unwrap_or_else(|| format!("user.{account}"));
        let (files, tree) = inputs::files(args, &scope)?;
        let options = resolve_options::options(context, client, args, account, lifetime).await?;
        Ok(Self {
            context,
            client,
            args,
            storages: access::storages(context, client, None).await?,
            watch: Observers::new(&context.ui, &options.rse.rse),
            common_trace: common_trace(context, client, &options.account),
            options,
            files,
            tree,
        })
    }

    async fn upload(self, tracer: Option<&Tracer>) -> Result<Summary> {
        self.watch.expect(&self.files);
        let rse = self.options.rse.rse.clone();
        let mut uploader = Uploader::new(self.client, &self.storages, self.options, &self.watch);
        (uploader.tracer, uploader.common_trace) = (tracer, self.common_trace);
        let work = async {
            let mut collections = Ok(());
            for tree in &self.tree {
                let made = tree.create(self.client, |made| self.watch.created(made)).await;
                collections = collections.and(made);
            }
            Ok((uploader.run(&self.files).await, collections))
        };
        let mut work = Box::pin(Events::unless_broken(self.watch.events(), work));
        let outcome = unless_interrupted(&mut work).await;
        let interrupted = outcome.as_ref().is_err_and(Error::is_interrupted);
        // A lock is deleted below only if it is known to be this run's.
        if interrupted {
            let settled = async {
                tokio::select! {
                    biased;
                    () = uploader.settled() => {}
                    _ = &mut work => {}
                }
            };
            let _ = tokio::time::timeout(TIDY_GRACE, settled).await;
        }
        drop(work);
        if outcome.is_err() {
            if interrupted && self.context.ui.has_log_lines() {
                tracing::warn!(
                    "Interrupted. Complete files are kept; run the same command again to upload the others."
                );
            }
            let _ = tokio::time::timeout(TIDY_GRACE, uploader.clean_up()).await;
            match uploader.leftovers() {
                0 => {}
                left => tracing::warn!(
                    "{left} temporary file(s) may be left at {rse}; the same command replaces or deletes them."
                ),
            }
        }
        drop(uploader);
        let reported = self.watch.finish(&self.files, outcome.is_ok(), interrupted, self.context.same_command());
        let (outcomes, collections) = outcome?;
        let summary = Summary { files: self.files, outcomes, rse, besides: collections.and(reported) };
        if self.args.summary {
            summary.write()?;
        }
        Ok(summary)
    }
}

/// Returns the trace fields common to all files, in the official client's order.
fn common_trace(context: &Context, client: &Client, account: &str) -> Fields {
    let text = |text: &str| Value::String(text.to_owned());
    Fields::from_iter([
        ("hostname".to_owned(), Value::String(config::location(&context.env).fqdn)),
        ("account".to_owned(), text(account)),
        ("eventType".to_owned(), text("upload")),
        ("eventVersion".to_owned(), text(RUCIO_VERSION)),
        ("vo".to_owned(), client.vo().map_or(Value::Null, text)),
        ("uuid".to_owned(), Value::String(Uuid::new_v4().simple().to_string())),
    ])
}

/// Returns an error about the arguments.
fn refusal(details: impl Into<String>) -> Error {
    Error::new(Exception::InputValidationError, details)
}
