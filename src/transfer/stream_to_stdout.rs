//! Streams the bytes of a file in order to a callback, and verifies them meanwhile.
//!
//! Bytes that have been passed on cannot be taken back. So the next attempt resumes where the last one broke off: with
//! a range request for the same version at the same source, or with another replica once its beginning has the same
//! checksum.

use super::attempt_timeout::Patience;
use super::checksum::{Checksum, Hasher};
use super::download::ATTEMPTS;
use super::job::FileJob;
use super::wait_budget::WaitBudget;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::storage::{Kind, Rest, Storage, StorageError, Storages};

/// Callback that consumes the bytes.
pub type Take<'a> = dyn FnMut(&[u8]) -> Result<()> + 'a;

struct Flow<'a, 't> {
    job: &'a FileJob,
    take: &'a mut Take<'t>,
    hasher: Hasher,
    sent: u64,
}

enum Stop {
    Storage(StorageError),
    /// The callback failed.
    Taker(Error),
}

impl From<StorageError> for Stop {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

/// Streams a file to `take`. Errors: no replica could be read, or not to its end; the bytes do not match the
/// catalogue's checksum; or `take` failed.
pub async fn pour(storages: &Storages, job: &FileJob, take: &mut Take<'_>) -> Result<()> {
    let mut flow = Flow { job, take, hasher: kind(job.checksum).hasher(), sent: 0 };
    let mut reasons = Vec::new();
    // A file inside an archive cannot be streamed.
    for source in job.sources.iter().filter(|source| source.member.is_none()) {
        let poured = match storages.of(&source.pfn) {
            Ok(storage) => flow.source(storage, &source.pfn).await,
            Err(error) => Err(error.into()),
        };
        match poured {
            Ok(()) => return flow.verify(),
            Err(Stop::Taker(error)) => return Err(error),
            Err(Stop::Storage(error)) => {
                tracing::warn!("{} at {} cannot be read: {error}", job.did, source.rse);
                reasons.push(format!("{}: {error}", source.rse));
            }
        }
    }
    Err(flow.failure(&reasons))
}

/// Returns the kind of checksum to compute: Adler-32 if the catalogue has none, to compare other replicas.
fn kind(known: Checksum) -> Checksum {
    if known == Checksum::Unknown { Checksum::Adler32(0) } else { known }
}

impl Flow<'_, '_> {
    /// Reads one source, with retries.
    async fn source(&mut self, storage: &dyn Storage, pfn: &str) -> Result<(), Stop> {
        let (mut version, mut attempt, mut budget) = (None, 1, WaitBudget::new(Patience::default()));
        loop {
            let error = match self.attempt(storage, pfn, &mut version).await {
                Err(Stop::Storage(error)) if error.may_pass() => error,
                outcome => return outcome,
            };
            if budget.grant(&error).await? {
                continue;
            }
            if attempt == ATTEMPTS {
                return Err(error.into());
            }
            tokio::time::sleep(error.pause()).await;
            attempt += 1;
        }
    }

    async fn attempt(&mut self, storage: &dyn Storage, pfn: &str, version: &mut Option<String>) -> Result<(), Stop> {
        let rest =
            version.take().filter(|_| self.sent > 0).map(|version| Rest { start: self.sent, version: Some(version) });
        let mut reading = storage.get(pfn, rest.as_ref()).await?;
        if let (Some(found), Some(expected)) =
            (reading.length, self.job.bytes.filter(|bytes| reading.length != Some(*bytes)))
        {
            return Err(refused(format!("it has {found} bytes, not {expected}")));
        }
        version.clone_from(&reading.version);
        let mut beginning = Beginning { missing: self.sent - reading.start, hasher: kind(self.job.checksum).hasher() };
        while let Some(chunk) = reading.next().await? {
            let fresh = beginning.skip(&chunk, &self.hasher)?;
            self.pass(fresh)?;
        }
        let expected = self.job.bytes.unwrap_or(0);
        match beginning.missing > 0 || self.sent < expected {
            true => Err(StorageError::new(Kind::Transient, format!("it ended after {} bytes", self.sent)).into()),
            false => Ok(()),
        }
    }

    fn pass(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        if bytes.is_empty() {
            return Ok(());
        }
        let sent = self.sent + bytes.len() as u64;
        if let Some(expected) = self.job.bytes.filter(|expected| sent > *expected) {
            return Err(refused(format!("it has more than {expected} bytes")));
        }
        (self.take)(bytes).map_err(Stop::Taker)?;
        self.hasher.update(bytes);
        self.sent = sent;
        Ok(())
    }

    fn verify(self) -> Result<()> {
        let (did, expected, found) = (&self.job.did, self.job.checksum, self.hasher.finish());
        if expected == Checksum::Unknown {
            tracing::warn!("Rucio knows no checksum of {did}: only its size was compared");
            return Ok(());
        }
        match found == expected {
            true => Ok(()),
            false => Err(Error::new(
                Exception::FileConsistencyMismatch,
                format!("What was written is not {did}: its checksum is {found}, not {expected}. Throw it away."),
            )),
        }
    }

    fn failure(&self, reasons: &[String]) -> Error {
        let (did, why) = (&self.job.did, reasons.join("; "));
        let details = match (self.sent, reasons) {
            (0, []) => format!("{did} has no replica that can be read."),
            (0, _) => format!("{did}: {why}"),
            (sent, _) => format!("What was written of {did} ends after {sent} bytes. {why}"),
        };
        Error::new(Exception::ReplicaUnAvailable, details)
    }
}

/// The beginning of a replica, already received from another one.
struct Beginning {
    missing: u64,
    hasher: Hasher,
}

impl Beginning {
    /// Returns the bytes after the beginning. Errors: the beginning differs.
    fn skip<'c>(&mut self, chunk: &'c [u8], flowed: &Hasher) -> Result<&'c [u8], Stop> {
        if self.missing == 0 {
            return Ok(chunk);
        }
        let length = usize::try_from(self.missing).unwrap_or(usize::MAX).min(chunk.len());
        let (known, fresh) = chunk.split_at(length);
        self.hasher.update(known);
        self.missing -= known.len() as u64;
        match self.missing == 0 && self.hasher.clone().finish() != flowed.clone().finish() {
            true => Err(refused("it begins with other bytes than what was written".to_owned())),
            false => Ok(fresh),
        }
    }
}

fn refused(why: String) -> Stop {
    StorageError::new(Kind::Refused, why).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::http::tests::{answer, plain, serve, sized};
    use crate::transfer::job::Source;
    use crate::types::Did;

    async fn poured(pfns: &[&str]) -> (String, Result<()>) {
        let source = |pfn: &&str| Source { pfn: (*pfn).to_owned(), rse: "RSE".to_owned(), member: None };
        let job = FileJob {
            bytes: Some(5),
            checksum: Checksum::new(Some("062c0215"), None),
            sources: pfns.iter().map(source).collect(),
            ..FileJob::unknown(Did::new("s", "f"), 0)
        };
        let mut text = Vec::new();
        let outcome = pour(&Storages::new(plain()), &job, &mut |bytes| {
            text.extend_from_slice(bytes);
            Ok(())
        })
        .await;
        (String::from_utf8(text).unwrap(), outcome)
    }

    #[tokio::test]
    async fn a_broken_flow_goes_on_at_the_same_place() {
        let cut = answer("200 OK", "Content-Length: 5\r\nETag: \"1\"\r\n", "hel");
        let rest = sized("206 Partial Content", "Content-Range: bytes 3-4/5\r\nETag: \"1\"\r\n", "lo");
        let (base, mut asked) = serve(vec![cut, rest]).await;
        let (text, outcome) = poured(&[&base]).await;
        assert_eq!((text.as_str(), outcome.is_ok()), ("hello", true));
        asked.recv().await.unwrap();
        assert!(asked.recv().await.unwrap().contains("range: bytes=3-"));
    }

    #[tokio::test]
    async fn another_replica_goes_on_if_it_begins_with_the_same() {
        let cut = || answer("200 OK", "Content-Length: 5\r\n", "hel");
        for (other, expected, good) in [("hello", "hello", true), ("HELLO", "hel", false)] {
            let (broken, _asked) = serve(vec![cut(), cut()]).await;
            let (whole, _asked) = serve(vec![sized("200 OK", "", other)]).await;
            let (text, outcome) = poured(&[&broken, &whole]).await;
            assert_eq!((text.as_str(), outcome.is_ok()), (expected, good), "{outcome:?}");
            if let Err(error) = outcome {
                assert!(error.to_string().contains("ends after 3 bytes"), "{error}");
            }
        }
    }

    #[tokio::test]
    async fn the_next_replica_is_taken_while_nothing_has_flowed() {
        let (missing, _asked) = serve(vec![sized("404 Not Found", "", "")]).await;
        let (short, _asked) = serve(vec![sized("200 OK", "", "hell")]).await;
        let (good, _asked) = serve(vec![sized("200 OK", "", "hello")]).await;
        let (text, outcome) = poured(&["srm://h/f", &missing, &short, &good]).await;
        assert_eq!((text.as_str(), outcome.is_ok()), ("hello", true));
        let error = poured(&["srm://h/f"]).await.1.unwrap_err();
        assert!(error.to_string().contains("s:f: RSE: srm:// cannot be read here"), "{error}");
        assert!(poured(&[]).await.1.unwrap_err().to_string().contains("no replica that can be read"));
    }

    #[tokio::test]
    async fn busy_storage_that_names_a_time_is_asked_again_more_often_than_there_are_attempts() {
        let mut answers = vec![sized("503 Busy", "Retry-After: 1\r\n", "busy"); ATTEMPTS as usize];
        answers.push(sized("200 OK", "", "hello"));
        let (base, _asked) = serve(answers).await;
        let (text, outcome) = poured(&[&base]).await;
        assert_eq!(text, "hello");
        assert!(outcome.is_ok(), "{outcome:?}");
    }

    #[tokio::test]
    async fn wrong_bytes_are_told_at_the_end() {
        let (base, _asked) = serve(vec![sized("200 OK", "", "HELLO")]).await;
        let (text, outcome) = poured(&[&base]).await;
        assert_eq!(text, "HELLO");
        assert!(outcome.unwrap_err().to_string().contains("What was written is not s:f"));
        let (base, _asked) = serve(vec![answer("200 OK", "", "hello, world")]).await;
        let (text, outcome) = poured(&[&base]).await;
        assert!("hello, world".starts_with(&text) && outcome.is_err());
    }

    #[tokio::test]
    async fn whoever_takes_the_bytes_may_refuse() {
        let (base, _asked) = serve(vec![sized("200 OK", "", "hello")]).await;
        let mut job = FileJob::unknown(Did::new("s", "f"), 0);
        job.sources = vec![Source { pfn: base, rse: "RSE".into(), member: None }];
        let refuse = &mut |_: &[u8]| Err(Error::Interrupted);
        assert!(matches!(pour(&Storages::new(plain()), &job, refuse).await, Err(Error::Interrupted)));
    }
}
