//! One file's life on its way up: measured in one read, registered, written under a temporary name, verified at the
//! storage, given its name, and told to the catalogue. [`local`] finds the files, [`target`] says where they go,
//! [`catalogue`] registers, [`transfer`] writes.

mod attach;
mod catalogue;
pub mod events;
pub mod folders;
pub mod local;
mod lots;
pub mod target;
mod transfer;

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::Semaphore;

use attach::Attacher;
use catalogue::{Catalogue, Presence};
use events::{Observer, There, UploadEvent};
use local::{Local, Measured};

use super::clock;
use super::trace::{Fields, Trace, Tracer};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::Client;
use crate::storage::write::Stored;
use crate::storage::{Kind, StorageError, Storages};
use crate::types::{Did, RseProtocol, RseSettings};

/// A file of this size or more shares the network with few others.
const LARGE: u64 = 8 * 1024 * 1024;
/// How many large files at a time.
const LARGE_LANES: usize = 3;
/// How many files are read, or on their way to the storage, at a time: for small ones, its answer time is the limit.
const LANES: usize = 16;
/// How many files are under way at a time, with those that wait for the catalogue. It takes long for each call, whatever
/// the number of files in it; so more of them gather for the next one than a storage would like to take in at once.
const UNDER_WAY: usize = 100;
/// How many at a time by programs that log in for each step: servers refuse more (`MaxStartups` of OpenSSH is 10).
const LOGIN_LANES: usize = 4;
/// How long what is left behind may take to be tidied away, one file.
const TIDY: Duration = Duration::from_secs(20);

/// When the catalogue is told of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// Before it is written, as being copied; and again when it is there.
    Before,
    /// When it is there.
    After,
    /// Never.
    Never,
}

/// What is wanted of all files.
#[derive(Debug)]
pub struct Options {
    /// Where to.
    pub rse: RseSettings,
    /// `wan` or `lan`.
    pub domain: &'static str,
    /// Only by these protocols, joined by commas.
    pub schemes: Option<String>,
    /// Only by this class of the official client, which an RSE names for each protocol.
    pub implementation: Option<String>,
    /// To exactly this place.
    pub pfn: Option<String>,
    /// When to register.
    pub registration: Registration,
    /// Seconds that new rules live.
    pub lifetime: Option<i64>,
    /// How long a storage may be silent; none for any time.
    pub patience: Option<Duration>,
    /// Whether what has been written is not looked at.
    pub skip_stat: bool,
    /// The account whose rules and scopes count.
    pub account: String,
    /// The algorithm that `default` stands for.
    pub default_algorithm: String,
}

/// Uploads files.
pub struct Uploader<'a> {
    /// The catalogue.
    pub client: &'a Client,
    /// The storages.
    pub storages: &'a Storages,
    /// What is wanted.
    pub options: Options,
    /// Who is told what happens.
    pub observer: &'a dyn Observer,
    /// Where traces are sent, if they are.
    pub tracer: Option<&'a Tracer>,
    /// What all traces have in common.
    pub common_trace: Fields,
    catalogue: Catalogue,
    attacher: Attacher,
    unfinished: Mutex<HashSet<String>>,
    lanes: Semaphore,
    logins: Semaphore,
}

/// How a file ended.
#[derive(Debug)]
pub enum Outcome {
    /// It has been uploaded, or what was missing has been done.
    Done(Uploaded),
    /// It was there already.
    AlreadyThere(Option<Uploaded>),
    /// It could not be done. What has been written, if that succeeded, and the refusal of catalogue or storage that
    /// decides the exit code, if it was one.
    Failed {
        /// Why.
        reason: String,
        /// The refusal.
        error: Option<Error>,
        /// What lies at the storage.
        uploaded: Option<Uploaded>,
    },
}

/// A file that lies at the storage.
#[derive(Debug, Clone)]
pub struct Uploaded {
    /// What was measured.
    pub measured: Measured,
    /// Where it lies.
    pub pfn: String,
}

/// Why a file failed.
enum Failure {
    /// Somebody else's refusal, which decides the exit code.
    Refused(Error),
    /// Just this file.
    File(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl<'a> Uploader<'a> {
    /// An uploader that has not begun.
    pub fn new(client: &'a Client, storages: &'a Storages, options: Options, observer: &'a dyn Observer) -> Self {
        Self {
            client,
            storages,
            options,
            observer,
            tracer: None,
            common_trace: Fields::new(),
            catalogue: Catalogue::default(),
            attacher: Attacher::default(),
            unfinished: Mutex::default(),
            lanes: Semaphore::new(LANES),
            logins: Semaphore::new(LOGIN_LANES),
        }
    }

    /// Uploads files, several at a time; the outcomes are in their order. Dropped, it stops at once; what it may have
    /// left at the storage is for [`Self::tidy`].
    pub async fn run(&self, files: &[Local]) -> Vec<Outcome> {
        let large = Semaphore::new(LARGE_LANES);
        let mut names = HashSet::new();
        // Of files with the same name the first goes with the others; the later ones find it there.
        let (first, later): (Vec<_>, Vec<_>) = (0..files.len()).partition(|index| names.insert(&files[*index].did));
        let one = |index: usize| {
            let (file, large) = (&files[index], &large);
            async move {
                let _permit = if file.bytes >= LARGE { large.acquire().await.ok() } else { None };
                let outcome = self.upload(file).await;
                self.observer.file(file, UploadEvent::Ended(&outcome));
                (index, outcome)
            }
        };
        let mut outcomes: Vec<_> = stream::iter(first).map(one).buffer_unordered(UNDER_WAY).collect().await;
        for index in later {
            outcomes.push(one(index).await);
        }
        outcomes.sort_by_key(|(index, _)| *index);
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }

    /// Deletes what an interrupted run left under temporary names, as far as the storage lets us.
    pub async fn tidy(&self) {
        let left: Vec<_> = self.unfinished().drain().collect();
        stream::iter(left).for_each_concurrent(LANES, |pfn| async move { self.discard(&pfn).await }).await;
    }

    async fn upload(&self, file: &Local) -> Outcome {
        let run = Run { all: self, file };
        run.tell(UploadEvent::Started);
        if !self.options.rse.deterministic && self.options.pfn.is_none() {
            let reason = "PFN has to be defined for NON-DETERMINISTIC RSE.".to_owned();
            return run.failed(Failure::File(reason), None);
        }
        let lane = self.lanes.acquire().await;
        let measured = local::measure(file).await;
        drop(lane);
        let measured = match measured {
            Ok(measured) => measured,
            Err(error) => return run.failed(Failure::Refused(error), None),
        };
        run.registered_first(measured).await
    }

    fn unfinished(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.unfinished.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Deletes a file that is not to stay. There is nobody who could do more about it.
    async fn discard(&self, pfn: &str) {
        let Ok(writer) = self.storages.writer(pfn) else { return };
        // What stands behind a question mark is a signature.
        let shown = pfn.split('?').next().unwrap_or_default();
        match tokio::time::timeout(TIDY, writer.delete(pfn)).await {
            Ok(Err(error)) if error.kind != Kind::NotFound => tracing::debug!("{shown} is left behind: {error}"),
            Err(_) => tracing::debug!("{shown} is left behind"),
            Ok(_) => {}
        }
    }
}

/// One file under way.
struct Run<'a> {
    all: &'a Uploader<'a>,
    file: &'a Local,
}

/// What is to be done once it is known what lies at the storage.
enum Next {
    /// Write it; a file that nobody knows may be in the way.
    Write { in_the_way: bool },
    /// It lies there; only the catalogue has to be told.
    Tell,
    /// All is done.
    Nothing(There),
}

impl Run<'_> {
    fn tell(&self, event: UploadEvent<'_>) {
        self.all.observer.file(self.file, event);
    }

    async fn registered_first(&self, measured: Measured) -> Outcome {
        let mut presence = None;
        if self.all.options.registration == Registration::Before {
            match self.register(&measured, "C").await {
                Ok(known) => presence = Some(known),
                Err(error) => return self.failed(Failure::Refused(error), None),
            }
        }
        let mut trace = self.trace(&measured);
        match self.at_storage(&measured, presence, &mut trace).await {
            Ok((pfn, Next::Nothing(there))) => self.nothing_to_do(measured, pfn, there).await,
            Ok((pfn, Next::Tell)) => {
                self.tell(UploadEvent::Complete);
                self.told(Uploaded { measured, pfn }).await
            }
            Ok((pfn, Next::Write { .. })) => {
                trace.set("transferEnd", now());
                trace.set("clientState", "DONE");
                self.send(trace);
                self.told(Uploaded { measured, pfn }).await
            }
            Err(failure) => {
                // Traces tell of transfers; where none began there is none to tell of.
                if trace.has("protocol") {
                    trace.set("clientState", "FAILED");
                    trace.set("stateReason", reason(&failure));
                    self.send(trace);
                }
                self.failed(failure, None)
            }
        }
    }

    /// One protocol after the other, until the file is at the storage: where, and what was done for it.
    async fn at_storage(
        &self,
        measured: &Measured,
        presence: Option<Presence>,
        trace: &mut Trace,
    ) -> Result<(String, Next), Failure> {
        let options = &self.all.options;
        let ways = target::ways(&options.rse, options.domain, options.schemes.as_deref(), options.implementation())?;
        let mut last = None;
        for way in ways {
            let pfn = match &options.pfn {
                Some(pfn) => pfn.clone(),
                None => self.pfn(way).await?,
            };
            match self.by(way, &pfn, measured, presence, trace).await {
                Ok(next) => return Ok((pfn, next)),
                Err(Broken::Final(failure)) => return Err(failure),
                Err(Broken::Way(error, looked)) => {
                    self.tell(UploadEvent::AttemptFailed { reason: &error.to_string() });
                    last = Some((error, looked));
                }
            }
        }
        Err(match last {
            Some((error, false)) => Failure::Refused(Error::new(class_of(&error), error.to_string())),
            Some((error, true)) => Failure::File(error.to_string()),
            None => Failure::File("there is no protocol to write by".to_owned()),
        })
    }

    /// Does what has to be done at the storage, by this protocol.
    async fn by(
        &self,
        way: &RseProtocol,
        pfn: &str,
        measured: &Measured,
        presence: Option<Presence>,
        trace: &mut Trace,
    ) -> Result<Next, Broken> {
        let writer = self.all.storages.writer(pfn).map_err(|error| Broken::Way(error, false))?;
        let logs_in = matches!(way.scheme.as_str(), "scp" | "rsync");
        let _login = if logs_in { self.all.logins.acquire().await.ok() } else { None };
        let _lane = self.all.lanes.acquire().await.ok();
        let place = transfer::Place { run: self, way, pfn, writer };
        let there = place.look().await.map_err(|error| Broken::Way(error, false))?;
        let next = match there {
            None => Next::Write { in_the_way: false },
            Some(stored) => self.about(&stored, measured, presence, pfn).await.map_err(Broken::Final)?,
        };
        if let Next::Write { in_the_way } = next {
            self.tell(UploadEvent::Trying { scheme: &way.scheme, rse: &self.all.options.rse.rse });
            trace.set("protocol", way.scheme.as_str());
            trace.set("transferStart", now());
            place.write(measured, in_the_way).await.map_err(|error| Broken::Way(error, true))?;
        }
        Ok(next)
    }

    /// What to do about a file that lies there. A good one is never overwritten.
    async fn about(
        &self,
        stored: &Stored,
        measured: &Measured,
        presence: Option<Presence>,
        pfn: &str,
    ) -> Result<Next, Failure> {
        let right = measured.is(stored, self.all.options.rse.verify_checksum).is_ok();
        let another = || match stored.is_known() {
            true => Failure::File(format!("another file lies there already: {pfn}")),
            false => Failure::File(format!("a file lies there already that cannot be compared: {pfn}")),
        };
        let there = if self.all.options.rse.deterministic { There::AtRse } else { There::AtPfn };
        match (self.all.options.registration, presence) {
            (Registration::Never, _) | (Registration::Before, Some(Presence::Available)) => Ok(Next::Nothing(there)),
            (Registration::Before, _) => right.then_some(Next::Tell).ok_or_else(another),
            (Registration::After, _) => match self.known(measured).await {
                Ok(Some(Presence::Elsewhere)) => right.then_some(Next::Tell).ok_or_else(another),
                Ok(Some(_)) => Ok(Next::Nothing(There::Registered)),
                Ok(None) if right => Ok(Next::Tell),
                Ok(None) => {
                    self.tell(UploadEvent::Overwriting);
                    Ok(Next::Write { in_the_way: true })
                }
                Err(error) if error.class() == Some(Exception::DataIdentifierAlreadyExists) => {
                    Err(Failure::File(error.to_string()))
                }
                Err(error) => Err(error.into()),
            },
        }
    }

    /// The file is at the storage: what the catalogue does not know yet.
    async fn told(&self, uploaded: Uploaded) -> Outcome {
        let told = match self.all.options.registration {
            Registration::Never => Ok(()),
            Registration::Before => self.available(&uploaded.measured).await,
            Registration::After => self.register_after(&uploaded).await.map_err(Failure::Refused),
        };
        let attached = match told {
            Ok(()) => self.attach().await.map(drop),
            Err(failure) => Err(failure),
        };
        match attached {
            Ok(()) => {
                self.tell(UploadEvent::Done);
                Outcome::Done(uploaded)
            }
            Err(failure) => self.failed(failure, Some(uploaded)),
        }
    }

    /// A file that the catalogue refuses is taken away again: nobody would ever find it.
    async fn register_after(&self, uploaded: &Uploaded) -> Result<()> {
        let refused = |error: &Error| matches!(error, Error::Rucio(refusal) if refusal.status.is_some_and(|s| s < 500));
        let outcome = self.register(&uploaded.measured, "A").await;
        if let Err(error) = &outcome
            && refused(error)
            && matches!(self.known(&uploaded.measured).await, Ok(None))
        {
            self.all.discard(&uploaded.pfn).await;
        }
        outcome.map(drop)
    }

    async fn nothing_to_do(&self, measured: Measured, pfn: String, there: There) -> Outcome {
        self.tell(UploadEvent::AlreadyThere(there));
        let uploaded = Uploaded { measured, pfn };
        match self.attach().await {
            Ok(true) => {
                self.tell(UploadEvent::Done);
                Outcome::Done(uploaded)
            }
            Ok(false) => Outcome::AlreadyThere(Some(uploaded)),
            Err(failure) => self.failed(failure, Some(uploaded)),
        }
    }

    fn failed(&self, failure: Failure, uploaded: Option<Uploaded>) -> Outcome {
        let reason = reason(&failure);
        self.tell(UploadEvent::Failed { reason: &reason });
        let error = match failure {
            Failure::Refused(error) => Some(error),
            Failure::File(_) => None,
        };
        Outcome::Failed { reason, error, uploaded }
    }

    fn trace(&self, measured: &Measured) -> Trace {
        let mut trace = Trace::from(self.all.common_trace.clone());
        let dataset = self.file.dataset.as_ref();
        trace.set("scope", self.file.did.scope.as_str());
        trace.set("datasetScope", dataset.map_or("", |did| did.scope.as_str()));
        trace.set("dataset", dataset.map_or("", |did| did.name.as_str()));
        trace.set("remoteSite", self.all.options.rse.rse.as_str());
        trace.set("filesize", measured.bytes);
        trace
    }

    fn send(&self, trace: Trace) {
        if let Some(tracer) = self.all.tracer {
            tracer.send(trace);
        }
    }

    fn did(&self) -> &Did {
        &self.file.did
    }
}

/// Why a protocol did not do it.
enum Broken {
    /// The next one may; and whether the storage had let us look.
    Way(StorageError, bool),
    /// None will.
    Final(Failure),
}

impl Options {
    /// The class of the official client that is asked for, by its full name.
    fn implementation(&self) -> Option<String> {
        let name = self.implementation.as_deref()?;
        let class = if name.contains('.') { "" } else { ".Default" };
        Some(format!("rucio.rse.protocols.{name}{class}"))
    }
}

/// The class of a storage that cannot even be looked at.
fn class_of(error: &StorageError) -> Exception {
    match error.kind {
        Kind::Denied => Exception::RSEAccessDenied,
        Kind::Unsupported => Exception::RSEProtocolNotSupported,
        _ => Exception::ServiceUnavailable,
    }
}

fn reason(failure: &Failure) -> String {
    match failure {
        Failure::Refused(error) => error.to_string(),
        Failure::File(reason) => reason.clone(),
    }
}

fn now() -> f64 {
    clock::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
