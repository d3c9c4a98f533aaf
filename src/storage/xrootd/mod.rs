//! Reads and writes `root://`, `xroot://`, and over TLS `roots://` and `xroots://` PFNs, by XRootD's protocol
//! (`docs/xrootd.md`).
//!
//! [`wire`], [`status`], [`address`] and [`frame`] are the protocol's formats. [`connect`], [`hello`], [`login`] and
//! [`mod@auth`] start a session, by one request at a time ([`dialog`]); [`pool`] keeps it; [`connection`] and [`pending`]
//! carry many requests at a time, [`sign`] signs them. [`route`] finds the server that has the file, and [`reader`] reads it;
//! [`writer`], [`creations`] and [`new_file`] write one, and [`checksum`] asks for its checksum.

mod address;
mod auth;
mod checksum;
mod connect;
mod connection;
mod creations;
mod dialog;
mod frame;
mod hello;
mod login;
mod new_file;
mod pending;
mod pool;
mod reader;
mod remote_file;
mod route;
mod sign;
mod status;
#[cfg(test)]
mod tests;
mod waits;
mod wire;
mod writer;

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream;

use super::archive::read_zip_member;
use super::{
    ByteRange, ObjectReader, Pfn, RangeRequest, Result, ResumeFrom, Stat, Storage, StorageError, StorageErrorKind,
    boxed,
};
use address::Address;
use creations::Creations;
pub use login::SessionSettings;
use pool::{SessionPool, Target};
use reader::{FileReader, OpenFile};
use remote_file::RemoteFile;
use route::Operation;
use status::{FileInfo, ServerError};

/// Client for XRootD servers.
#[derive(Debug)]
pub struct XrootdFiles {
    pool: Arc<SessionPool>,
    creations: Creations,
}

/// How a login was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginReport {
    /// Whether the connection is encrypted.
    pub is_encrypted: bool,
    /// The authentication method; `None` if the server requires none.
    pub method: Option<String>,
    /// All methods that the server offers, in the order in which they are tried.
    pub offered: Vec<String>,
    /// Why methods before that one were not successful.
    pub note: Option<String>,
}

/// Why a request has failed.
#[derive(Debug)]
enum Failure {
    Storage(StorageError),
    /// The last server that was asked has answered with an error.
    Server(ServerError),
}

impl Failure {
    fn kind(&self) -> StorageErrorKind {
        match self {
            Self::Storage(error) => error.kind,
            Self::Server(error) => error.kind(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Storage(error) => write!(f, "{error}"),
            Self::Server(error) => write!(f, "{}", StorageError::from(error.clone())),
        }
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl From<Failure> for StorageError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Storage(error) => error,
            Failure::Server(error) => error.into(),
        }
    }
}

impl XrootdFiles {
    /// Creates the client.
    pub fn new(settings: SessionSettings) -> Self {
        Self { pool: SessionPool::new(settings), creations: Creations::new() }
    }

    /// Logs in at the server of a PFN. Errors: with the reason of each method.
    pub async fn log_in(&self, pfn: &Pfn) -> Result<LoginReport> {
        let server = Address::parse(pfn)?.server;
        let token = self.pool.settings.token_for(&server);
        let lease = self.pool.lease(&Target { server, login_token: None, token }).await?;
        Ok(LoginReport {
            is_encrypted: lease.is_encrypted,
            method: lease.method.clone(),
            offered: lease.offered.clone(),
            note: lease.login_note.clone(),
        })
    }

    async fn open(&self, address: &Address) -> Result<OpenFile, Failure> {
        let served = route::request(&self.pool, Operation::Open, address).await?;
        Ok(OpenFile::new(served.lease, &served.body)?)
    }

    async fn read(&self, address: &Address, resume: Option<&ResumeFrom>) -> Result<ObjectReader, Failure> {
        let file = self.open(address).await?;
        if let Some(member) = &address.member {
            let file = RemoteFile::new(file, tokio::runtime::Handle::current());
            return Ok(read_zip_member(file, member.clone()).await?);
        }
        let info = file.info;
        let same = resume.filter(|resume| resume.version.as_ref().is_none_or(|version| *version == info.version()));
        let start = same.map_or(0, |resume| resume.start);
        let start = if start > info.bytes { 0 } else { start };
        Ok(reading(file, ByteRange::new(start, info.bytes)))
    }

    async fn read_range(&self, address: &Address, request: &RangeRequest) -> Result<Option<ObjectReader>, Failure> {
        if address.member.is_some() {
            return Ok(None);
        }
        let file = self.open(address).await?;
        let version = file.info.version();
        let is_same = file.info.bytes == request.whole
            && request.range.end <= request.whole
            && request.version.as_ref().is_none_or(|expected| *expected == version);
        Ok(is_same.then(|| reading(file, request.range)))
    }

    async fn info(&self, address: &Address) -> Result<Stat, Failure> {
        if address.member.is_some() {
            return Ok(Stat { bytes: self.read(address, None).await?.length });
        }
        let served = route::request(&self.pool, Operation::Stat, address).await?;
        let info = FileInfo::parse(&wire::text(&served.body)).ok_or_else(|| frame::invalid("invalid metadata"))?;
        Ok(Stat { bytes: Some(info.bytes) })
    }
}

impl Storage for XrootdFiles {
    fn stat<'a>(&'a self, pfn: &'a Pfn) -> BoxFuture<'a, Result<Stat>> {
        Box::pin(async move { Ok(self.info(&Address::parse(pfn)?).await?) })
    }

    fn get<'a>(&'a self, pfn: &'a Pfn, resume: Option<&'a ResumeFrom>) -> BoxFuture<'a, Result<ObjectReader>> {
        Box::pin(async move { Ok(self.read(&Address::parse(pfn)?, resume).await?) })
    }

    fn supports_ranges(&self) -> bool {
        true
    }

    fn get_range<'a>(&'a self, pfn: &'a Pfn, request: &'a RangeRequest) -> BoxFuture<'a, Result<Option<ObjectReader>>> {
        Box::pin(async move { Ok(self.read_range(&Address::parse(pfn)?, request).await?) })
    }
}

/// Returns the reader of these bytes of a file.
fn reading(file: OpenFile, range: ByteRange) -> ObjectReader {
    let (length, version) = (Some(file.info.bytes), Some(file.info.version()));
    let chunks = stream::try_unfold(FileReader::new(file, range), FileReader::next);
    ObjectReader { length, start: range.start, version, web_page_from: None, chunks: boxed(chunks) }
}
