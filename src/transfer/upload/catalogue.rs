//! Catalogue calls of an upload: looking up and registering files, replicas, datasets and rules.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::batcher::Lots;
use super::events::UploadEvent;
use super::file_upload::{Failure, Run};
use super::local::Measured;
use crate::api::replicas::Query;
use crate::api::{dids, replicas, rses, rules, scopes};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::Client;
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
    lookups: Lots<Did, Result<Option<KnownFile>>>,
    additions: Lots<NewReplica, Result<()>>,
    changes: Lots<NewReplica, Result<()>>,
    rules: Lots<Did, Result<bool>>,
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

impl Run<'_> {
    /// Registers the file, its replica in this state and its rule, as far as they are missing.
    ///
    /// Errors: `DataIdentifierAlreadyExists` if the catalogue has a different file of this name; any rejection by the
    /// server.
    pub(super) async fn register(&self, measured: &Measured, state: &'static str) -> Result<Presence> {
        self.check_scope().await?;
        self.make_dataset().await?;
        let presence = match self.known(measured).await? {
            None => self.add_new(measured, state).await?,
            Some(presence) => {
                self.tell(UploadEvent::Known);
                presence
            }
        };
        match presence {
            Presence::Elsewhere => self.add_replica(measured, state).await?,
            // An earlier run may have been interrupted before it added the rule.
            Presence::New | Presence::Copying => self.add_rule().await?,
            Presence::Available => {}
        }
        Ok(if presence == Presence::Elsewhere { Presence::Copying } else { presence })
    }

    /// Registers a new file and its replica. Accepts a registration by another process at the same moment.
    async fn add_new(&self, measured: &Measured, state: &'static str) -> Result<Presence> {
        match self.add_replica(measured, state).await {
            Ok(()) => Ok(Presence::New),
            Err(refusal) => self.known(measured).await?.ok_or(refusal),
        }
    }

    /// Looks up the file in the catalogue.
    ///
    /// Errors: `DataIdentifierAlreadyExists` if the catalogue has a different file of this name.
    pub(super) async fn known(&self, measured: &Measured) -> Result<Option<Presence>> {
        let look_up = async |lot: Vec<Did>| look_up(self.all.client, lot).await;
        let known = self.all.catalogue.lookups.hand_in(self.did().clone(), look_up).await;
        let Some(known) = known.unwrap_or_else(unanswered)? else { return Ok(None) };
        if !is_same(&known, measured) {
            return Err(self.another(&known, measured));
        }
        let query = Query { dids: vec![self.did().clone()], all_states: true, ..Query::default() };
        let mut entries = replicas::list(self.all.client, &query).await?;
        let entry = entries.next().await?;
        let state = entry.as_ref().and_then(|entry| entry.states.get(&self.all.options.rse.rse));
        Ok(Some(match state.map(String::as_str) {
            None => Presence::Elsewhere,
            Some("AVAILABLE") => Presence::Available,
            Some(_) => Presence::Copying,
        }))
    }

    fn another(&self, known: &KnownFile, measured: &Measured) -> Error {
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
            .with_hint("Give the file another name in the catalogue: --lfn NAME")
    }

    /// Sets the replica's state to available.
    pub(super) async fn available(&self, measured: &Measured) -> Result<(), Failure> {
        let replica = measured.replica(self.did(), "A", self.all.options.pfn.as_ref());
        let (client, rse) = (self.all.client, &self.all.options.rse.rse);
        let change = async |lot: Vec<NewReplica>| {
            together(&lot, async |lot| replicas::update_states(client, rse, lot).await).await
        };
        let changed = self.all.catalogue.changes.hand_in(replica, change).await;
        changed.unwrap_or_else(unanswered).map_err(|error| {
            self.tell(UploadEvent::StateFailed);
            let advice = match error.class() {
                Some(Exception::AccessDenied) => " Upload with --register-after-upload where you may not do that.",
                _ => "",
            };
            Failure::File(format!("its replica could not be declared available: {}{advice}", error.to_string().trim()))
        })
    }

    /// Attaches the file to its dataset, if it has one. Returns whether it was not attached before.
    pub(super) async fn attach(&self) -> Result<bool, Failure> {
        let Some(dataset) = &self.file.dataset else { return Ok(false) };
        if self.all.options.registration == super::Registration::Never {
            return Ok(false);
        }
        let attached = self.all.attacher.attach(self.all.client, dataset, self.did()).await.map_err(|reason| {
            self.tell(UploadEvent::AttachFailed);
            Failure::File(format!("it could not be attached to {dataset}: {reason}"))
        })?;
        if attached {
            self.tell(UploadEvent::Attached(dataset));
        }
        Ok(attached)
    }

    /// Returns the file's PFN for this protocol.
    pub(super) async fn pfn(&self, way: &RseProtocol) -> Result<String, Failure> {
        let (rse, did) = (&self.all.options.rse, self.did());
        let algorithm = match rse.lfn2pfn_algorithm.as_deref() {
            None | Some("default") => &self.all.options.default_algorithm,
            Some(algorithm) => algorithm,
        };
        if let Some(path) = target::path(algorithm, did).filter(|_| rse.deterministic) {
            return Ok(target::pfn(way, &path));
        }
        let told = rses::protocols::pfn_to_write(self.all.client, &rse.rse, did, &way.scheme).await;
        let told = told.map_err(|error| {
            let why = format!("Where files go at {} follows the rule '{algorithm}' (lfn2pfn_algorithm)", rse.rse);
            error.with_hint(format!("{why}, which only the server can know. --pfn names the place."))
        })?;
        told.ok_or_else(|| Failure::File(format!("the server does not tell where it goes at {}", rse.rse)))
    }

    async fn check_scope(&self) -> Result<()> {
        let (all, scope) = (self.all, &self.did().scope);
        let lookup = || async {
            match scopes::of_account(all.client, &all.options.account).await {
                Err(error) if error.class() == Some(Exception::ScopeNotFound) => Ok(Vec::new()),
                outcome => outcome,
            }
        };
        let scopes = all.catalogue.scopes.get_or_try_init(lookup).await?;
        let foreign = !scopes.is_empty() && !scopes.contains(scope);
        if foreign && lock(&all.catalogue.foreign).insert(scope.clone()) {
            self.tell(UploadEvent::ForeignScope);
        }
        Ok(())
    }

    async fn make_dataset(&self) -> Result<()> {
        let Some(dataset) = &self.file.dataset else { return Ok(()) };
        let cell = lock(&self.all.catalogue.datasets).entry(dataset.clone()).or_default().clone();
        cell.get_or_try_init(|| self.add_dataset(dataset)).await.copied()
    }

    async fn add_dataset(&self, dataset: &Did) -> Result<()> {
        let options = &self.all.options;
        let rule = DatasetRule {
            account: options.account.clone(),
            copies: 1,
            rse_expression: options.rse.rse.clone(),
            grouping: "DATASET",
            lifetime: options.lifetime,
        };
        match dids::add_dataset(self.all.client, dataset, &rule).await {
            Ok(()) => self.tell(UploadEvent::DatasetMade(dataset)),
            Err(error) if error.class() == Some(Exception::DataIdentifierAlreadyExists) => {
                self.tell(UploadEvent::DatasetKnown(dataset));
                if options.lifetime.is_some() {
                    let details = format!("{dataset} exists: its lifetime is not changed by an upload.");
                    let command = format!("Leave --lifetime out, or change its rule: rucio rule list --did {dataset}");
                    return Err(Error::new(Exception::InputValidationError, details).with_hint(command));
                }
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn add_replica(&self, measured: &Measured, state: &'static str) -> Result<()> {
        let replica = measured.replica(self.did(), state, self.all.options.pfn.as_ref());
        let (client, rse) = (self.all.client, &self.all.options.rse.rse);
        let add = async |lot: Vec<NewReplica>| together(&lot, async |lot| replicas::add(client, rse, lot).await).await;
        self.all.catalogue.additions.hand_in(replica, add).await.unwrap_or_else(unanswered)?;
        self.tell(UploadEvent::Registered);
        Ok(())
    }

    /// Adds a rule for the file, unless it is in a dataset: that has a rule of its own.
    async fn add_rule(&self) -> Result<()> {
        if self.file.dataset.is_some() {
            return Ok(());
        }
        let add = async |lot: Vec<Did>| {
            let made = together(&lot, async |lot| rules::add(self.all.client, &self.rule(lot)).await.map(drop)).await;
            made.into_iter().map(unless_there).collect()
        };
        if self.all.catalogue.rules.hand_in(self.did().clone(), add).await.unwrap_or_else(unanswered)? {
            self.tell(UploadEvent::RuleMade);
        }
        Ok(())
    }

    fn rule(&self, dids: &[Did]) -> NewRule {
        NewRule {
            dids: dids.to_vec(),
            copies: 1,
            rse_expression: self.all.options.rse.rse.clone(),
            weight: None,
            lifetime: self.all.options.lifetime,
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
async fn look_up(client: &Client, lot: Vec<Did>) -> Vec<Result<Option<KnownFile>>> {
    if let [did] = lot.as_slice() {
        let known = dids::known_file(client, did).await;
        return vec![match known {
            Err(error) if error.class() == Some(Exception::DataIdentifierNotFound) => Ok(None),
            known => known.map(Some),
        }];
    }
    match dids::known_files(client, &lot).await {
        Ok(mut known) => lot.iter().map(|did| Ok(known.remove(did))).collect(),
        Err(error) => {
            tracing::debug!("Files are looked up one by one: {error}");
            let mut answers = Vec::with_capacity(lot.len());
            for did in lot {
                answers.extend(Box::pin(look_up(client, vec![did])).await);
            }
            answers
        }
    }
}

/// Makes one call for all items; if that is rejected, one call per item, so that one bad item fails alone.
async fn together<T>(lot: &[T], call: impl AsyncFn(&[T]) -> Result<()>) -> Vec<Result<()>> {
    let all = call(lot).await;
    if all.is_ok() || lot.len() == 1 {
        return std::iter::once(all).chain((1..lot.len()).map(|_| Ok(()))).collect();
    }
    let mut answers = Vec::with_capacity(lot.len());
    for one in lot {
        answers.push(call(std::slice::from_ref(one)).await);
    }
    answers
}

/// Returns whether the rule was created; `false` if it already existed.
fn unless_there(made: Result<()>) -> Result<bool> {
    match made {
        Err(error) if error.class() == Some(Exception::DuplicateRule) => Ok(false),
        made => made.map(|()| true),
    }
}

fn unanswered<T>() -> Result<T> {
    Err(Error::new(Exception::RucioException, "The catalogue was asked, and nobody answered."))
}

/// Returns whether the catalogue's file is this one. A file without a checksum in the catalogue is never the same.
fn is_same(known: &KnownFile, measured: &Measured) -> bool {
    let sum = Checksum::new(known.adler32.as_deref(), known.md5.as_deref());
    let size = known.bytes.is_none_or(|bytes| bytes == measured.bytes);
    known.did_type == "FILE" && size && measured.has(sum) == Some(true)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
