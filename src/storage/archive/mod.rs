//! Reads files from archives on the local disk: zip, tar, and tar compressed with gzip.
//!
//! Returns only the bytes of the requested member, never a name, link, device or permission from the archive: the
//! caller chooses the path. The archive's metadata is not trusted: a member yields no more bytes than the catalogue
//! reports, and headers are read up to a limit.

mod pump;
mod tarred;
mod window;
mod zipped;

use std::fs::File;
use std::io::{self, Read, Seek};

use futures_util::future::BoxFuture;

use super::{ObjectReader, Pfn, Result, ResumeFrom, Stat, Storage, StorageError, StorageErrorKind};
use window::Window;

/// Number of bytes from which the format is detected: one block of a tar.
const BLOCK: usize = 512;

/// An open archive. Clones share the file.
#[derive(Debug, Clone)]
pub struct Archive(ArchiveFormat);

#[derive(Debug, Clone)]
enum ArchiveFormat {
    Zip(zipped::Zip),
    Tar(Window),
    TarGz(Window),
}

/// A file in an archive.
#[derive(Debug, Clone)]
pub struct Member {
    archive: Archive,
    wanted: MemberName,
}

/// Which file of an archive is wanted.
#[derive(Debug, Clone)]
struct MemberName {
    name: String,
    limit: Option<u64>,
}

/// Reads a file of a zip archive that is not on the local disk. Errors: it is not in the archive, or cannot be read.
pub(super) async fn read_zip_member(archive: impl Read + Seek + Send + 'static, name: String) -> Result<ObjectReader> {
    let wanted = MemberName { name, limit: None };
    pump::start(move |outlet| zipped::unpack_from(archive, &wanted, outlet)).await
}

impl Archive {
    /// Opens an archive; the format is detected from the content, not from the file name. Errors: unsupported format.
    pub fn open(file: File) -> Result<Self> {
        let window = Window::new(file)?;
        let start = window.start(BLOCK)?;
        match start.as_slice() {
            [b'P', b'K', 3 | 5, 4 | 6, ..] => zipped::Zip::open(window).map(ArchiveFormat::Zip),
            [0x1f, 0x8b, ..] => Ok(ArchiveFormat::TarGz(window)),
            start if start.get(257..262) == Some(b"ustar") => Ok(ArchiveFormat::Tar(window)),
            _ => Err(StorageError::new(
                StorageErrorKind::Refused,
                "it is neither a zip nor a tar or tar.gz archive; fetch it under its own name and unpack it by hand",
            )),
        }
        .map(Self)
    }

    /// Returns a file of the archive, of which at most `limit` bytes are read.
    pub fn member(&self, name: &str, limit: Option<u64>) -> Member {
        Member { archive: self.clone(), wanted: MemberName { name: name.to_owned(), limit } }
    }
}

impl Member {
    /// Finds the file and sends its size and bytes, until the receiver is dropped.
    fn unpack(&self, out: &mut pump::Outlet) -> io::Result<()> {
        match &self.archive.0 {
            ArchiveFormat::Zip(zip) => zip.unpack(&self.wanted, out),
            ArchiveFormat::Tar(window) => tarred::plain(window.clone(), &self.wanted, out),
            ArchiveFormat::TarGz(window) => tarred::packed(window.clone(), &self.wanted, out),
        }
    }
}

impl MemberName {
    /// Returns whether a name in the archive is that of the file; a leading `/` or `./` is ignored.
    fn matches_name(&self, name: &[u8]) -> bool {
        trim_root(name) == trim_root(self.name.as_bytes())
    }

    /// Rejects a file that is larger than the limit.
    fn check_size(&self, size: u64) -> io::Result<()> {
        match self.limit {
            Some(limit) if size > limit => {
                Err(refused(format!("{} has {size} bytes in the archive, but {limit} in the catalogue", self.name)))
            }
            _ => Ok(()),
        }
    }

    fn missing(&self) -> io::Error {
        io::Error::new(io::ErrorKind::NotFound, format!("{} is not in the archive", self.name))
    }

    fn not_regular_file(&self) -> io::Error {
        refused(format!("{} is not a regular file in the archive", self.name))
    }
}

impl Storage for Member {
    fn stat<'a>(&'a self, pfn: &'a Pfn) -> BoxFuture<'a, Result<Stat>> {
        Box::pin(async move { Ok(Stat { bytes: self.get(pfn, None).await?.length }) })
    }

    /// Always returns the whole file and ignores the PFN, which is that of the archive.
    fn get<'a>(&'a self, _pfn: &'a Pfn, _resume: Option<&'a ResumeFrom>) -> BoxFuture<'a, Result<ObjectReader>> {
        let member = self.clone();
        Box::pin(pump::start(move |outlet| member.unpack(outlet)))
    }
}

fn trim_root(mut name: &[u8]) -> &[u8] {
    while let Some(rest) = name.strip_prefix(b"/").or_else(|| name.strip_prefix(b"./")) {
        name = rest;
    }
    name
}

fn refused(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests;
