//! Partial files below a folder: what interrupted downloads have left, and what running ones are writing.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::leftover::Leftover;
use super::open::open_locked;
use super::temporary::{destination_name, is_reserved};

/// Block size of `st_blocks` (POSIX).
const BLOCK: u64 = 512;

/// A partial file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundPartialFile {
    /// Its path.
    pub path: PathBuf,
    /// Path of the file when it is complete; long names are cut, as that of the partial file is.
    pub destination: PathBuf,
    /// Bytes on disk. A file that is received in ranges has holes.
    pub bytes: u64,
    /// Time of the last change, in seconds since 1970, UTC.
    pub modified: i64,
    pub state: PartialFileState,
}

/// Whether a partial file can be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartialFileState {
    /// No process uses it.
    Idle,
    /// A process is writing it.
    InUse,
    /// It belongs to another user, is a link, or is on a file system without locks.
    Foreign,
}

/// The partial files below a folder.
#[derive(Debug, Default)]
pub(crate) struct PartialFiles {
    /// In the order of their paths.
    pub files: Vec<FoundPartialFile>,
    /// Folders that cannot be read.
    pub unreadable: Vec<(PathBuf, io::Error)>,
}

/// Returns the partial files below a folder. Symbolic links are not followed.
pub(crate) fn find(folder: &Path) -> io::Result<PartialFiles> {
    let mut all = PartialFiles::default();
    // Paths without links: one that is put there later cannot redirect a removal.
    let mut folders = vec![fs::canonicalize(folder)?];
    fs::read_dir(&folders[0])?;
    while let Some(folder) = folders.pop() {
        match entries(&folder, &mut folders) {
            Ok(found) => all.files.extend(found),
            Err(error) => all.unreadable.push((folder, error)),
        }
    }
    all.files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(all)
}

/// Removes a partial file, unless a process uses it. Returns whether it was removed.
pub(crate) fn remove(file: &FoundPartialFile) -> io::Result<bool> {
    // The lock keeps other processes from resuming it meanwhile.
    match open_locked(&file.path, false) {
        Leftover::Resumable(_locked) => fs::remove_file(&file.path).map(|()| true),
        Leftover::Busy(_) | Leftover::None => Ok(false),
    }
}

fn entries(folder: &Path, folders: &mut Vec<PathBuf>) -> io::Result<Vec<FoundPartialFile>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            folders.push(path);
        } else if is_reserved(&path) {
            // It may have been completed meanwhile.
            found.extend(entry.metadata().ok().map(|metadata| describe(path, &metadata)));
        }
    }
    Ok(found)
}

fn describe(path: PathBuf, metadata: &Metadata) -> FoundPartialFile {
    let state = match open_locked(&path, false) {
        Leftover::Resumable(file) => {
            drop::<File>(file);
            PartialFileState::Idle
        }
        Leftover::Busy(_) => PartialFileState::InUse,
        Leftover::None => PartialFileState::Foreign,
    };
    FoundPartialFile {
        destination: path.with_file_name(destination_name(&path)),
        bytes: metadata.len().min(metadata.blocks() * BLOCK),
        modified: metadata.mtime(),
        state,
        path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_files_are_found_and_removed_unless_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("test");
        fs::create_dir(&below).unwrap();
        let name = |name: &str| fs::canonicalize(&below).unwrap().join(name);
        let [idle, busy] = [".a.root.0a1b2c3d.rucio-part", ".b.root.0a1b2c3d.rucio-part"].map(name);
        for path in [&idle, &busy, &name("a.root"), &name(".hidden")] {
            fs::write(path, "12345").unwrap();
        }
        std::os::unix::fs::symlink(name("a.root"), name(".c.rucio-part")).unwrap();
        let writer = File::open(&busy).unwrap();
        writer.lock().unwrap();
        let PartialFiles { files: found, unreadable } = find(folder.path()).unwrap();
        assert!(unreadable.is_empty());
        let states: Vec<_> = found.iter().map(|file| (file.destination.clone(), file.bytes, file.state)).collect();
        let expected = [(name("a.root"), 5, PartialFileState::Idle), (name("b.root"), 5, PartialFileState::InUse)];
        assert_eq!(states[..2], expected);
        assert_eq!(found[2].state, PartialFileState::Foreign);
        let removed: Vec<_> = found.iter().map(|file| remove(file).unwrap()).collect();
        assert_eq!(removed, [true, false, false]);
        assert!(!idle.exists() && busy.exists() && name(".hidden").exists());
        assert!(find(&folder.path().join("nosuch")).is_err());
    }
}
