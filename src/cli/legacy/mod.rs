//! Legacy commands (`rucio list-dids`): each is translated into one of `cli::commands`.
//!
//! Where the options are the same, the `Args` of that command are reused. No command logic belongs here.

pub(super) mod admin;
mod collections;
mod metadata;
mod replicas;
mod rules;

use clap::Subcommand;

use super::commands::{account, did, download, lifetime_exception, ping, replica, rse, rule, scope, upload, whoami};
use super::compat::CompatOptions;
use super::context::Context;
use crate::error::Result;

/// Legacy commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a container
    AddContainer(collections::Add),
    /// Create a dataset
    AddDataset(collections::Add),
    #[command(mut_arg("input_file", |file| file.long("inputfile").required(true)))]
    #[command(mut_arg("reason", |reason| reason.required(true)))]
    #[command(mut_arg("expiration", |expiration| expiration.required(true)))]
    AddLifetimeException(lifetime_exception::add::Args),
    #[command(visible_alias = "add-rules")]
    AddRule(Box<rules::Add>),
    Attach(collections::Attach),
    /// Close datasets or containers
    Close(collections::Dids),
    DeleteMetadata(metadata::Delete),
    DeleteRule(rule::remove::Args),
    Detach(collections::Detach),
    #[command(visible_alias = "get", mut_arg("aria", |aria| aria.num_args(0)))]
    Download(Box<download::Args>),
    #[command(mut_arg("dids", |dids| dids.required(true)))]
    Erase(did::remove::Args),
    #[command(mut_arg("dids", |dids| dids.required(true)))]
    GetMetadata(did::metadata::list::Args),
    ListAccountLimits(account::limit::quota::Args),
    ListAccountUsage(account::limit::list::Args),
    ListContent(did::content::list::Args),
    ListContentHistory(did::content::history::Args),
    #[command(mut_arg("dids", |dids| dids.required(true)))]
    ListDatasetReplicas(replica::list::dataset::Args),
    ListDatasetsRse(replicas::AtRse),
    #[command(visible_alias = "ls")]
    ListDids(did::list::Args),
    #[command(hide = true)]
    ListDidsExtended(collections::Extended),
    #[command(mut_arg("dids", |dids| dids.required(true)))]
    #[command(mut_arg("domain", |domain| domain.value_parser(clap::value_parser!(String))))]
    ListFileReplicas(Box<replica::list::file::Args>),
    ListFiles(did::files::Args),
    #[command(visible_alias = "list-parent-datasets")]
    ListParentDids(collections::Parents),
    ListRseAttributes(rse::attribute::list::Args),
    ListRseUsage(rse::usage::Args),
    ListRses(rse::list::Args),
    ListRules(rules::List),
    ListRulesHistory(rule::history::Args),
    ListScopes(scope::list::Args),
    ListSuspiciousReplicas(replicas::Suspicious),
    MoveRule(rules::Move),
    Ping(ping::Args),
    /// Reopen datasets or containers; for privileged accounts only
    Reopen(collections::Dids),
    RuleInfo(rule::show::Args),
    SetMetadata(metadata::Set),
    #[command(mut_arg("dids", |dids| dids.required(true)))]
    Stat(did::show::Args),
    #[command(mut_arg("lfn", |lfn| lfn.long("name").alias("lfn")))]
    #[command(mut_arg("file_paths", |paths| paths.required(true)))]
    Upload(Box<upload::Args>),
    Touch(collections::Touch),
    UpdateRule(Box<rules::Update>),
    Whoami(whoami::Args),
}

impl Command {
    /// Returns the error in the arguments that clap does not detect, if any.
    pub(super) fn mistake(&self) -> Option<String> {
        match self {
            Self::AddRule(args) => args.mistake(),
            _ => None,
        }
    }
}

/// Runs the command that the legacy one is translated into.
pub(super) async fn run(context: &Context, command: Command) -> Result<()> {
    match command {
        Command::AddContainer(args) => {
            did::add::run(context, args.into_args(did::add::CollectionKind::Container)).await
        }
        Command::AddDataset(args) => did::add::run(context, args.into_args(did::add::CollectionKind::Dataset)).await,
        Command::AddLifetimeException(args) => lifetime_exception::add::run(context, args).await,
        Command::AddRule(args) => rule::add::run(context, args.translate()).await,
        Command::Attach(args) => did::content::add::run(context, args.translate()).await,
        Command::Close(args) => did::update::run(context, args.closed()).await,
        Command::DeleteMetadata(args) => did::metadata::unset::run(context, args.translate()).await,
        Command::DeleteRule(args) => rule::remove::run(context, args).await,
        Command::Detach(args) => did::content::remove::run(context, args.translate()).await,
        Command::Download(args) => download::download(context, *args, download::ExtraOptions::default()).await,
        Command::Erase(args) => did::remove::run(context, args).await,
        Command::GetMetadata(args) => {
            let plugin = args.plugin.filter(|plugin| !plugin.is_empty());
            did::metadata::list::run(context, did::metadata::list::Args { plugin, ..args }).await
        }
        Command::ListAccountLimits(args) => account::limit::quota::run(context, args).await,
        Command::ListAccountUsage(args) => account::limit::list::run(context, args).await,
        Command::ListContent(args) => did::content::list::run(context, args).await,
        Command::ListContentHistory(args) => did::content::history::run(context, args).await,
        Command::ListDatasetReplicas(args) => replica::list::dataset::run(context, args).await,
        Command::ListDatasetsRse(args) => replica::list::dataset::run(context, args.translate()).await,
        Command::ListDids(args) => did::list::list(context, args, CompatOptions::LEGACY).await,
        Command::ListDidsExtended(_) => Err(collections::Extended::refusal()),
        Command::ListFileReplicas(args) => {
            replica::list::file::run(context, replica::list::file::Args { human: context.human, ..*args }).await
        }
        Command::ListFiles(args) => did::files::run(context, args).await,
        Command::ListParentDids(args) => did::list::run(context, args.translate()?).await,
        Command::ListRseAttributes(args) => rse::attribute::list::list(context, args, CompatOptions::LEGACY).await,
        Command::ListRseUsage(args) => rse::usage::run(context, args).await,
        Command::ListRses(args) => rse::list::run(context, args).await,
        Command::ListRules(args) => {
            let csv = args.csv;
            rule::list::list(context, args.selection(), csv).await
        }
        Command::ListRulesHistory(args) => rule::history::run(context, args).await,
        Command::ListScopes(args) => scope::list::run(context, args).await,
        Command::ListSuspiciousReplicas(args) => replica::state::list::list_suspicious(context, args.translate()).await,
        Command::MoveRule(args) => rule::r#move::run(context, args.translate()).await,
        Command::Ping(args) => ping::run(context, args).await,
        Command::Reopen(args) => did::update::run(context, args.reopened()).await,
        Command::RuleInfo(args) => rule::show::show(context, args, CompatOptions::LEGACY).await,
        Command::SetMetadata(args) => did::metadata::set::run(context, args.translate()).await,
        Command::Stat(args) => did::show::run(context, args).await,
        Command::Upload(args) => upload::run(context, *args).await,
        Command::Touch(args) => did::update::run(context, args.translate()).await,
        Command::UpdateRule(args) => rule::update::run(context, args.translate()?).await,
        Command::Whoami(args) => whoami::run(context, args).await,
    }
}
