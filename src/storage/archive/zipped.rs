//! Members of zip archives.

use std::fmt;
use std::io::{self, Read, Seek};

use zip::ZipArchive;
use zip::result::ZipError;

use super::super::{Result, StorageError, StorageErrorKind};
use super::MemberName;
use super::pump::Outlet;
use super::window::Window;

/// A zip archive with its central directory loaded.
#[derive(Clone)]
pub(super) struct Zip(ZipArchive<Window>);

impl Zip {
    pub(super) fn open(window: Window) -> Result<Self> {
        let damaged =
            |error| StorageError::new(StorageErrorKind::Refused, format!("the zip archive cannot be read: {error}"));
        ZipArchive::new(window).map(Self).map_err(damaged)
    }

    pub(super) fn unpack(&self, member: &MemberName, out: &mut Outlet) -> io::Result<()> {
        unpack(self.0.clone(), member, out)
    }
}

/// Unpacks a file of an archive that is read for this alone.
pub(super) fn unpack_from(archive: impl Read + Seek, member: &MemberName, out: &mut Outlet) -> io::Result<()> {
    let archive = ZipArchive::new(archive).map_err(|error| match error {
        ZipError::Io(error) => error,
        error => super::refused(error.to_string()),
    });
    unpack(archive?, member, out)
}

fn unpack<R: Read + Seek>(mut archive: ZipArchive<R>, member: &MemberName, out: &mut Outlet) -> io::Result<()> {
    let exactly = archive.index_for_name(&member.name);
    let index = exactly.or_else(|| archive.file_names_raw().position(|name| member.matches_name(name)));
    let index = index.ok_or_else(|| member.missing())?;
    let file = archive.by_index(index).map_err(|error| unreadable(error, member))?;
    if !file.is_file() || file.is_symlink() {
        return Err(member.not_regular_file());
    }
    member.check_size(file.size())?;
    out.send(file.size(), file)
}

fn unreadable(error: ZipError, member: &MemberName) -> io::Error {
    match error {
        ZipError::Io(error) => error,
        // Encrypted, or compressed with an unsupported method.
        error => super::refused(format!("{}: {error}", member.name)),
    }
}

impl fmt::Debug for Zip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zip({} members)", self.0.len())
    }
}
