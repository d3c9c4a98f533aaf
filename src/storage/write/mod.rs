//! Writing to storages: a trait of its own, because not every readable protocol can be written.
//!
//! Nothing is overwritten on purpose except by [`StorageWriter::put`], which callers use with a temporary name. What is
//! correct is decided by the caller, who knows the file. Writing over HTTP and SFTP is beside reading, in
//! [`super::http`] and [`super::ssh`].

mod file;
mod sent;
mod source;

use std::fmt::Display;
use std::path::Path;

use futures_util::future::BoxFuture;

pub use sent::{Sent, SentDigests};
pub(crate) use source::Source;

use super::{Pfn, Result, StorageError, StorageErrorKind, Storages};

/// Metadata of a stored file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// Size in bytes, if the storage reports it.
    pub bytes: Option<u64>,
    /// Adler-32 in hexadecimal digits, if the storage reports it.
    pub adler32: Option<String>,
    /// MD5 in hexadecimal digits, if the storage reports it.
    pub md5: Option<String>,
}

impl Stored {
    /// Returns whether there is a size or checksum to verify the file with.
    pub fn is_known(&self) -> bool {
        self.bytes.is_some() || self.adler32.is_some() || self.md5.is_some()
    }
}

/// Result of an attempt to create a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lock {
    /// Created by this call. Holds the PFN to delete it by.
    Held(Pfn),
    /// Already exists. Holds the PFN to delete it by.
    Taken(Pfn),
    /// The storage has no operation that only one of several processes succeeds with, or does not allow it here.
    Unavailable,
}

/// A protocol with write support.
pub trait StorageWriter: Send + Sync {
    /// Queries size and checksum of a file; `None` if it does not exist. If the storage reports neither, the result is
    /// not [known](Stored::is_known) and only shows that the file exists.
    fn inspect<'a>(&'a self, pfn: &'a Pfn) -> BoxFuture<'a, Result<Option<Stored>>>;

    /// Queries the size without a checksum, for a storage that does not report the checksum in time.
    fn inspect_size<'a>(&'a self, pfn: &'a Pfn) -> BoxFuture<'a, Result<Option<Stored>>> {
        self.inspect(pfn)
    }

    /// Names the operations that [`inspect`](Self::inspect) uses, for messages.
    fn inspection_method(&self) -> &'static str;

    /// Returns whether [`inspect`](Self::inspect) reads the whole file, which may take any time.
    fn inspects_by_reading(&self) -> bool {
        false
    }

    /// Writes a local file and creates its parent folders. Updates `sent` with the bytes sent. Errors:
    /// [`StorageErrorKind::AlreadyExists`] if the file exists and the storage does not replace it.
    fn put<'a>(&'a self, from: &'a Path, pfn: &'a Pfn, sent: &'a Sent) -> BoxFuture<'a, Result<()>>;

    /// Renames a file on the same storage. Returns whether that was exclusive: no other file can have been replaced,
    /// not even one that got the name at the same moment. Errors: [`StorageErrorKind::AlreadyExists`] if the target exists.
    fn rename<'a>(&'a self, from: &'a Pfn, to: &'a Pfn) -> BoxFuture<'a, Result<bool>>;

    /// Returns whether renames are exclusive only under a [lock](Self::lock).
    fn needs_lock(&self) -> bool;

    /// Creates an empty file or folder of this name; only one of several processes can succeed.
    fn lock<'a>(&'a self, pfn: &'a Pfn) -> BoxFuture<'a, Result<Lock>>;

    /// Deletes a file or a lock. Errors: also if it does not exist.
    fn delete<'a>(&'a self, pfn: &'a Pfn) -> BoxFuture<'a, Result<()>>;
}

impl Storages {
    /// Returns the client for writing to a PFN. Errors: [`StorageErrorKind::Unsupported`], with advice.
    pub fn writer(&self, pfn: &Pfn) -> Result<&dyn StorageWriter> {
        match pfn.scheme() {
            "file" => Ok(&self.file),
            "https" | "http" | "davs" | "dav" => Ok(&self.http),
            "root" | "xroot" | "roots" | "xroots" => Ok(&self.xrootd),
            "scp" | "sftp" | "rsync" => Ok(&self.ssh),
            other => Err(unwritable(other)),
        }
    }
}

/// Creates an error for a protocol that cannot be written, with advice.
fn unwritable(scheme: &str) -> StorageError {
    let advice = match scheme {
        "srm" | "srm+https" | "gsiftp" => "write it with gfal-copy, or choose the protocol davs",
        _ => "choose another protocol, if the RSE has one",
    };
    StorageError::new(StorageErrorKind::Unsupported, format!("{scheme}:// cannot be written here: {advice}"))
}

/// Creates an error for a target that already exists.
pub fn already_exists(pfn: impl Display) -> StorageError {
    StorageError::new(StorageErrorKind::AlreadyExists, format!("there is a file already: {pfn}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{plain, xrootd};

    #[test]
    fn write_to_an_unsupported_scheme_is_refused_with_advice() {
        let storages = Storages::new(plain(), xrootd());
        for pfn in ["file:///a", "https://h/a", "davs://h/a", "http://h/a", "root://h//a", "scp://h:22/a", "sftp://h/a"]
        {
            assert!(storages.writer(&pfn.into()).is_ok(), "{pfn}");
        }
        let error = storages.writer(&"srm://h/a".into()).err().unwrap();
        assert!(error.kind == StorageErrorKind::Unsupported && error.message.contains("gfal-copy"), "{error}");
    }
}
