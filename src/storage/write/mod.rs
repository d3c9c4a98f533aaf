//! Writing to storages: a trait beside [`super::Storage`], as not every protocol that is read can be written.
//!
//! Nothing here overwrites on purpose but [`Writing::put`], which the caller aims at a temporary name, and nothing
//! decides what is right: that is for whoever knows the file.

mod file;
mod program;
mod sent;
mod ssh;
mod xrootd;

use std::path::Path;

use futures_util::future::BoxFuture;

pub use sent::Sent;

use super::{Kind, Result, StorageError, Storages, scheme};

/// What a storage knows of a file that lies there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// Size in bytes, if the storage tells.
    pub bytes: Option<u64>,
    /// Adler-32 as hexadecimal digits, if the storage tells.
    pub adler32: Option<String>,
    /// MD5 as hexadecimal digits, if the storage tells.
    pub md5: Option<String>,
}

impl Stored {
    /// Whether anything is known that a file can be verified by.
    pub fn is_known(&self) -> bool {
        self.bytes.is_some() || self.adler32.is_some() || self.md5.is_some()
    }
}

/// What came of an attempt to create a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lock {
    /// It has been created: by this call, and no other. The PFN to delete it by.
    Held(String),
    /// It exists. The PFN to delete it by.
    Taken(String),
    /// The storage has no operation that only one of several processes can succeed with, or does not allow it here.
    Unavailable,
}

/// A protocol that files can be written by. Files are named by PFN.
pub trait Writing: Send + Sync {
    /// What lies there, with its checksum; none if nothing does. A file of which the storage reports neither size nor
    /// checksum is one that is not [known](Stored::is_known): it counts for nothing but being there.
    fn look<'a>(&'a self, pfn: &'a str) -> BoxFuture<'a, Result<Option<Stored>>>;

    /// How [`look`](Self::look) asks, for messages.
    fn asks(&self) -> &'static str;

    /// Writes a local file, with the folders above it. What has been handed over is counted in `sent`, where the
    /// protocol can tell. Errors: [`Kind::AlreadyExists`] where the storage does not replace a file of this name.
    fn put<'a>(&'a self, from: &'a Path, pfn: &'a str, sent: &'a Sent) -> BoxFuture<'a, Result<()>>;

    /// Gives a file another name on the same storage. Whether that was exclusive: no other file can have been replaced, not
    /// even one that got the name at the same moment. Errors: [`Kind::AlreadyExists`] if there is a file of that name.
    fn rename<'a>(&'a self, from: &'a str, to: &'a str) -> BoxFuture<'a, Result<bool>>;

    /// Whether renaming is exclusive only for the holder of a [lock](Self::lock).
    fn needs_lock(&self) -> bool;

    /// Creates an empty file or folder of this name, which only one of several processes can.
    fn lock<'a>(&'a self, pfn: &'a str) -> BoxFuture<'a, Result<Lock>>;

    /// Deletes a file, or a lock. Errors: also if there is none.
    fn delete<'a>(&'a self, pfn: &'a str) -> BoxFuture<'a, Result<()>>;
}

impl Storages {
    /// How files are written to a PFN. Errors: [`Kind::Unsupported`], with what the user can do instead.
    pub fn writer(&self, pfn: &str) -> Result<&dyn Writing> {
        match scheme(pfn) {
            "file" => Ok(&self.file),
            "https" | "http" | "davs" | "dav" => Ok(&self.http),
            "root" | "xroot" => Ok(&self.xrootd),
            "scp" | "rsync" => Ok(&ssh::SshPrograms),
            other => Err(unwritable(other)),
        }
    }
}

/// A protocol we do not write, with what to do about it.
fn unwritable(scheme: &str) -> StorageError {
    let advice = match scheme {
        "root" | "xroot" => {
            "install xrdcp and xrdfs (Debian: xrootd-client), or name another protocol: --protocol davs"
        }
        "scp" | "rsync" => "install ssh and scp (Debian: openssh-client)",
        "srm" | "srm+https" | "gsiftp" => "write it with gfal-copy, or name another protocol: --protocol davs",
        _ => "name another protocol (--protocol), if the RSE has one",
    };
    StorageError::new(Kind::Unsupported, format!("{scheme}:// cannot be written here: {advice}"))
}

/// A file is in the way of another one.
pub fn in_the_way(pfn: &str) -> StorageError {
    StorageError::new(Kind::AlreadyExists, format!("there is a file already: {pfn}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::http::tests::plain;

    #[test]
    fn what_cannot_be_written_is_told_with_advice() {
        let storages = Storages::new(plain());
        for pfn in ["file:///a", "https://h/a", "davs://h/a", "http://h/a", "root://h//a", "scp://h:22/a"] {
            assert!(storages.writer(pfn).is_ok(), "{pfn}");
        }
        let error = storages.writer("srm://h/a").err().unwrap();
        assert!(error.kind == Kind::Unsupported && error.message.contains("gfal-copy"), "{error}");
    }
}
