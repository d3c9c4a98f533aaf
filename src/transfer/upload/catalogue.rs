//! What the catalogue is told of files, and what it knows already.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::events::UploadEvent;
use super::local::Measured;
use super::{Failure, Run};
use crate::api::replicas::Query;
use crate::api::{dids, replicas, rses, rules, scopes};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::transfer::checksum::Checksum;
use crate::transfer::upload::target;
use crate::types::{DatasetRule, Did, KnownFile, NewRule, RseProtocol};

/// The priority of transfers, as the official client sets it.
const PRIORITY: i64 = 3;

/// What of the catalogue is looked up or made once for all files.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    scopes: OnceCell<Vec<String>>,
    foreign: Mutex<HashSet<String>>,
    datasets: Mutex<HashMap<Did, Arc<OnceCell<()>>>>,
}

/// What the catalogue knows of the replica at our RSE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// It has one that can be read.
    Available,
    /// It has one that is not there yet.
    Copying,
    /// It knows the file, but not at this RSE.
    Elsewhere,
}

impl Run<'_> {
    /// Makes the file, its replica in this state and its rule known, as far as they are not.
    ///
    /// Errors: `DataIdentifierAlreadyExists` if the catalogue knows another file of this name; what the server refuses.
    pub(super) async fn register(&self, measured: &Measured, state: &'static str) -> Result<Presence> {
        self.check_scope().await?;
        self.make_dataset().await?;
        match self.known(measured).await? {
            None => {
                self.add_replica(measured, state).await?;
                self.add_rule().await?;
                Ok(Presence::Copying)
            }
            Some(presence) => {
                self.tell(UploadEvent::Known);
                match presence {
                    Presence::Elsewhere => self.add_replica(measured, state).await?,
                    // A run that was interrupted may not have come to the rule.
                    Presence::Copying => self.add_rule().await?,
                    Presence::Available => {}
                }
                Ok(if presence == Presence::Elsewhere { Presence::Copying } else { presence })
            }
        }
    }

    /// What the catalogue knows of this file.
    ///
    /// Errors: `DataIdentifierAlreadyExists` if it is another one.
    pub(super) async fn known(&self, measured: &Measured) -> Result<Option<Presence>> {
        let known = match dids::known_file(self.all.client, self.did()).await {
            Err(error) if error.class() == Some(Exception::DataIdentifierNotFound) => return Ok(None),
            known => known?,
        };
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

    /// Declares the replica available.
    pub(super) async fn available(&self, measured: &Measured) -> Result<(), Failure> {
        let replica = measured.replica(self.did(), "A", self.all.options.pfn.as_ref());
        replicas::update_states(self.all.client, &self.all.options.rse.rse, &[replica]).await.map_err(|error| {
            self.tell(UploadEvent::StateFailed);
            let advice = match error.class() {
                Some(Exception::AccessDenied) => " Upload with --register-after-upload where you may not do that.",
                _ => "",
            };
            Failure::File(format!("its replica could not be declared available: {}{advice}", error.to_string().trim()))
        })
    }

    /// Attaches the file to its dataset, if it has one; whether that was still to be done.
    pub(super) async fn attach(&self) -> Result<bool, Failure> {
        let Some(dataset) = &self.file.dataset else { return Ok(false) };
        if self.all.options.registration == super::Registration::Never {
            return Ok(false);
        }
        self.all.attacher.attach(self.all.client, dataset, self.did()).await.map_err(|reason| {
            self.tell(UploadEvent::AttachFailed);
            Failure::File(format!("it could not be attached to {dataset}: {reason}"))
        })
    }

    /// Where the file goes by this protocol.
    pub(super) async fn pfn(&self, way: &RseProtocol) -> Result<String, Failure> {
        let (rse, did) = (&self.all.options.rse, self.did());
        let algorithm = match rse.lfn2pfn_algorithm.as_deref() {
            None | Some("default") => &self.all.options.default_algorithm,
            Some(algorithm) => algorithm,
        };
        if let Some(path) = target::path(algorithm, did).filter(|_| rse.deterministic) {
            return Ok(target::pfn(way, &path));
        }
        let told = rses::protocols::pfn_to_write(self.all.client, &rse.rse, did, &way.scheme).await?;
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
        replicas::add(self.all.client, &self.all.options.rse.rse, &[replica]).await?;
        self.tell(UploadEvent::Registered);
        Ok(())
    }

    /// A file of a dataset is held by the rule on that.
    async fn add_rule(&self) -> Result<()> {
        if self.file.dataset.is_some() {
            return Ok(());
        }
        match rules::add(self.all.client, &self.rule()).await {
            Err(error) if error.class() == Some(Exception::DuplicateRule) => Ok(()),
            Err(error) => Err(error),
            Ok(_) => {
                self.tell(UploadEvent::RuleMade);
                Ok(())
            }
        }
    }

    fn rule(&self) -> NewRule {
        NewRule {
            dids: vec![self.did().clone()],
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

/// Whether the catalogue knows this very file. One of which it knows no checksum could be any.
fn is_same(known: &KnownFile, measured: &Measured) -> bool {
    let sum = Checksum::new(known.adler32.as_deref(), known.md5.as_deref());
    let size = known.bytes.is_none_or(|bytes| bytes == measured.bytes);
    known.did_type == "FILE" && size && measured.has(sum) == Some(true)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
