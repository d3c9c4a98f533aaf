//! Reads `root://` and `xroot://` PFNs: with our own client where a server trusts the client or asks for nothing, else
//! with XRootD's program `xrdcp`.
//!
//! [`wire`], [`status`], [`address`] and [`frame`] are the protocol's formats, [`connection`] and [`pending`] carry many
//! requests at a time, [`login`] starts a session, [`pool`] keeps it, [`route`] finds the server that has the file, and
//! [`reader`] reads it.

mod address;
mod connection;
mod frame;
mod login;
mod pending;
mod pool;
mod program;
mod reader;
mod route;
mod status;
#[cfg(test)]
mod tests;
mod waits;
mod wire;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream;

use super::{ByteRange, ObjectReader, Pfn, RangeRequest, Result, ResumeFrom, Stat, Storage, StorageError, boxed};
use address::Address;
pub use login::SessionSettings;
use pool::SessionPool;
pub use program::XrootdProgram;
use reader::{FileReader, OpenFile};
use route::Operation;
use status::FileInfo;

/// Client for XRootD servers.
#[derive(Debug)]
pub struct XrootdFiles {
    pool: Arc<SessionPool>,
    /// Reads what this client cannot read.
    pub(super) program: XrootdProgram,
}

/// Reason why a file cannot be read by this client.
#[derive(Debug)]
enum Failure {
    Storage(StorageError),
    /// The server asks for an authentication or encryption that is not built.
    NotBuilt(String),
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl XrootdFiles {
    /// Creates the client.
    pub fn new(settings: SessionSettings) -> Self {
        Self { pool: SessionPool::new(settings), program: XrootdProgram::default() }
    }

    /// Returns the client for a PFN: this one, or the program for what this one is known not to read.
    pub(super) fn for_pfn(&self, pfn: &Pfn) -> &dyn Storage {
        let needs_program = Address::parse(pfn)
            .is_ok_and(|address| needs_program(&address) || self.program.is_needed_for(&address.server));
        if needs_program { &self.program } else { self }
    }

    async fn open(&self, address: &Address) -> Result<OpenFile, Failure> {
        let (lease, body) = route::request(&self.pool, Operation::Open, address).await?;
        Ok(OpenFile::new(lease, &body)?)
    }

    async fn read(&self, address: &Address, resume: Option<&ResumeFrom>) -> Result<ObjectReader, Failure> {
        let file = self.open(address).await?;
        let info = file.info;
        let same = resume.filter(|resume| resume.version.as_ref().is_none_or(|version| *version == info.version()));
        let start = same.map_or(0, |resume| resume.start);
        let start = if start > info.bytes { 0 } else { start };
        Ok(reading(file, ByteRange::new(start, info.bytes)))
    }

    async fn read_range(&self, address: &Address, request: &RangeRequest) -> Result<Option<ObjectReader>, Failure> {
        let file = self.open(address).await?;
        let version = file.info.version();
        let is_same = file.info.bytes == request.whole
            && request.range.end <= request.whole
            && request.version.as_ref().is_none_or(|expected| *expected == version);
        Ok(is_same.then(|| reading(file, request.range)))
    }

    async fn info(&self, address: &Address) -> Result<Stat, Failure> {
        let (_, body) = route::request(&self.pool, Operation::Stat, address).await?;
        let info = FileInfo::parse(&wire::text(&body)).ok_or_else(|| frame::invalid("invalid metadata"))?;
        Ok(Stat { bytes: Some(info.bytes) })
    }

    /// Returns the result of this client, or that of the program if the server asks for what is not built. It is then
    /// remembered for the server.
    async fn or_program<T>(
        &self,
        address: &Address,
        ours: Result<T, Failure>,
        program: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let reason = match ours {
            Ok(result) => return Ok(result),
            Err(Failure::Storage(error)) => return Err(error),
            Err(Failure::NotBuilt(reason)) => reason,
        };
        tracing::debug!("{} is read with xrdcp: {reason}", address.server);
        self.program.remember(&address.server, reason);
        program.await
    }
}

impl Storage for XrootdFiles {
    fn stat<'a>(&'a self, pfn: &'a Pfn) -> BoxFuture<'a, Result<Stat>> {
        Box::pin(async move {
            let address = Address::parse(pfn)?;
            self.or_program(&address, self.info(&address).await, self.program.stat(pfn)).await
        })
    }

    fn get<'a>(&'a self, pfn: &'a Pfn, resume: Option<&'a ResumeFrom>) -> BoxFuture<'a, Result<ObjectReader>> {
        Box::pin(async move {
            let address = Address::parse(pfn)?;
            self.or_program(&address, self.read(&address, resume).await, self.program.get(pfn, resume)).await
        })
    }

    fn supports_ranges(&self) -> bool {
        true
    }

    fn get_range<'a>(&'a self, pfn: &'a Pfn, request: &'a RangeRequest) -> BoxFuture<'a, Result<Option<ObjectReader>>> {
        Box::pin(async move {
            let address = Address::parse(pfn)?;
            let ours = self.read_range(&address, request).await;
            self.or_program(&address, ours, self.program.get_range(pfn, request)).await
        })
    }
}

/// Returns whether the address has something that only the program understands: members of archives, metalinks, and
/// tokens, which belong on encrypted connections.
fn needs_program(address: &Address) -> bool {
    let is_metalink = [".meta4", ".metalink"].iter().any(|end| address.path.ends_with(end));
    is_metalink || address.cgi.has(|key| key.starts_with("xrdcl.") || key == "authz")
}

/// Returns the reader of these bytes of a file.
fn reading(file: OpenFile, range: ByteRange) -> ObjectReader {
    let (length, version) = (Some(file.info.bytes), Some(file.info.version()));
    let chunks = stream::try_unfold(FileReader::new(file, range), FileReader::next);
    ObjectReader { length, start: range.start, version, web_page_from: None, chunks: boxed(chunks) }
}
