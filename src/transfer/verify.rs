//! Verifies local files against the catalogue.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::checksum::Checksum;
use super::partial_file::temporary::is_reserved;

/// Result of the verification of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileCheck {
    /// The file matches, as far as the catalogue has its size and checksum.
    Ok,
    /// No file.
    Missing,
    /// The size in bytes differs.
    WrongSize {
        /// From the catalogue.
        expected: u64,
        /// On disk.
        found: u64,
    },
    /// The checksum differs.
    WrongChecksum {
        /// From the catalogue.
        expected: Checksum,
        /// On disk.
        found: Checksum,
    },
    /// It cannot be read, for this reason.
    Unreadable(String),
}

/// Verifies the file at this path; reads it only if its size is right. Calls `on_read` with the length of each block
/// read.
pub fn verify_file(path: &Path, bytes: Option<u64>, checksum: Checksum, on_read: impl Fn(u64)) -> FileCheck {
    match compare(path, bytes, checksum, on_read) {
        Ok(finding) => finding,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => FileCheck::Missing,
        Err(error) => FileCheck::Unreadable(error.to_string()),
    }
}

fn compare(path: &Path, bytes: Option<u64>, expected: Checksum, on_read: impl Fn(u64)) -> io::Result<FileCheck> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Ok(FileCheck::Unreadable("it is not a regular file".to_owned()));
    }
    let found = metadata.len();
    if let Some(expected) = bytes.filter(|expected| *expected != found) {
        return Ok(FileCheck::WrongSize { expected, found });
    }
    if expected == Checksum::Unknown {
        return File::open(path).map(|_| FileCheck::Ok);
    }
    Ok(match expected.of_file_with_progress(path, on_read)? {
        found if found == expected => FileCheck::Ok,
        found => FileCheck::WrongChecksum { expected, found },
    })
}

/// Lists all files below a folder, sorted by relative path. Links to folders are not followed. Errors: a folder cannot
/// be read.
pub fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut files, mut folders) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(below) = folders.pop() {
        for entry in fs::read_dir(folder.join(&below))? {
            let entry = entry?;
            let path = below.join(entry.file_name());
            let is_link_to_folder = || folder.join(&path).is_dir();
            if entry.file_type()?.is_dir() {
                folders.push(path);
            // Partial files, which `download` may resume, do not count.
            } else if !is_link_to_folder() && !is_reserved(&path) {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verify_reports_every_way_to_be_wrong() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        fs::write(&path, "hello").unwrap();
        let good = Checksum::new(Some("062c0215"), None);
        let verify_file = |path: &Path, bytes, checksum| super::verify_file(path, bytes, checksum, |_| ());
        let read = std::cell::Cell::new(0);
        assert_eq!(super::verify_file(&path, Some(5), good, |bytes| read.set(read.get() + bytes)), FileCheck::Ok);
        assert_eq!(read.get(), 5);
        assert_eq!(verify_file(&path, Some(5), good), FileCheck::Ok);
        assert_eq!(verify_file(&path, None, Checksum::Unknown), FileCheck::Ok);
        assert_eq!(verify_file(&path, Some(4), good), FileCheck::WrongSize { expected: 4, found: 5 });
        let expected = Checksum::Adler32(1);
        assert_eq!(verify_file(&path, Some(5), expected), FileCheck::WrongChecksum { expected, found: good });
        for missing in [dir.path().join("g"), path.join("below")] {
            assert_eq!(verify_file(&missing, Some(5), good), FileCheck::Missing);
        }
        assert!(matches!(verify_file(dir.path(), None, good), FileCheck::Unreadable(_)));
    }

    #[test]
    fn verify_finds_files_at_any_depth_and_follows_no_links() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("b/c")).unwrap();
        for name in ["a", "b/c/d", "b/.e", "b/.f.00123456.rucio-part"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        std::os::unix::fs::symlink("..", dir.path().join("b/up")).unwrap();
        std::os::unix::fs::symlink("a", dir.path().join("link")).unwrap();
        let names: Vec<_> = files_below(dir.path()).unwrap().iter().map(|path| path.display().to_string()).collect();
        assert_eq!(names, ["a", "b/.e", "b/c/d", "link"]);
        assert!(files_below(Path::new("/nowhere")).is_err());
    }
}
