//! One file on its way to one place: under a temporary name, verified, renamed.

use std::future::Future;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, interval, sleep, timeout};

use super::Run;
use super::events::UploadEvent;
use super::local::Measured;
use super::target;
use crate::api::credentials::{self, Signature};
use crate::storage::write::{Sent, Stored, Writing};
use crate::storage::{Kind, Result, StorageError};
use crate::types::RseProtocol;

/// What files are called until they are complete, as by the official client.
const TEMPORARY: &str = ".rucio.upload";
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

impl Place<'_> {
    /// What lies there.
    pub(super) async fn look(&self) -> Result<Option<Stored>> {
        let pfn = self.access(self.pfn, "read").await?;
        answered(self.writer.look(&pfn)).await
    }

    /// Puts the file there. A file that nobody knows and that is in the way goes when ours is complete.
    pub(super) async fn write(&self, measured: &Measured, in_the_way: bool) -> Result<()> {
        let temporary = match target::renames(self.way) {
            true => format!("{}{TEMPORARY}", self.pfn),
            false => self.pfn.to_owned(),
        };
        self.run.all.unfinished().insert(temporary.clone());
        let written = self.complete(&temporary, measured, in_the_way).await;
        if written.is_err() {
            self.discard(&temporary).await;
        }
        self.run.all.unfinished().remove(&temporary);
        written
    }

    async fn complete(&self, temporary: &str, measured: &Measured, in_the_way: bool) -> Result<()> {
        for attempt in 1..=ATTEMPTS {
            match self.send(temporary).await {
                Err(error) if matches!(error.kind, Kind::Transient | Kind::Overloaded) && attempt < ATTEMPTS => {
                    self.run.tell(UploadEvent::AttemptFailed { reason: &error.to_string() });
                    sleep(error.pause().min(ANSWER)).await;
                }
                outcome => {
                    outcome?;
                    break;
                }
            }
        }
        if !self.run.all.options.skip_stat {
            self.verify(temporary, measured).await?;
        }
        self.run.tell(UploadEvent::Written { pfn: temporary });
        if temporary == self.pfn {
            return Ok(());
        }
        if in_the_way {
            answered(self.writer.delete(self.pfn)).await?;
        }
        answered(self.writer.rename(temporary, self.pfn)).await
    }

    /// Hands the bytes over, and gives up if for too long none is taken.
    async fn send(&self, temporary: &str) -> Result<()> {
        let (pfn, sent) = (self.access(temporary, "write").await?, Sent::default());
        let mut put = self.writer.put(&self.run.file.path, &pfn, &sent);
        let (mut ticks, mut known, mut moved) = (interval(TICK), 0, Instant::now());
        loop {
            tokio::select! {
                outcome = &mut put => {
                    self.run.tell(UploadEvent::Sent(sent.load(Ordering::Relaxed)));
                    return outcome;
                }
                _ = ticks.tick() => {
                    let now = sent.load(Ordering::Relaxed);
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

    /// Compares what lies there with what was sent.
    async fn verify(&self, temporary: &str, measured: &Measured) -> Result<()> {
        let pfn = self.access(temporary, "read").await?;
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
            return Err(refused(self.unverifiable(temporary)));
        }
        let by_checksum = self.run.all.options.rse.verify_checksum;
        if !measured.is(&stored, by_checksum).map_err(refused)? {
            self.run.tell(UploadEvent::Unverified);
        }
        Ok(())
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
async fn answered<T>(answer: impl Future<Output = Result<T>>) -> Result<T> {
    let late = || StorageError::new(Kind::TimedOut, "the storage did not answer in time");
    timeout(ANSWER, answer).await.unwrap_or_else(|_| Err(late()))
}
