//! Opens and locks files whose names other users or processes may also write.

use std::fs::{self, File, TryLockError};
use std::io::{self, Error, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::leftover::{Leftover, Progress};

/// Number of attempts to open a file that other processes rename or remove meanwhile. Chosen: each loses a race.
const OPEN_TRIES: usize = 8;

/// Opens a temporary file and locks it. Not usable are: files of another user, links and non-regular files, as others
/// could change them later; and files on a file system without locks.
pub(super) fn open_locked(path: &Path, create: bool) -> Leftover<File> {
    let flags = if create { OFlags::CREATE } else { OFlags::empty() };
    for _ in 0..OPEN_TRIES {
        let file = open_file(path, flags);
        let Ok((file, metadata)) = file.and_then(|file| file.metadata().map(|metadata| (file, metadata))) else {
            return Leftover::None;
        };
        if !metadata.is_file() || metadata.uid() != geteuid().as_raw() || metadata.nlink() > 1 {
            return Leftover::None;
        }
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Leftover::Busy(Progress::from_metadata(&metadata)),
            Err(TryLockError::Error(_)) => {
                // A file system without locks: no process uses this file, so a new one must not stay.
                if create && metadata.len() == 0 {
                    let _ = fs::remove_file(path);
                }
                return Leftover::None;
            }
        }
        // The previous owner of the lock may have renamed or removed the file.
        let now = fs::symlink_metadata(path);
        if now.is_ok_and(|now| (now.dev(), now.ino()) == (metadata.dev(), metadata.ino())) {
            return Leftover::Resumable(file);
        }
    }
    Leftover::None
}

/// Opens a file for reading and writing, unless its path has a symbolic link: `target_folder` returns paths without
/// any, so one that replaces a folder later cannot redirect the write.
pub(super) fn open_file(path: &Path, flags: OFlags) -> io::Result<File> {
    let flags = flags | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mode = if flags.contains(OFlags::CREATE) { Mode::from_raw_mode(0o666) } else { Mode::empty() };
    match open_without_links(path, flags, mode) {
        Ok(file) => Ok(file.into()),
        Err(Errno::LOOP) => Err(Error::new(ErrorKind::PermissionDenied, "a symbolic link has come in between")),
        Err(error) => Err(error.into()),
    }
}

#[cfg(target_os = "linux")]
fn open_without_links(path: &Path, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    use rustix::fs::{CWD, ResolveFlags, open, openat2};
    match openat2(CWD, path, flags, mode, ResolveFlags::NO_SYMLINKS) {
        // Linux before 5.6, or a container that blocks the system call.
        Err(Errno::NOSYS | Errno::PERM) => open(path, flags, mode),
        opened => opened,
    }
}

/// Other systems cannot detect links in the path.
#[cfg(not(target_os = "linux"))]
fn open_without_links(path: &Path, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    rustix::fs::open(path, flags, mode)
}
