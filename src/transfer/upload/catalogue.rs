//! Catalogue calls of an upload: looking up and registering files, replicas, datasets and rules.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use tokio::sync::OnceCell;

use super::batcher::Batcher;
use super::events::UploadEvent;
use super::file_upload::{FileUpload, UploadError};
use super::local::Measured;
use crate::api::replicas::Query;
use crate::api::{dids, replicas, rses, rules, scopes};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::{Command, Hint, Parameter};
use crate::http::Client;
use crate::lists;
use crate::lock::lock;
use crate::storage::Pfn;
use crate::transfer::checksum::Checksum;
use crate::transfer::upload::target;
use crate::types::{DatasetRule, Did, KnownFile, NewReplica, NewRule, RseProtocol};

/// Priority of the rule's transfers, the same as in the official client.
const PRIORITY: i64 = 3;

/// Catalogue state shared by all files of an upload: cached lookups and batched calls.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    scopes: OnceCell<Vec<String>>,
    foreign: Mutex<HashSet<String>>,
    datasets: Mutex<HashMap<Did, Arc<OnceCell<()>>>>,
    lookups: Batcher<Did, Result<Option<KnownFile>>>,
    additions: Batcher<NewReplica, Result<()>>,
    changes: Batcher<NewReplica, Result<()>>,
    rules: Batcher<Did, Result<bool>>,
}

/// State of a file's replica at the target RSE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// Registered by this run.
    New,
    /// The replica is available.
    Available,
    /// The replica is registered, but not available yet.
    Copying,
    /// The file is registered, but has no replica at this RSE.
    Elsewhere,
}

impl FileUpload<'_> {
    /// Registers the file, its replica in this state and its rule, as far as they are missing.
    ///
    /// Errors: `DataIdentifierAlreadyExists` if the catalogue has a different file of this name; any rejection by the
    /// server.
    pub(super) async fn register(&self, measured: &Measured, state: &'static str) -> Result<Presence> {
        self.check_scope().await?;
        self.ensure_dataset().await?;
        let presence = match self.find_known(measured).await? {
            None => self.add_new(measured, state).await?,
            Some(presence) => {
                self.emit(UploadEvent::Known);
                presence
            }
        };
        match presence {
            Presence::Elsewhere => self.add_replica(measured, state).await?,
            // An earlier run may have been interrupted before it added the rule.
            Presence::New | Presence::Copying => drop(self.add_rule().await?),
            Presence::Available => {}
        }
        Ok(if presence == Presence::Elsewhere { Presence::Copying } else { presence })
    }

    /// Registers a new file and its replica. Accepts a registration by another process at the same moment.
    async fn add_new(&self, measured: &Measured, state: &'static str) -> Result<Presence> {
        match self.add_replica(measured, state).await {
            Ok(()) => Ok(Presence::New),
            Err(refusal) => self.find_known(measured).await?.ok_or(refusal),
        }
    }

    /// Looks up the file in the catalogue.
    ///
    /// Errors: `DataIdentifierAlreadyExists` if the catalogue has a different file of this name.
    pub(super) async fn find_known(&self, measured: &Measured) -> Result<Option<Presence>> {
        let look_up = async |batch: Vec<Did>| look_up(self.uploader.client, batch).await;
        let known = self.uploader.catalogue.lookups.submit(self.did().clone(), look_up).await;
        let Some(known) = known.unwrap_or_else(no_answer)? else { return Ok(None) };
        if !is_same_file(&known, measured) {
            return Err(self.other_file_error(&known, measured));
        }
        let query = Query { dids: vec![self.did().clone()], all_states: true, ..Query::default() };
        let mut entries = replicas::list(self.uploader.client, &query).await?;
        let entry = entries.next().await?;
        let state = entry.as_ref().and_then(|entry| entry.states.get(&self.uploader.options.rse.rse));
        Ok(Some(match state.map(String::as_str) {
            None => Presence::Elsewhere,
            Some("AVAILABLE") => Presence::Available,
            Some(_) => Presence::Copying,
        }))
    }

    fn other_file_error(&self, known: &KnownFile, measured: &Measured) -> Error {
        let theirs = known.adler32.as_deref().or(known.md5.as_deref()).unwrap_or("none");
        let (did, kind) = (self.did(), known.did_type.to_lowercase());
        let details = match kind.as_str() {
            "file" => format!(
                "{did} is another file: Local checksum {} does not match remote checksum {theirs}",
                measured.adler32()
            ),
            _ => format!("{did} is a {kind}"),
        };
        Error::new(Exception::DataIdentifierAlreadyExists, details)
            .with_hint(Hint::parameters("Choose another name in the catalogue", [Parameter::Lfn]))
    }

    /// Sets the replica's state to available.
    pub(super) async fn declare_available(&self, measured: &Measured) -> Result<(), UploadError> {
        let replica = measured.replica(self.did(), "A", self.uploader.options.pfn.as_ref());
        let (client, rse) = (self.uploader.client, &self.uploader.options.rse.rse);
        let change = async |batch: Vec<NewReplica>| {
            batch_or_each(&batch, async |batch| replicas::update_states(client, rse, batch).await).await
        };
        let changed = self.uploader.catalogue.changes.submit(replica, change).await;
        changed.unwrap_or_else(no_answer).map_err(|error| {
            self.emit(UploadEvent::StateFailed { denied: error.class() == Some(Exception::AccessDenied) });
            UploadError::File(format!("its replica could not be declared available: {}", error.to_string().trim()))
        })
    }

    /// Attaches the file to its dataset, if it has one. Returns whether it was not attached before.
    pub(super) async fn attach(&self) -> Result<bool, UploadError> {
        let Some(dataset) = &self.file.dataset else { return Ok(false) };
        if self.uploader.options.registration == super::Registration::Never {
            return Ok(false);
        }
        let attached =
            self.uploader.attacher.attach(self.uploader.client, dataset, self.did()).await.map_err(|reason| {
                self.emit(UploadEvent::AttachFailed);
                UploadError::File(format!("it could not be attached to {dataset}: {reason}"))
            })?;
        if attached {
            self.emit(UploadEvent::Attached(dataset));
        }
        Ok(attached)
    }

    /// Returns the file's PFN for this protocol.
    pub(super) async fn pfn(&self, protocol: &RseProtocol) -> Result<Pfn, UploadError> {
        let (rse, did) = (&self.uploader.options.rse, self.did());
        let algorithm = match rse.lfn2pfn_algorithm.as_deref() {
            None | Some("default") => &self.uploader.options.default_algorithm,
            Some(algorithm) => algorithm,
        };
        if rse.deterministic
            && let Some(path) = target::path(algorithm, did)
        {
            return Ok(target::pfn(protocol, &path));
        }
        let answer = rses::protocols::pfn_to_write(self.uploader.client, &rse.rse, did, &protocol.scheme).await;
        let answer = answer.map_err(|error| {
            let advice = format!(
                "Paths at {} follow the algorithm '{algorithm}' (lfn2pfn_algorithm) of the server. Set the path",
                rse.rse
            );
            error.with_hint(Hint::parameters(advice, [Parameter::Pfn]))
        })?;
        answer
            .map(Pfn::new)
            .ok_or_else(|| UploadError::File(format!("the server does not return its path at {}", rse.rse)))
    }

    async fn check_scope(&self) -> Result<()> {
        let (all, scope) = (self.uploader, &self.did().scope);
        let lookup = || async {
            match scopes::of_account(all.client, &all.options.account).await {
                Err(error) if error.class() == Some(Exception::ScopeNotFound) => Ok(Vec::new()),
                outcome => outcome,
            }
        };
        let scopes = all.catalogue.scopes.get_or_try_init(lookup).await?;
        let foreign = !scopes.is_empty() && !scopes.contains(scope);
        if foreign && lock(&all.catalogue.foreign).insert(scope.clone()) {
            self.emit(UploadEvent::ForeignScope { account: &all.options.account });
        }
        Ok(())
    }

    async fn ensure_dataset(&self) -> Result<()> {
        let Some(dataset) = &self.file.dataset else { return Ok(()) };
        let cell = lock(&self.uploader.catalogue.datasets).entry(dataset.clone()).or_default().clone();
        cell.get_or_try_init(|| self.add_dataset(dataset)).await.copied()
    }

    async fn add_dataset(&self, dataset: &Did) -> Result<()> {
        let options = &self.uploader.options;
        let rule = DatasetRule {
            account: options.account.clone(),
            copies: 1,
            rse_expression: options.rse.rse.clone(),
            grouping: "DATASET",
            lifetime: options.lifetime,
        };
        match dids::add_dataset(self.uploader.client, dataset, &rule).await {
            Ok(()) => self.emit(UploadEvent::DatasetMade(dataset)),
            Err(error) if error.class() == Some(Exception::DataIdentifierAlreadyExists) => {
                self.emit(UploadEvent::DatasetKnown(dataset));
                if options.lifetime.is_some() {
                    let details = format!("{dataset} exists: its lifetime is not changed by an upload.");
                    let command = Command::ListRules { did: dataset.to_string() };
                    return Err(Error::new(Exception::InputValidationError, details)
                        .with_hint(Hint::parameters("Upload without it", [Parameter::UploadLifetime]))
                        .with_hint(Hint::command("Or change the lifetime of its rule", command)));
                }
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn add_replica(&self, measured: &Measured, state: &'static str) -> Result<()> {
        let replica = measured.replica(self.did(), state, self.uploader.options.pfn.as_ref());
        let (client, rse) = (self.uploader.client, &self.uploader.options.rse.rse);
        let add = async |batch: Vec<NewReplica>| {
            batch_or_each(&batch, async |batch| replicas::add(client, rse, batch).await).await
        };
        self.uploader.catalogue.additions.submit(replica, add).await.unwrap_or_else(no_answer)?;
        self.emit(UploadEvent::Registered(rse));
        Ok(())
    }

    /// Adds a rule for a registered file that has none, of its own or through a dataset: the server may have refused it
    /// to an earlier run. Returns whether it was added.
    pub(super) async fn add_missing_rule(&self) -> Result<bool> {
        let is_registered = self.uploader.options.registration != super::Registration::Never;
        let needs_one = is_registered && self.file.dataset.is_none();
        if !needs_one || lists::associated_rules(self.uploader.client, self.did()).await?.next().await?.is_some() {
            return Ok(false);
        }
        self.add_rule().await
    }

    /// Adds a rule for the file, unless it is in a dataset: that has a rule of its own. Returns whether it was added.
    async fn add_rule(&self) -> Result<bool> {
        if self.file.dataset.is_some() {
            return Ok(false);
        }
        let add = async |batch: Vec<Did>| {
            let made = batch_or_each(&batch, async |batch| {
                rules::add(self.uploader.client, &self.rule(batch)).await.map(drop)
            })
            .await;
            made.into_iter().map(rule_created).collect()
        };
        let added = self.uploader.catalogue.rules.submit(self.did().clone(), add).await.unwrap_or_else(no_answer);
        let added = added.map_err(|error| self.without_rule(error))?;
        if added {
            self.emit(UploadEvent::RuleMade(&self.uploader.options.rse.rse));
        }
        Ok(added)
    }

    /// Adds to the refusal of a rule what is left of the upload, and how to complete it.
    fn without_rule(&self, error: Error) -> Error {
        let options = &self.uploader.options;
        let details = format!(
            "{}\n{} is registered at {}, but no rule protects it from deletion: the same command adds one when the server permits it.",
            error.details().trim(),
            self.did(),
            options.rse.rse
        );
        let is_quota = error.class() == Some(Exception::InsufficientAccountLimit);
        let limits = Command::ListLimits { account: options.account.clone() };
        let hint = is_quota.then(|| Hint::command("To see the limits of the account and what is left of them", limits));
        error.with_details(details.trim_start()).with_hints(hint)
    }

    fn rule(&self, dids: &[Did]) -> NewRule {
        NewRule {
            dids: dids.to_vec(),
            copies: 1,
            rse_expression: self.uploader.options.rse.rse.clone(),
            weight: None,
            lifetime: self.uploader.options.lifetime,
            grouping: Some("DATASET".to_owned()),
            account: None,
            locked: false,
            source_replica_expression: None,
            activity: None,
            notify: Some("N".to_owned()),
            purge_replicas: false,
            ignore_availability: false,
            comment: None,
            ask_approval: false,
            asynchronous: false,
            delay_injection: None,
            priority: PRIORITY,
            meta: None,
        }
    }
}

/// Looks up files with one call; one by one if that fails.
async fn look_up(client: &Client, batch: Vec<Did>) -> Vec<Result<Option<KnownFile>>> {
    if let [did] = batch.as_slice() {
        let known = dids::known_file(client, did).await;
        return vec![match known {
            Err(error) if error.class() == Some(Exception::DataIdentifierNotFound) => Ok(None),
            known => known.map(Some),
        }];
    }
    match lists::metadata::<KnownFile>(client, &batch).await {
        Ok(known) => {
            let mut known: HashMap<_, _> = known.into_iter().map(|file| (file.did.clone(), file)).collect();
            batch.iter().map(|did| Ok(known.remove(did))).collect()
        }
        Err(error) => {
            tracing::debug!("Files are looked up one by one: {error}");
            let mut answers = Vec::with_capacity(batch.len());
            for did in batch {
                answers.extend(Box::pin(look_up(client, vec![did])).await);
            }
            answers
        }
    }
}

/// Makes one call for all items; if that is rejected, one call per item, so that one bad item fails alone.
async fn batch_or_each<T>(batch: &[T], call: impl AsyncFn(&[T]) -> Result<()>) -> Vec<Result<()>> {
    let all = call(batch).await;
    if all.is_ok() || batch.len() == 1 {
        return std::iter::once(all).chain((1..batch.len()).map(|_| Ok(()))).collect();
    }
    let mut answers = Vec::with_capacity(batch.len());
    for one in batch {
        answers.push(call(std::slice::from_ref(one)).await);
    }
    answers
}

/// Returns whether the rule was created; `false` if it already existed.
fn rule_created(made: Result<()>) -> Result<bool> {
    match made {
        Err(error) if error.class() == Some(Exception::DuplicateRule) => Ok(false),
        made => made.map(|()| true),
    }
}

fn no_answer<T>() -> Result<T> {
    Err(Error::new(Exception::RucioException, "The catalogue did not answer this file of a batch."))
}

/// Returns whether the catalogue's file is this one. A file without a checksum in the catalogue is never the same.
fn is_same_file(known: &KnownFile, measured: &Measured) -> bool {
    let sum = Checksum::new(known.adler32.as_deref(), known.md5.as_deref());
    let size = known.bytes.is_none_or(|bytes| bytes == measured.bytes);
    known.did_type == "FILE" && size && measured.has_checksum(sum) == Some(true)
}
