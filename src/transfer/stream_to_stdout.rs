//! Streams the bytes of a file in order to a callback, and verifies them meanwhile.
//!
//! Bytes that have been passed on cannot be taken back. So the next attempt resumes where the last one broke off: with
//! a range request for the same version at the same source, or with another replica once its beginning has the same
//! checksum.

use super::checksum::{Checksum, Hasher};
use super::download::ATTEMPTS;
use super::job::FileJob;
use super::limits::attempt_timeout::AttemptTimeout;
use super::limits::wait_budget::WaitBudget;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::storage::{Pfn, ResumeFrom, Storage, StorageError, StorageErrorKind, Storages};

/// Callback that consumes the bytes.
pub type WriteBytes<'a> = dyn FnMut(&[u8]) -> Result<()> + 'a;

struct FileStream<'a, 't> {
    job: &'a FileJob,
    write: &'a mut WriteBytes<'t>,
    hasher: Hasher,
    sent: u64,
}

enum StreamError {
    Storage(StorageError),
    /// The callback failed.
    Writer(Error),
}

impl From<StorageError> for StreamError {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

/// Streams a file to `write`. Errors: no replica could be read, or not to its end; the bytes do not match the
/// catalogue's checksum; or `write` failed.
pub async fn stream_file(storages: &Storages, job: &FileJob, write: &mut WriteBytes<'_>) -> Result<()> {
    let mut stream = FileStream { job, write, hasher: checksum_kind(job.checksum).hasher(), sent: 0 };
    let mut reasons = Vec::new();
    // A file inside an archive cannot be streamed.
    for source in job.sources.iter().filter(|source| source.member.is_none()) {
        let result = match storages.for_pfn(&source.pfn) {
            Ok(storage) => stream.source(storage, &source.pfn).await,
            Err(error) => Err(error.into()),
        };
        match result {
            Ok(()) => return stream.verify(),
            Err(StreamError::Writer(error)) => return Err(error),
            Err(StreamError::Storage(error)) => {
                tracing::warn!("{} at {} cannot be read: {error}", job.did, source.rse);
                reasons.push(format!("{}: {error}", source.rse));
            }
        }
    }
    Err(stream.failure(&reasons))
}

/// Returns the kind of checksum to compute: Adler-32 if the catalogue has none, to compare other replicas.
fn checksum_kind(known: Checksum) -> Checksum {
    if known == Checksum::Unknown { Checksum::Adler32(0) } else { known }
}

impl FileStream<'_, '_> {
    /// Reads one source, with retries.
    async fn source(&mut self, storage: &dyn Storage, pfn: &Pfn) -> Result<(), StreamError> {
        let (mut version, mut attempt, mut budget) = (None, 1, WaitBudget::new(AttemptTimeout::default()));
        loop {
            let error = match self.attempt(storage, pfn, &mut version).await {
                Err(StreamError::Storage(error)) if error.is_retryable() => error,
                outcome => return outcome,
            };
            if budget.wait_if_busy(&error).await? {
                continue;
            }
            if attempt == ATTEMPTS {
                return Err(error.into());
            }
            tokio::time::sleep(error.pause()).await;
            attempt += 1;
        }
    }

    async fn attempt(
        &mut self,
        storage: &dyn Storage,
        pfn: &Pfn,
        version: &mut Option<String>,
    ) -> Result<(), StreamError> {
        let rest = match version.take() {
            Some(version) if self.sent > 0 => {
                Some(ResumeFrom { start: self.sent, whole: self.job.bytes, version: Some(version) })
            }
            _ => None,
        };
        let mut reader = storage.get(pfn, rest.as_ref()).await?;
        if let (Some(found), Some(expected)) =
            (reader.length, self.job.bytes.filter(|bytes| reader.length != Some(*bytes)))
        {
            return Err(refused(format!("it has {found} bytes, not {expected}")));
        }
        let mut prefix =
            PrefixCheck { missing: self.sent - reader.start, hasher: checksum_kind(self.job.checksum).hasher() };
        // A source that sends no byte of the rest is asked for the whole file next time.
        if reader.start == 0 {
            version.clone_from(&reader.version);
        }
        while let Some(chunk) = reader.next().await? {
            if version.is_none() {
                version.clone_from(&reader.version);
            }
            let new_bytes = prefix.skip(&chunk, &self.hasher)?;
            self.write_chunk(new_bytes)?;
        }
        let expected = self.job.bytes.unwrap_or(0);
        if prefix.missing > 0 || self.sent < expected {
            let message = format!("it ended after {} bytes", self.sent);
            return Err(StorageError::new(StorageErrorKind::Transient, message).into());
        }
        Ok(())
    }

    fn write_chunk(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        if bytes.is_empty() {
            return Ok(());
        }
        let sent = self.sent + bytes.len() as u64;
        if let Some(expected) = self.job.bytes.filter(|expected| sent > *expected) {
            return Err(refused(format!("it has more than {expected} bytes")));
        }
        (self.write)(bytes).map_err(StreamError::Writer)?;
        self.hasher.update(bytes);
        self.sent = sent;
        Ok(())
    }

    fn verify(self) -> Result<()> {
        let did = &self.job.did;
        let expected = self.job.checksum;
        if expected == Checksum::Unknown {
            tracing::warn!("The catalogue has no checksum of {did}: verified only its size");
            return Ok(());
        }
        let found = self.hasher.finish();
        if found == expected {
            return Ok(());
        }
        let details = format!("What was written is not {did}: its checksum is {found}, not {expected}. Throw it away.");
        Err(Error::new(Exception::FileConsistencyMismatch, details))
    }

    fn failure(&self, reasons: &[String]) -> Error {
        let did = &self.job.did;
        let why = reasons.join("; ");
        let details = match (self.sent, reasons) {
            (0, []) => format!("{did} has no replica that can be read."),
            (0, _) => format!("{did}: {why}"),
            (sent, _) => format!("What was written of {did} ends after {sent} bytes. {why}"),
        };
        Error::new(Exception::ReplicaUnAvailable, details)
    }
}

/// The beginning of a replica, already received from another one.
struct PrefixCheck {
    missing: u64,
    hasher: Hasher,
}

impl PrefixCheck {
    /// Returns the bytes after the beginning. Errors: the beginning differs.
    fn skip<'c>(&mut self, chunk: &'c [u8], written: &Hasher) -> Result<&'c [u8], StreamError> {
        if self.missing == 0 {
            return Ok(chunk);
        }
        let length = usize::try_from(self.missing).unwrap_or(usize::MAX).min(chunk.len());
        let (known, new_bytes) = chunk.split_at(length);
        self.hasher.update(known);
        self.missing -= known.len() as u64;
        if self.missing == 0 && self.hasher.clone().finish() != written.clone().finish() {
            return Err(refused("it begins with other bytes than what was written".to_owned()));
        }
        Ok(new_bytes)
    }
}

fn refused(why: String) -> StreamError {
    StorageError::new(StorageErrorKind::Refused, why).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{answer, plain, serve, sized, xrootd};
    use crate::transfer::job::Source;
    use crate::types::Did;

    async fn result(pfns: &[&str]) -> (String, Result<()>) {
        let source = |pfn: &&str| Source { pfn: (*pfn).into(), rse: "RSE".to_owned(), member: None };
        let job = FileJob {
            bytes: Some(5),
            checksum: Checksum::new(Some("062c0215"), None),
            sources: pfns.iter().map(source).collect(),
            ..FileJob::unknown(Did::new("s", "f"), 0)
        };
        let mut text = Vec::new();
        let outcome = stream_file(&Storages::new(plain(), xrootd()), &job, &mut |bytes| {
            text.extend_from_slice(bytes);
            Ok(())
        })
        .await;
        (String::from_utf8(text).unwrap(), outcome)
    }

    #[tokio::test]
    async fn stdout_stream_resumes_at_the_same_byte() {
        let cut = answer("200 OK", "Content-Length: 5\r\nETag: \"1\"\r\n", "hel");
        let rest = sized("206 Partial Content", "Content-Range: bytes 3-4/5\r\nETag: \"1\"\r\n", "lo");
        let (base, mut asked) = serve(vec![cut, rest]);
        let (text, outcome) = result(&[&base]).await;
        assert_eq!((text.as_str(), outcome.is_ok()), ("hello", true));
        asked.recv().await.unwrap();
        assert!(asked.recv().await.unwrap().contains("range: bytes=3-"));
    }

    #[tokio::test]
    async fn stdout_stream_resumes_from_another_replica_with_the_same_beginning() {
        let cut = || answer("200 OK", "Content-Length: 5\r\n", "hel");
        for (other, expected, good) in [("hello", "hello", true), ("HELLO", "hel", false)] {
            let (broken, _asked) = serve(vec![cut(), cut()]);
            let (whole, _asked) = serve(vec![sized("200 OK", "", other)]);
            let (text, outcome) = result(&[&broken, &whole]).await;
            assert_eq!((text.as_str(), outcome.is_ok()), (expected, good), "{outcome:?}");
            if let Err(error) = outcome {
                assert!(error.to_string().contains("ends after 3 bytes"), "{error}");
            }
        }
    }

    #[tokio::test]
    async fn stdout_stream_tries_the_next_replica_before_the_first_byte() {
        let (missing, _asked) = serve(vec![sized("404 Not Found", "", "")]);
        let (short, _asked) = serve(vec![sized("200 OK", "", "hell")]);
        let (good, _asked) = serve(vec![sized("200 OK", "", "hello")]);
        let (text, outcome) = result(&["srm://h/f", &missing, &short, &good]).await;
        assert_eq!((text.as_str(), outcome.is_ok()), ("hello", true));
        let error = result(&["srm://h/f"]).await.1.unwrap_err();
        assert!(error.to_string().contains("s:f: RSE: srm:// cannot be read here"), "{error}");
        assert!(result(&[]).await.1.unwrap_err().to_string().contains("no replica that can be read"));
    }

    #[tokio::test]
    async fn stdout_stream_retries_a_busy_storage_beyond_its_attempts() {
        let mut answers = vec![sized("503 Busy", "Retry-After: 1\r\n", "busy"); ATTEMPTS as usize];
        answers.push(sized("200 OK", "", "hello"));
        let (base, _asked) = serve(answers);
        let (text, outcome) = result(&[&base]).await;
        assert_eq!(text, "hello");
        assert!(outcome.is_ok(), "{outcome:?}");
    }

    #[tokio::test]
    async fn stdout_stream_reports_wrong_bytes_at_the_end() {
        let (base, _asked) = serve(vec![sized("200 OK", "", "HELLO")]);
        let (text, outcome) = result(&[&base]).await;
        assert_eq!(text, "HELLO");
        assert!(outcome.unwrap_err().to_string().contains("What was written is not s:f"));
        let (base, _asked) = serve(vec![answer("200 OK", "", "hello, world")]);
        let (text, outcome) = result(&[&base]).await;
        assert!("hello, world".starts_with(&text) && outcome.is_err());
    }

    #[tokio::test]
    async fn stdout_stream_stops_when_the_reader_refuses() {
        let (base, _asked) = serve(vec![sized("200 OK", "", "hello")]);
        let mut job = FileJob::unknown(Did::new("s", "f"), 0);
        job.sources = vec![Source { pfn: base.into(), rse: "RSE".into(), member: None }];
        let refuse = &mut |_: &[u8]| Err(Error::interrupted());
        let refused = stream_file(&Storages::new(plain(), xrootd()), &job, refuse).await;
        assert!(refused.is_err_and(|error| error.is_interrupted()));
    }
}
