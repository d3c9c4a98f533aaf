//! Partial files, under hidden names in the folder of their destination.
//!
//! The name contains the name and checksum of the final file, so that a later process can find it. The writer holds a
//! lock (flock), which the kernel releases when the process ends. The worker thread writes; the owner may be dropped at
//! any time, also while a worker is busy: then the file is kept or removed at once, and a late worker creates none.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rustix::fs::OFlags;

use super::leftover::Leftover;
use super::open::{open_file, open_locked};
use crate::lock::lock;
use crate::transfer::checksum::Checksum;

/// Maximum length of the file's name in its temporary name, in bytes: the rest of the 255 bytes makes it unique.
const MAX_NAME: usize = 200;
const SUFFIX: &str = ".rucio-part";

/// A temporary file and its destination. On drop it is kept only if a later process can resume it.
#[derive(Debug)]
pub(crate) struct TemporaryFile {
    destination: PathBuf,
    part_path: PathBuf,
    keep: bool,
    state: Arc<Mutex<CreationState>>,
}

/// Creates the file of a [`TemporaryFile`]; owned by the worker thread.
#[derive(Debug, Clone)]
pub(crate) struct FileCreator {
    part_path: PathBuf,
    state: Arc<Mutex<CreationState>>,
}

#[derive(Debug)]
enum CreationState {
    Pending,
    Created(CreatedFile),
    Abandoned,
}

#[derive(Debug)]
struct CreatedFile {
    path: PathBuf,
    /// Kept open for the lock.
    file: Arc<File>,
}

impl TemporaryFile {
    /// Creates a temporary file for this destination and checksum, not yet on disk. It is not kept without a checksum,
    /// as a later process could not verify it.
    pub(crate) fn new(destination: &Path, checksum: Checksum) -> Self {
        Self {
            destination: destination.to_owned(),
            part_path: part_path(destination, checksum),
            keep: checksum != Checksum::Unknown,
            state: Arc::new(Mutex::new(CreationState::Pending)),
        }
    }

    /// Whether a partial file may exist. Usually none does, which costs one system call.
    pub(crate) fn may_have_leftover(destination: &Path, checksum: Checksum) -> bool {
        checksum != Checksum::Unknown && fs::symlink_metadata(part_path(destination, checksum)).is_ok()
    }

    /// Opens and locks the partial file for this destination and checksum.
    pub(crate) fn open_leftover(destination: &Path, checksum: Checksum) -> Leftover<(Self, Arc<File>)> {
        let temporary = Self::new(destination, checksum);
        match open_locked(&temporary.part_path, false) {
            Leftover::Resumable(file) => {
                let file = Arc::new(file);
                *lock(&temporary.state) =
                    CreationState::Created(CreatedFile { path: temporary.part_path.clone(), file: file.clone() });
                Leftover::Resumable((temporary, file))
            }
            Leftover::Busy(progress) => Leftover::Busy(progress),
            Leftover::None => Leftover::None,
        }
    }

    /// Returns the maker of the file, for another thread.
    pub(crate) fn creator(&self) -> FileCreator {
        FileCreator { part_path: self.part_path.clone(), state: self.state.clone() }
    }

    /// Has the file removed on drop.
    pub(crate) fn discard_on_drop(&mut self) {
        self.keep = false;
    }

    /// Renames the complete file to its final name, replacing an existing file.
    pub(crate) fn persist(mut self) -> io::Result<PathBuf> {
        self.discard_on_drop();
        let mut state = lock(&self.state);
        let CreationState::Created(created) = &*state else { return Err(Error::other("no file was made")) };
        fs::rename(&created.path, &self.destination)?;
        *state = CreationState::Abandoned;
        Ok(self.destination.clone())
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        let CreationState::Created(created) = std::mem::replace(&mut *lock(&self.state), CreationState::Abandoned)
        else {
            return;
        };
        let is_part =
            created.path == self.part_path && created.file.metadata().is_ok_and(|metadata| metadata.len() > 0);
        if !(self.keep && is_part) {
            // Errors are ignored: the file stays.
            let _ = fs::remove_file(&created.path);
        }
    }
}

impl FileCreator {
    /// Creates the file, with permissions according to the umask. Errors: it cannot be created, or the [`TemporaryFile`]
    /// has been dropped.
    pub(crate) fn create(&self) -> io::Result<Arc<File>> {
        let mut state = lock(&self.state);
        if matches!(*state, CreationState::Abandoned) {
            return Err(Error::from(ErrorKind::Interrupted));
        }
        let (path, file) = match open_locked(&self.part_path, true) {
            Leftover::Resumable(file) => (self.part_path.clone(), file),
            // Another process is writing it, or the path is not usable.
            Leftover::Busy(_) | Leftover::None => self.create_unique()?,
        };
        let file = Arc::new(file);
        *state = CreationState::Created(CreatedFile { path, file: file.clone() });
        drop(state);
        // Content of an earlier process is not resumed here. A new file is not truncated: ext4 flushes a truncated file
        // to disk when it is closed.
        if file.metadata()?.len() > 0 {
            file.set_len(0)?;
        }
        Ok(file)
    }

    /// Creates a file under a unique name.
    fn create_unique(&self) -> io::Result<(PathBuf, File)> {
        let folder = self.part_path.parent().unwrap_or(Path::new("."));
        let name = self.part_path.file_name().unwrap_or(OsStr::new(".file")).to_string_lossy();
        let (file, path) = tempfile::Builder::new()
            .prefix(&format!("{}.", name.trim_end_matches(SUFFIX)))
            .suffix(SUFFIX)
            .make_in(folder, |path| open_file(path, OFlags::CREATE | OFlags::EXCL))?
            .into_parts();
        Ok((path.keep()?, file))
    }
}

/// Returns the path of the temporary file: `.<name>.<checksum>.rucio-part`.
fn part_path(destination: &Path, checksum: Checksum) -> PathBuf {
    let name = destination.file_name().unwrap_or(OsStr::new("file")).to_string_lossy();
    let name = shorten_name(&name);
    destination.with_file_name(match checksum {
        Checksum::Unknown => format!(".{name}{SUFFIX}"),
        known => format!(".{name}.{known}{SUFFIX}"),
    })
}

/// Whether this name has the form of a temporary file's.
pub(crate) fn is_reserved(destination: &Path) -> bool {
    let name = destination.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') && name.ends_with(SUFFIX)
}

/// Returns the name of the complete file, from the path of its partial file. That of a long name is cut.
pub(super) fn destination_name(part_path: &Path) -> String {
    let name = part_path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_prefix('.').unwrap_or(&name);
    let name = name.strip_suffix(SUFFIX).unwrap_or(name);
    let is_checksum = |text: &str| [8, 32].contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let before = |name: &str| Some(name.rsplit_once('.').filter(|(_, last)| is_checksum(last))?.0.to_owned());
    // A file with a unique name has more characters after the checksum.
    let unique = || before(name.rsplit_once('.')?.0);
    before(name).or_else(unique).unwrap_or_else(|| name.to_owned())
}

/// Removes the partial file of an earlier process after the file is complete.
pub(crate) fn remove_leftover(destination: &Path, checksum: Checksum) {
    if TemporaryFile::may_have_leftover(destination, checksum)
        && let Leftover::Resumable((mut temporary, _)) = TemporaryFile::open_leftover(destination, checksum)
    {
        temporary.discard_on_drop();
    }
}

fn shorten_name(name: &str) -> &str {
    let end = (0..=MAX_NAME.min(name.len())).rev().find(|end| name.is_char_boundary(*end));
    &name[..end.unwrap_or(0)]
}

/// Copies a file to another path, also through a temporary name.
pub(crate) async fn copy(from: PathBuf, to: &Path) -> io::Result<()> {
    let copy = TemporaryFile::new(to, Checksum::Unknown);
    let creator = copy.creator();
    let work = move || io::copy(&mut File::open(from)?, &mut &*creator.create()?);
    tokio::task::spawn_blocking(work).await.map_err(Error::other)??;
    copy.persist().map(drop)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn temporary_name_contains_the_name_of_the_file() {
        for (part, name) in [
            (".a.root.0a1b2c3d.rucio-part", "a.root"),
            (".a.0a1b2c3d0a1b2c3d0a1b2c3d0a1b2c3d.rucio-part", "a"),
            (".a.root.0a1b2c3d.Xy12ab.rucio-part", "a.root"),
            (".a.root.rucio-part", "a.root"),
        ] {
            assert_eq!(destination_name(Path::new(part)), name);
        }
    }

    const KNOWN: Checksum = Checksum::Adler32(0x12_3456);

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn temporary_file_is_renamed_last() {
        let dir = tempfile::tempdir().unwrap();
        let destination = dir.path().join("f");
        fs::write(&destination, b"old").unwrap();
        let file = TemporaryFile::new(&destination, KNOWN);
        (&*file.creator().create().unwrap()).write_all(b"new").unwrap();
        assert_eq!((fs::read(&destination).unwrap(), names(dir.path())), (b"old".to_vec(), part_and("f")));
        assert_eq!(file.persist().unwrap(), destination);
        assert_eq!((fs::read(&destination).unwrap(), names(dir.path())), (b"new".to_vec(), vec!["f".to_owned()]));
    }

    fn part_and(name: &str) -> Vec<String> {
        vec![".f.00123456.rucio-part".to_owned(), name.to_owned()]
    }

    #[test]
    fn temporary_file_is_kept_only_if_it_can_be_resumed() {
        for (checksum, content, kept) in [(KNOWN, "half", 1), (KNOWN, "", 0), (Checksum::Unknown, "half", 0)] {
            let dir = tempfile::tempdir().unwrap();
            let file = TemporaryFile::new(&dir.path().join("f"), checksum);
            let (creator, late) = (file.creator(), file.creator());
            (&*creator.create().unwrap()).write_all(content.as_bytes()).unwrap();
            drop(file);
            assert_eq!(names(dir.path()).len(), kept, "{checksum:?} {content:?}");
            assert!(late.create().is_err() && names(dir.path()).len() == kept);
        }
    }

    #[test]
    fn temporary_file_is_found_by_one_process_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let destination = dir.path().join("f");
        assert!(matches!(TemporaryFile::open_leftover(&destination, KNOWN), Leftover::None));
        let first = TemporaryFile::new(&destination, KNOWN);
        (&*first.creator().create().unwrap()).write_all(b"half").unwrap();
        assert!(matches!(TemporaryFile::open_leftover(&destination, KNOWN), Leftover::Busy(_)));
        drop(first);
        assert!(matches!(TemporaryFile::open_leftover(&destination, Checksum::Adler32(1)), Leftover::None));
        let Leftover::Resumable((second, file)) = TemporaryFile::open_leftover(&destination, KNOWN) else {
            panic!("nothing left")
        };
        assert_eq!(io::read_to_string(&*file).unwrap(), "half");
        assert!(matches!(TemporaryFile::open_leftover(&destination, KNOWN), Leftover::Busy(_)));
        drop((second, file));
        remove_leftover(&destination, KNOWN);
        assert!(names(dir.path()).is_empty());
    }

    #[test]
    fn temporary_file_that_others_can_change_is_not_used() {
        let dir = tempfile::tempdir().unwrap();
        let (destination, other) = (dir.path().join("f"), dir.path().join("other"));
        fs::write(&other, b"precious").unwrap();
        let part_path = part_path(&destination, KNOWN);
        let ways: [fn(&Path, &Path); 3] = [
            |other, part_path| std::os::unix::fs::symlink(other, part_path).unwrap(),
            |other, part_path| fs::hard_link(other, part_path).unwrap(),
            |_, part_path| fs::create_dir(part_path).unwrap(),
        ];
        for way in ways {
            way(&other, &part_path);
            assert!(matches!(TemporaryFile::open_leftover(&destination, KNOWN), Leftover::None));
            let file = TemporaryFile::new(&destination, KNOWN);
            (&*file.creator().create().unwrap()).write_all(b"new").unwrap();
            file.persist().unwrap();
            assert_eq!(
                (fs::read(&destination).unwrap(), fs::read(&other).unwrap()),
                (b"new".to_vec(), b"precious".to_vec())
            );
            let _ = fs::remove_file(&part_path);
        }
    }

    #[test]
    fn temporary_folder_that_became_a_link_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let (folder, outside) = (root.join("folder"), root.join("outside"));
        fs::create_dir(&folder).unwrap();
        fs::create_dir(&outside).unwrap();
        let file = TemporaryFile::new(&folder.join("f"), KNOWN);
        fs::remove_dir(&folder).unwrap();
        std::os::unix::fs::symlink(&outside, &folder).unwrap();
        let error = file.creator().create().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        assert!(names(&outside).is_empty());
    }

    #[tokio::test]
    async fn temporary_names_are_short_enough_and_differ_by_process() {
        let dir = tempfile::tempdir().unwrap();
        let destination = dir.path().join("ü".repeat(127));
        let (one, two) = (TemporaryFile::new(&destination, KNOWN), TemporaryFile::new(&destination, KNOWN));
        one.creator().create().unwrap();
        two.creator().create().unwrap();
        assert_eq!(names(dir.path()).len(), 2);
        assert!(names(dir.path()).iter().all(|name| is_reserved(Path::new(name))));
        drop((one, two));
        fs::write(dir.path().join("a"), b"x").unwrap();
        copy(dir.path().join("a"), &destination).await.unwrap();
        assert_eq!((fs::read(&destination).unwrap(), names(dir.path()).len()), (b"x".to_vec(), 2));
        assert!(!is_reserved(&destination));
    }
}
