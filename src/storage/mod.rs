//! Storage: where the bytes of files lie, behind one trait whatever the protocol. A PFN's scheme picks the storage.
//!
//! Nothing here retries, prints or knows of Rucio; the outcome of a call is typed so that whoever calls can tell a
//! passing trouble from a final one.

pub mod archive;
mod error;
pub mod file;
pub mod http;
pub mod ssh;
pub mod write;
pub mod xrootd;

use std::borrow::Cow;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};

pub use error::{Kind, StorageError};

/// A result of a storage call.
pub type Result<T, E = StorageError> = std::result::Result<T, E>;

/// What is known of a stored file without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// Size in bytes, if the storage tells.
    pub bytes: Option<u64>,
}

/// The end of a file from `start` on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    /// The first byte wanted.
    pub start: u64,
    /// The version the bytes before `start` came from: the rest is wanted of no other. None if any will do, because a
    /// checksum is going to tell.
    pub version: Option<String>,
}

/// A stretch of a file that is wanted, and nothing else of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its first byte.
    pub start: u64,
    /// The byte behind its last one.
    pub end: u64,
    /// Size of the whole file.
    pub whole: u64,
    /// The version of the file that other parts came from: this one is wanted of no other. None if any will do.
    pub version: Option<String>,
}

/// A file that is being read.
pub struct Reading {
    /// Size of the whole file, if the storage tells.
    pub length: Option<u64>,
    /// The position of the first byte that will come: 0, or the start of the rest that was asked for.
    pub start: u64,
    /// Names this state of the file; none if the storage has no such name, then reading cannot be resumed.
    pub version: Option<String>,
    chunks: BoxStream<'static, Result<Bytes>>,
}

impl Reading {
    /// The next bytes; none at the end. Errors: the storage broke off.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        self.chunks.try_next().await
    }

    /// The same for whoever waits for several readings at once.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>>> {
        self.chunks.try_poll_next_unpin(context).map(Option::transpose)
    }
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { length, start, version, .. } = self;
        write!(f, "Reading {{ length: {length:?}, start: {start}, version: {version:?} }}")
    }
}

/// One protocol. Files are named by PFN.
pub trait Storage: Send + Sync {
    /// What is known of a file.
    fn stat<'a>(&'a self, pfn: &'a str) -> BoxFuture<'a, Result<Stat>>;

    /// Starts reading a file, or only its rest. A storage that cannot give the rest, or has another version of the
    /// file by now, gives the whole file: look at [`Reading::start`].
    fn get<'a>(&'a self, pfn: &'a str, rest: Option<&'a Rest>) -> BoxFuture<'a, Result<Reading>>;

    /// Whether parts of a file can be had, several at the same time.
    fn has_parts(&self) -> bool {
        false
    }

    /// Starts reading a part of a file. None if the storage answered with anything else than this part of this version:
    /// then it does not keep what [`has_parts`](Self::has_parts) promises.
    fn part<'a>(&'a self, _pfn: &'a str, _part: &'a Part) -> BoxFuture<'a, Result<Option<Reading>>> {
        Box::pin(async { Ok(None) })
    }
}

/// All protocols this program speaks.
#[derive(Debug)]
pub struct Storages {
    file: file::LocalFiles,
    http: http::WebStorage,
    ssh: ssh::SshFiles,
    xrootd: xrootd::XrootdProgram,
}

impl Storages {
    /// The protocols, with this one for all that goes over HTTP.
    pub fn new(http: http::WebStorage) -> Self {
        Self { file: file::LocalFiles, http, ssh: ssh::SshFiles::default(), xrootd: xrootd::XrootdProgram }
    }

    /// The storage for a PFN. Errors: [`Kind::Unsupported`], with what the user can do instead.
    pub fn of(&self, pfn: &str) -> Result<&dyn Storage> {
        match scheme(pfn) {
            "file" => Ok(&self.file),
            "https" | "http" | "davs" | "dav" => Ok(&self.http),
            "root" | "xroot" => Ok(&self.xrootd),
            "scp" | "sftp" | "rsync" => Ok(&self.ssh),
            other => Err(StorageError::unsupported(other)),
        }
    }
}

/// The scheme of a PFN, as it is written there.
pub fn scheme(pfn: &str) -> &str {
    pfn.split_once(':').map_or("", |(scheme, _)| scheme)
}

/// The PFN under which the same place is always known: WebDAV's schemes are other names for those of HTTP.
pub fn canonical(pfn: &str) -> Cow<'_, str> {
    match pfn.split_once("://") {
        Some(("davs", rest)) => format!("https://{rest}").into(),
        Some(("dav", rest)) => format!("http://{rest}").into(),
        _ => pfn.into(),
    }
}

/// A [`Reading`]'s chunks from any stream.
fn boxed(
    chunks: impl futures_util::Stream<Item = Result<Bytes>> + Send + 'static,
) -> BoxStream<'static, Result<Bytes>> {
    chunks.boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_picks_the_storage() {
        let storages = Storages::new(http::tests::plain());
        for pfn in [
            "file:///a",
            "https://h/a",
            "davs://h:443/a",
            "http://h/a",
            "dav://h/a",
            "root://h//a",
            "scp://h/a",
            "sftp://h/a",
            "rsync://h/a",
        ] {
            assert!(storages.of(pfn).is_ok(), "{pfn}");
        }
        for pfn in ["srm://h/a", "gsiftp://h/a", "s3://h/a", "nonsense", ""] {
            let error = storages.of(pfn).err().expect(pfn);
            assert_eq!(error.kind, Kind::Unsupported, "{pfn}");
        }
    }
}
