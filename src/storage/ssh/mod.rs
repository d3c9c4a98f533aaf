//! Reads and writes `scp://`, `sftp://` and `rsync://` PFNs over SFTP, through the user's `ssh` program.
//!
//! Rucio treats all three the same: a path on a host with SSH access. Current versions of `scp` use SFTP as well; with our
//! own SFTP client there is no second copy on disk and no remote shell that could interpret names as commands, and a
//! missing file can be distinguished from a broken connection. Keys, agents, jump hosts and known hosts are left to ssh;
//! logins to the Rucio server with an SSH key are in [`crate::auth`].

mod address;
mod packet;
mod pool;
mod reader;
mod session;
mod write;
mod writer;

use futures_util::future::BoxFuture;
use futures_util::stream;

use address::Address;
use packet::Attributes;
use reader::SftpReader;

use super::{ObjectReader, Pfn, Result, ResumeFrom, Stat, Storage, StorageError, StorageErrorKind, boxed};

/// Mode bits of the file type, and their value for a regular file.
const KIND: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;

/// Client for hosts reachable by `ssh`.
#[derive(Debug, Default)]
pub struct SshFiles {
    pool: pool::SessionPool,
}

impl SshFiles {
    async fn open(&self, pfn: &Pfn) -> Result<(pool::Lease, bytes::Bytes, Attributes)> {
        let address = Address::parse(pfn)?;
        let mut session = self.pool.lease(&address.host).await?;
        let handle = match session.open(&address.path).await {
            Ok(handle) => handle,
            Err(error) => return session.finish(Err(error)),
        };
        let attributes = session.attributes(&handle).await?;
        match attributes.mode {
            Some(mode) if mode & KIND != 0 && mode & KIND != REGULAR => {
                Err(StorageError::new(StorageErrorKind::Refused, format!("{} is not a regular file", address.path)))
            }
            _ => Ok((session, handle, attributes)),
        }
    }

    async fn read(&self, pfn: &Pfn, resume: Option<&ResumeFrom>) -> Result<ObjectReader> {
        let (session, handle, attributes) = self.open(pfn).await?;
        let version = version(&attributes);
        let same = resume.filter(|resume| resume.version.is_none() || resume.version == version);
        let start = same.map_or(0, |resume| resume.start);
        let reader = SftpReader::new(session, handle, start, attributes.size);
        let chunks = stream::try_unfold(reader, SftpReader::next);
        Ok(ObjectReader { length: attributes.size, start, version, web_page_from: None, chunks: boxed(chunks) })
    }
}

impl Storage for SshFiles {
    fn stat<'a>(&'a self, pfn: &'a Pfn) -> BoxFuture<'a, Result<Stat>> {
        Box::pin(async move { Ok(Stat { bytes: self.open(pfn).await?.2.size }) })
    }

    fn get<'a>(&'a self, pfn: &'a Pfn, resume: Option<&'a ResumeFrom>) -> BoxFuture<'a, Result<ObjectReader>> {
        Box::pin(self.read(pfn, resume))
    }
}

fn version(attributes: &Attributes) -> Option<String> {
    Some(format!("{}-{}", attributes.size?, attributes.changed?))
}
