//! One file on its way to one place: under a temporary name, verified, renamed.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, interval, sleep, timeout};

use super::events::UploadEvent;
use super::local::Measured;
use super::names::TemporaryName;
use super::run::Run;
use super::{Registration, target};
use crate::api::credentials::{self, Signature};
use crate::storage::write::{Sent, Stored, Writing};
use crate::storage::{Kind, Result, StorageError};
use crate::transfer::checksum::Checksum;
use crate::types::RseProtocol;

/// How often a file is written, if its storage breaks off.
const ATTEMPTS: u32 = 2;
/// A storage may take a moment until it shows what has been written: so long is waited, each time.
const GLANCES: [Duration; 4] =
    [Duration::from_millis(200), Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(3)];
/// How often it is looked whether bytes have moved.
const TICK: Duration = Duration::from_millis(200);
/// How long a storage may take for anything but taking bytes.
const ANSWER: Duration = Duration::from_secs(120);
/// How long a signed URL is good for, in seconds; an upload may be slow.
const SIGNED_FOR: u64 = 3600;

/// Where a file goes, and how.
pub(super) struct Place<'a> {
    /// The file.
    pub(super) run: &'a Run<'a>,
    /// The protocol, as the RSE has it.
    pub(super) way: &'a RseProtocol,
    /// The name it gets in the end.
    pub(super) pfn: &'a str,
    /// The protocol, as we speak it.
    pub(super) writer: &'a dyn Writing,
}

/// Why a file is not at the storage.
pub(super) enum Unwritten {
    /// The storage failed.
    Storage(StorageError),
    /// The local file is not what was measured any more.
    Changed,
}

impl From<StorageError> for Unwritten {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl Place<'_> {
    /// What lies there.
    pub(super) async fn look(&self) -> Result<Option<Stored>> {
        let pfn = self.access(self.pfn, "read").await?;
        answered(self.writer.look(&pfn)).await
    }

    /// Puts the file there. `old` is a file that nobody knows and that is in the way: it goes when ours is complete. What
    /// comes back is the lock on the name, where that has to last until the catalogue knows the file.
    pub(super) async fn write(&self, measured: &Measured, old: Option<&Stored>) -> Result<Option<String>, Unwritten> {
        let name = target::renames(self.way).then(|| TemporaryName::new(self.pfn, &self.run.file.path, measured));
        let target = name.as_ref().map_or(self.pfn, |name| name.pfn.as_str());
        self.run.all.unfinished().insert(target.to_owned());
        let mut written = self.complete(target, measured, old).await;
        if let Err(failure) = &written {
            if name.is_some() || self.may_discard(failure) {
                self.discard(target).await;
            }
            if measured.state.differs(&self.run.file.path) {
                written = Err(Unwritten::Changed);
            }
        }
        self.run.all.unfinished().remove(target);
        written
    }

    /// Whether what lies under the final name is ours to delete: not what was there before us, nor, unless we registered
    /// the name first, a file that differs from ours, as it may be the complete one of another process.
    fn may_discard(&self, failure: &Unwritten) -> bool {
        match failure {
            Unwritten::Storage(error) if error.kind == Kind::AlreadyExists => false,
            Unwritten::Storage(error) if error.kind == Kind::Refused => {
                self.run.all.options.registration == Registration::Before
            }
            _ => true,
        }
    }

    async fn complete(
        &self,
        target: &str,
        measured: &Measured,
        old: Option<&Stored>,
    ) -> Result<Option<String>, Unwritten> {
        let in_place = target == self.pfn;
        match self.send_twice(target, measured).await {
            // A run of this upload that was killed left it, or nobody knows it.
            Err(Unwritten::Storage(error)) if error.kind == Kind::AlreadyExists && (!in_place || old.is_some()) => {
                let pfn = self.access(target, "delete").await?;
                answered(self.writer.delete(&pfn)).await?;
                self.send_twice(target, measured).await?;
            }
            outcome => outcome?,
        }
        if !self.run.all.options.skip_stat && !self.compare(target, measured).await? {
            self.run.tell(UploadEvent::Unverified);
        }
        self.run.tell(UploadEvent::Written { pfn: target });
        match in_place {
            true => Ok(None),
            false => Ok(self.give_name(target, measured, old).await?),
        }
    }

    /// Sends the file, once more if the storage breaks off. What is sent is what was measured.
    async fn send_twice(&self, target: &str, measured: &Measured) -> Result<(), Unwritten> {
        for attempt in 1..=ATTEMPTS {
            match self.send(target).await {
                Err(error) if matches!(error.kind, Kind::Transient | Kind::Overloaded) && attempt < ATTEMPTS => {
                    self.run.tell(UploadEvent::AttemptFailed { reason: &error.to_string() });
                    sleep(error.pause().min(ANSWER)).await;
                }
                outcome => {
                    let sent = outcome?.whole();
                    let is_other = sent.is_some_and(|(bytes, sum)| {
                        (bytes, Checksum::Adler32(sum)) != (measured.bytes, measured.adler32)
                    });
                    let is_changed = is_other || measured.state.differs(&self.run.file.path);
                    return if is_changed { Err(Unwritten::Changed) } else { Ok(()) };
                }
            }
        }
        Ok(())
    }

    /// Hands the bytes over, and gives up if for too long none is taken.
    async fn send(&self, target: &str) -> Result<Sent> {
        let (pfn, sent) = (self.access(target, "write").await?, Sent::default());
        let mut put = self.writer.put(&self.run.file.path, &pfn, &sent);
        let (mut ticks, mut known, mut moved) = (interval(TICK), 0, Instant::now());
        loop {
            tokio::select! {
                outcome = &mut put => {
                    self.run.tell(UploadEvent::Sent(sent.taken()));
                    return outcome.map(|()| sent.clone());
                }
                _ = ticks.tick() => {
                    let now = sent.taken();
                    if now != known {
                        (known, moved) = (now, Instant::now());
                        self.run.tell(UploadEvent::Sent(now));
                    }
                    self.check_patience(moved.elapsed())?;
                }
            }
        }
    }

    /// Programs of their own do not tell how far they are, and have time-outs of their own.
    fn check_patience(&self, silent: Duration) -> Result<()> {
        let tells = !matches!(self.way.scheme.as_str(), "root" | "xroot" | "scp" | "rsync");
        match self.run.all.options.patience {
            Some(patience) if tells && silent > patience => {
                let message = format!("the storage took no byte for {} s", patience.as_secs_f64());
                Err(StorageError::new(Kind::TimedOut, message))
            }
            _ => Ok(()),
        }
    }

    /// Compares what lies there with what was measured; whether a checksum told so.
    pub(super) async fn compare(&self, name: &str, measured: &Measured) -> Result<bool> {
        let pfn = self.access(name, "read").await?;
        let mut glances = GLANCES.into_iter();
        let stored = loop {
            let stored = answered(self.writer.look(&pfn)).await;
            let settled = match &stored {
                Ok(Some(stored)) => stored.bytes != Some(0) || measured.bytes == 0,
                Ok(None) => false,
                Err(error) => !error.may_pass(),
            };
            match glances.next().filter(|_| !settled) {
                Some(pause) => sleep(pause).await,
                None => break stored?,
            }
        };
        let refused = |message: String| StorageError::new(Kind::Refused, message);
        let stored = stored.ok_or_else(|| refused("what was written is not there".to_owned()))?;
        if !stored.is_known() {
            return Err(refused(self.unverifiable(name)));
        }
        measured.is(&stored, self.run.all.options.rse.verify_checksum).map_err(refused)
    }

    fn unverifiable(&self, pfn: &str) -> String {
        format!(
            "the storage reports neither size nor checksum of {pfn} (asked by {}), so the upload cannot be verified; \
             upload by another protocol, or to another RSE, and report it to those who run {}",
            self.writer.asks(),
            self.run.all.options.rse.rse
        )
    }

    async fn discard(&self, pfn: &str) {
        match self.access(pfn, "delete").await {
            Ok(pfn) => self.run.all.discard(&pfn).await,
            Err(error) => tracing::debug!("{pfn} is left behind: {error}"),
        }
    }

    /// The address for this operation: signed, where the RSE wants that.
    async fn access(&self, pfn: &str, operation: &str) -> Result<String> {
        let rse = &self.run.all.options.rse;
        let Some(service) = rse.sign_url.as_deref().filter(|_| self.way.scheme == "https") else {
            return Ok(pfn.to_owned());
        };
        let wanted = Signature { rse: &rse.rse, service, operation, lifetime: SIGNED_FOR, url: pfn };
        let signed = credentials::sign_url(self.run.all.client, wanted).await;
        signed.map_err(|error| StorageError::new(Kind::Denied, format!("its URL could not be signed: {error}")))
    }
}

/// What a storage answers, if it does.
pub(super) async fn answered<T>(answer: impl Future<Output = Result<T>>) -> Result<T> {
    let late = || StorageError::new(Kind::TimedOut, "the storage did not answer in time");
    timeout(ANSWER, answer).await.unwrap_or_else(|_| Err(late()))
}
