//! Storage access: reads and writes files by [`Pfn`], whose scheme selects the storage. One trait for reading, here, and
//! one for writing, in [`mod@write`]; a module per protocol.
//!
//! No retries, no output and nothing about Rucio's catalogue: error kinds tell the caller whether a failure is
//! temporary or permanent.

pub mod archive;
mod byte_range;
mod error;
pub mod file;
pub mod http;
mod pfn;
pub mod ssh;
pub mod write;
pub mod xrootd;

use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};

pub use byte_range::ByteRange;
pub use error::{StorageError, StorageErrorKind};
pub use pfn::Pfn;
pub(crate) use pfn::has_signature;

/// Result of a storage call.
pub type Result<T, E = StorageError> = std::result::Result<T, E>;

/// Metadata of a stored file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// Size in bytes, if the storage reports it.
    pub bytes: Option<u64>,
}

/// The rest of a file from an offset on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResumeFrom {
    /// Offset of the first byte.
    pub start: u64,
    /// Size of the whole file, if known. Requests over HTTP then name the last byte: some servers answer a range without
    /// it with no bytes (dCache/dcache#7971; XRootD 5.5).
    pub whole: Option<u64>,
    /// Version that the bytes before `start` came from; the rest must be of the same. `None` accepts any version, if a
    /// checksum is verified afterwards.
    pub version: Option<String>,
}

/// Request for a byte range of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeRequest {
    /// The requested bytes, at least one.
    pub range: ByteRange,
    /// Size of the whole file.
    pub whole: u64,
    /// Version of the file that other ranges came from; this one must be of the same. `None` accepts any version.
    pub version: Option<String>,
}

/// A file being read.
pub struct ObjectReader {
    /// Size of the whole file in bytes, if the storage reports it.
    pub length: Option<u64>,
    /// Offset of the first byte returned: 0, or the start of the requested rest.
    pub start: u64,
    /// Version of the file's content; `None` if the storage has none: then reading cannot be resumed.
    pub version: Option<String>,
    /// Scheme, host and port, if these sent a web page, perhaps one to log in.
    pub web_page_from: Option<String>,
    chunks: BoxStream<'static, Result<Bytes>>,
}

impl ObjectReader {
    /// Returns the next bytes, `None` at the end. Errors: the transfer was interrupted.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        self.chunks.try_next().await
    }

    /// Discards the bytes before this offset as they arrive.
    pub(crate) fn skip_to(mut self, offset: u64) -> Self {
        let mut skip = offset.saturating_sub(self.start);
        self.start = self.start.max(offset);
        let rest = move |chunk: Bytes| {
            let skipped = usize::try_from(skip).unwrap_or(usize::MAX).min(chunk.len());
            skip -= skipped as u64;
            chunk.slice(skipped..)
        };
        Self { chunks: boxed(self.chunks.map_ok(rest)), ..self }
    }

    /// Polls for the next bytes, as [`Self::next`] does, to wait for several readers at once.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>>> {
        self.chunks.try_poll_next_unpin(context).map(Option::transpose)
    }
}

impl std::fmt::Debug for ObjectReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { length, start, version, .. } = self;
        write!(f, "Reading {{ length: {length:?}, start: {start}, version: {version:?} }}")
    }
}

/// A storage protocol.
pub trait Storage: Send + Sync {
    /// Returns the metadata of a file.
    fn stat<'a>(&'a self, pfn: &'a Pfn) -> BoxFuture<'a, Result<Stat>>;

    /// Starts reading a file, or only its rest. A storage that cannot return the rest, or has another version of the
    /// file, returns the whole file: check [`ObjectReader::start`].
    fn get<'a>(&'a self, pfn: &'a Pfn, resume: Option<&'a ResumeFrom>) -> BoxFuture<'a, Result<ObjectReader>>;

    /// Returns whether byte ranges can be read, several at the same time.
    fn supports_ranges(&self) -> bool {
        false
    }

    /// Starts reading a byte range. `None` if the storage returned anything else than this range of this version,
    /// although [`supports_ranges`](Self::supports_ranges) is true.
    fn get_range<'a>(
        &'a self,
        _pfn: &'a Pfn,
        _request: &'a RangeRequest,
    ) -> BoxFuture<'a, Result<Option<ObjectReader>>> {
        Box::pin(async { Ok(None) })
    }
}

/// Clients for all supported protocols.
#[derive(Debug)]
pub struct Storages {
    file: file::LocalFiles,
    http: http::WebStorage,
    ssh: ssh::SshFiles,
    xrootd: xrootd::XrootdFiles,
}

impl Storages {
    /// Creates the clients, with these for HTTP and WebDAV, and for XRootD.
    pub fn new(http: http::WebStorage, xrootd: xrootd::XrootdFiles) -> Self {
        Self { file: file::LocalFiles, http, ssh: ssh::SshFiles::default(), xrootd }
    }

    /// Returns the client for a PFN. Errors: [`StorageErrorKind::Unsupported`], with advice.
    pub fn for_pfn(&self, pfn: &Pfn) -> Result<&dyn Storage> {
        match pfn.scheme() {
            "file" => Ok(&self.file),
            "https" | "http" | "davs" | "dav" => Ok(&self.http),
            "root" | "xroot" | "roots" | "xroots" => Ok(&self.xrootd),
            "scp" | "sftp" | "rsync" => Ok(&self.ssh),
            other => Err(StorageError::unsupported(other)),
        }
    }
}

/// Boxes a stream as the chunks of a [`ObjectReader`].
fn boxed(
    chunks: impl futures_util::Stream<Item = Result<Bytes>> + Send + 'static,
) -> BoxStream<'static, Result<Bytes>> {
    chunks.boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_is_chosen_by_scheme() {
        let storages = Storages::new(crate::testing::plain(), crate::testing::xrootd());
        for pfn in [
            "file:///a",
            "https://h/a",
            "davs://h:443/a",
            "http://h/a",
            "dav://h/a",
            "root://h//a",
            "xroots://h//a",
            "scp://h/a",
            "sftp://h/a",
            "rsync://h/a",
        ] {
            assert!(storages.for_pfn(&pfn.into()).is_ok(), "{pfn}");
        }
        for pfn in ["srm://h/a", "gsiftp://h/a", "s3://h/a", "nonsense", ""] {
            let error = storages.for_pfn(&pfn.into()).err().expect(pfn);
            assert_eq!(error.kind, StorageErrorKind::Unsupported, "{pfn}");
        }
    }
}
