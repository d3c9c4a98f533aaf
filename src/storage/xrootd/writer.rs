//! Writing to `root://`: the trait's operations.

use std::path::Path;

use futures_util::future::BoxFuture;

use super::address::Address;
use super::checksum::{Checksums, checksums};
use super::new_file::NewFile;
use super::reader::OpenFile;
use super::route::{self, Operation};
use super::status::LOCKED;
use super::{Failure, XrootdFiles};
use crate::storage::write::{Lock, Sent, Source, StorageWriter, Stored, already_exists};
use crate::storage::{Pfn, Result, StorageError, StorageErrorKind};

/// Parameter with the size of a new file.
const ANNOUNCED_SIZE: &str = "oss.asize";

impl XrootdFiles {
    /// Returns the size of a file; `None` if it does not exist.
    async fn size(&self, address: &Address) -> Result<Option<Stored>, Failure> {
        let bytes = match self.info(address).await {
            Ok(stat) => stat.bytes,
            Err(error) if error.kind() == StorageErrorKind::NotFound => return self.find(address).await,
            Err(error) => return Err(error),
        };
        Ok(Some(Stored { bytes, ..Stored::default() }))
    }

    /// Returns the same by opening the file: managers remember for some time that a file did not exist, and a rename
    /// does not change that (seen with cmsd of XRootD 5.5.3).
    async fn find(&self, address: &Address) -> Result<Option<Stored>, Failure> {
        match route::request(&self.pool, Operation::Find, address).await {
            Ok(served) => {
                let file = OpenFile::new(served.lease, &served.body)?;
                Ok(Some(Stored { bytes: Some(file.info.bytes), ..Stored::default() }))
            }
            Err(Failure::Server(error))
                if matches!(error.kind(), StorageErrorKind::NotFound | StorageErrorKind::Denied) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn size_and_checksums(&self, address: &Address) -> Result<Option<Stored>, Failure> {
        let Some(stored) = self.size(address).await? else { return Ok(None) };
        let Checksums { adler32, md5 } = checksums(&self.pool, address).await?;
        Ok(Some(Stored { adler32, md5, ..stored }))
    }

    /// Creates a file and opens it. If this is dropped, the file is created nevertheless, and closed.
    async fn create(&self, address: &Address, replaces: bool) -> Result<NewFile, Failure> {
        let (creation, pool, address) = (self.creations.begin(address), self.pool.clone(), address.clone());
        let creating = tokio::spawn(async move {
            let _creation = creation;
            let served = route::request(&pool, Operation::Create { replaces }, &address).await?;
            Ok(NewFile::new(served.lease, &served.body)?)
        });
        creating.await.map_err(|error| StorageError::new(StorageErrorKind::Transient, error.to_string()))?
    }

    async fn write(&self, from: &Path, mut address: Address, sent: &Sent) -> Result<(), Failure> {
        let source = Source::open(from, sent).map_err(StorageError::from)?;
        address.cgi.set(ANNOUNCED_SIZE, Some(source.length().to_string()));
        Ok(self.create(&address, true).await?.write_all(source, sent).await?)
    }

    /// Renames a file; creates the folder of its new name first if that is missing.
    async fn move_to(&self, from: &Address, to: &Address) -> Result<(), Failure> {
        let operation = Operation::Rename { to: &to.path };
        match route::request(&self.pool, operation, from).await {
            Err(error) if error.kind() == StorageErrorKind::NotFound => {
                let Some(folder) = to.parent() else { return Err(error) };
                route::request(&self.pool, Operation::CreateFolder, &folder).await?;
                route::request(&self.pool, operation, from).await.map(drop)
            }
            other => other.map(drop),
        }
    }

    async fn create_lock(&self, address: &Address) -> Result<bool, Failure> {
        match self.create(address, false).await {
            Ok(file) => Ok(file.close().await.map(|()| true)?),
            Err(Failure::Server(error)) if error.code == LOCKED => Ok(false),
            Err(error) if error.kind() == StorageErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl StorageWriter for XrootdFiles {
    fn inspect<'a>(&'a self, pfn: &'a Pfn) -> BoxFuture<'a, Result<Option<Stored>>> {
        Box::pin(async move { Ok(self.size_and_checksums(&Address::parse(pfn)?).await?) })
    }

    fn inspect_size<'a>(&'a self, pfn: &'a Pfn) -> BoxFuture<'a, Result<Option<Stored>>> {
        Box::pin(async move { Ok(self.size(&Address::parse(pfn)?).await?) })
    }

    fn inspection_method(&self) -> &'static str {
        "stat and query checksum"
    }

    fn put<'a>(&'a self, from: &'a Path, pfn: &'a Pfn, sent: &'a Sent) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { Ok(self.write(from, Address::parse(pfn)?, sent).await?) })
    }

    /// Checks for an existing file first, because servers replace it silently.
    fn rename<'a>(&'a self, from: &'a Pfn, to: &'a Pfn) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let (source, target) = (Address::parse(from)?, Address::parse(to)?);
            if self.size(&target).await?.is_some() {
                return Err(already_exists(to));
            }
            self.move_to(&source, &target).await?;
            Ok(false)
        })
    }

    fn needs_lock(&self) -> bool {
        true
    }

    /// Creates an empty file: a server creates it only if it does not exist, while `mkdir` succeeds for any number of
    /// processes.
    fn lock<'a>(&'a self, pfn: &'a Pfn) -> BoxFuture<'a, Result<Lock>> {
        Box::pin(async move {
            Ok(match self.create_lock(&Address::parse(pfn)?).await {
                Ok(true) => Lock::Held(pfn.clone()),
                Ok(false) => Lock::Taken(pfn.clone()),
                Err(error) => {
                    tracing::debug!("no lock: {error}");
                    Lock::Unavailable
                }
            })
        })
    }

    fn delete<'a>(&'a self, pfn: &'a Pfn) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let address = Address::parse(pfn)?;
            self.creations.wait_for(&address).await;
            route::request(&self.pool, Operation::Delete, &address).await?;
            Ok(())
        })
    }
}
