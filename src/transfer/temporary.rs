//! Partial files, under hidden names in the folder of their destination.
//!
//! The name contains the name and checksum of the final file, so that a later process can find it. The writer holds a
//! lock (flock), which the kernel releases when the process ends. The worker thread writes; the owner may be dropped at
//! any time, also while a worker is busy: then the file is kept or removed at once, and a late worker creates none.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata, TryLockError};
use std::io::{self, Error, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::checksum::Checksum;

/// Maximum length of the file's name in its temporary name, in bytes: the rest of the 255 bytes makes it unique.
const NAME: usize = 200;
const SUFFIX: &str = ".rucio-part";
/// Number of attempts to open a file that other processes rename or remove meanwhile.
const TRIES: usize = 8;

/// A temporary file and its destination. On drop it is kept only if a later process can resume it.
#[derive(Debug)]
pub(super) struct Temporary {
    place: PathBuf,
    part: PathBuf,
    worth_keeping: bool,
    state: Arc<Mutex<State>>,
}

/// Creates the file of a [`Temporary`]; owned by the worker thread.
#[derive(Debug, Clone)]
pub(super) struct Maker {
    part: PathBuf,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
enum State {
    Wanted,
    Made(Made),
    Unwanted,
}

#[derive(Debug)]
struct Made {
    path: PathBuf,
    /// Kept open for the lock.
    file: Arc<File>,
}

/// Progress of another process with a file, by size and modification time: if it differs from the last one, the process
/// is making progress. A file with missing ranges does not become longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    bytes: u64,
    changed: (i64, i64),
}

impl Progress {
    fn of(metadata: &Metadata) -> Self {
        Self { bytes: metadata.len(), changed: (metadata.mtime(), metadata.mtime_nsec()) }
    }
}

/// Result of the search for a partial file.
#[derive(Debug)]
pub(super) enum Left {
    /// No usable file.
    Nothing,
    /// Another process is writing it, with this progress.
    Busy(Progress),
    /// A partial file, opened at its beginning and locked by this process.
    Part(Temporary, Arc<File>),
}

impl Temporary {
    /// Creates a temporary file for this destination and checksum, not yet on disk. It is not kept without a checksum,
    /// as a later process could not verify it.
    pub(super) fn new(place: &Path, checksum: Checksum) -> Self {
        Self {
            place: place.to_owned(),
            part: part(place, checksum),
            worth_keeping: checksum != Checksum::Unknown,
            state: Arc::new(Mutex::new(State::Wanted)),
        }
    }

    /// Whether a partial file may exist. Usually none does, which costs one system call.
    pub(super) fn may_be_left(place: &Path, checksum: Checksum) -> bool {
        checksum != Checksum::Unknown && fs::symlink_metadata(part(place, checksum)).is_ok()
    }

    /// Opens and locks the partial file for this destination and checksum.
    pub(super) fn left(place: &Path, checksum: Checksum) -> Left {
        let temporary = Self::new(place, checksum);
        match open(&temporary.part, false) {
            Opened::Ours(file) => {
                let file = Arc::new(file);
                *lock(&temporary.state) = State::Made(Made { path: temporary.part.clone(), file: file.clone() });
                Left::Part(temporary, file)
            }
            Opened::Busy(progress) => Left::Busy(progress),
            Opened::Unusable => Left::Nothing,
        }
    }

    /// Returns the maker of the file, for another thread.
    pub(super) fn maker(&self) -> Maker {
        Maker { part: self.part.clone(), state: self.state.clone() }
    }

    /// Has the file removed on drop.
    pub(super) fn not_worth_keeping(&mut self) {
        self.worth_keeping = false;
    }

    /// Renames the complete file to its final name, replacing an existing file.
    pub(super) fn put(mut self) -> io::Result<PathBuf> {
        self.not_worth_keeping();
        let mut state = lock(&self.state);
        let State::Made(made) = &*state else { return Err(Error::other("no file was made")) };
        fs::rename(&made.path, &self.place)?;
        *state = State::Unwanted;
        Ok(self.place.clone())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let State::Made(made) = std::mem::replace(&mut *lock(&self.state), State::Unwanted) else { return };
        let is_part = made.path == self.part && made.file.metadata().is_ok_and(|metadata| metadata.len() > 0);
        if !(self.worth_keeping && is_part) {
            // Errors are ignored: the file stays.
            let _ = fs::remove_file(&made.path);
        }
    }
}

impl Maker {
    /// Creates the file, with permissions according to the umask. Errors: it cannot be created, or the [`Temporary`]
    /// has been dropped.
    pub(super) fn make(&self) -> io::Result<Arc<File>> {
        let mut state = lock(&self.state);
        if matches!(*state, State::Unwanted) {
            return Err(Error::from(ErrorKind::Interrupted));
        }
        let (path, file) = match open(&self.part, true) {
            Opened::Ours(file) => (self.part.clone(), file),
            // Another process is writing it, or the path is not usable.
            Opened::Busy(_) | Opened::Unusable => self.make_another()?,
        };
        let file = Arc::new(file);
        *state = State::Made(Made { path, file: file.clone() });
        drop(state);
        // Content of an earlier process is not resumed here. A new file is not truncated: ext4 flushes a truncated file
        // to disk when it is closed.
        if file.metadata()?.len() > 0 {
            file.set_len(0)?;
        }
        Ok(file)
    }

    /// Creates a file under a unique name.
    fn make_another(&self) -> io::Result<(PathBuf, File)> {
        let folder = self.part.parent().unwrap_or(Path::new("."));
        let name = self.part.file_name().unwrap_or(OsStr::new(".file")).to_string_lossy();
        let (file, path) = tempfile::Builder::new()
            .prefix(&format!("{}.", name.trim_end_matches(SUFFIX)))
            .suffix(SUFFIX)
            .make_in(folder, |path| open_file(path, OFlags::CREATE | OFlags::EXCL))?
            .into_parts();
        Ok((path.keep()?, file))
    }
}

/// Returns the path of the temporary file: `.<name>.<checksum>.rucio-part`.
fn part(place: &Path, checksum: Checksum) -> PathBuf {
    let name = place.file_name().unwrap_or(OsStr::new("file")).to_string_lossy();
    let name = shortened(&name);
    place.with_file_name(match checksum {
        Checksum::Unknown => format!(".{name}{SUFFIX}"),
        known => format!(".{name}.{known}{SUFFIX}"),
    })
}

/// Whether this name has the form of a temporary file's.
pub(super) fn is_reserved(place: &Path) -> bool {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') && name.ends_with(SUFFIX)
}

/// Removes the partial file of an earlier process after the file is complete.
pub(super) fn clear(place: &Path, checksum: Checksum) {
    if Temporary::may_be_left(place, checksum)
        && let Left::Part(mut temporary, _) = Temporary::left(place, checksum)
    {
        temporary.not_worth_keeping();
    }
}

/// Result of opening a temporary file.
enum Opened {
    Ours(File),
    Busy(Progress),
    Unusable,
}

/// Opens a temporary file and locks it. Unusable are: files of another user, links and non-regular files, as others
/// could change them later; and files on a file system without locks.
fn open(path: &Path, create: bool) -> Opened {
    let flags = if create { OFlags::CREATE } else { OFlags::empty() };
    for _ in 0..TRIES {
        let file = open_file(path, flags);
        let Ok((file, metadata)) = file.and_then(|file| file.metadata().map(|metadata| (file, metadata))) else {
            return Opened::Unusable;
        };
        if !metadata.is_file() || metadata.uid() != geteuid().as_raw() || metadata.nlink() > 1 {
            return Opened::Unusable;
        }
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Opened::Busy(Progress::of(&metadata)),
            Err(TryLockError::Error(_)) => return Opened::Unusable,
        }
        // The previous owner of the lock may have renamed or removed the file.
        let now = fs::symlink_metadata(path);
        if now.is_ok_and(|now| (now.dev(), now.ino()) == (metadata.dev(), metadata.ino())) {
            return Opened::Ours(file);
        }
    }
    Opened::Unusable
}

/// Opens a file for reading and writing, unless its path has a symbolic link: [`super::target_folder`] returns paths without
/// any, so one that replaces a folder later cannot redirect the write.
fn open_file(path: &Path, flags: OFlags) -> io::Result<File> {
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

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn shortened(name: &str) -> &str {
    let end = (0..=NAME.min(name.len())).rev().find(|end| name.is_char_boundary(*end));
    &name[..end.unwrap_or(0)]
}

/// Copies a file to another path, also through a temporary name.
pub(super) async fn copy(from: PathBuf, to: &Path) -> io::Result<()> {
    let copy = Temporary::new(to, Checksum::Unknown);
    let maker = copy.maker();
    let work = move || io::copy(&mut File::open(from)?, &mut &*maker.make()?);
    tokio::task::spawn_blocking(work).await.map_err(Error::other)??;
    copy.put().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const KNOWN: Checksum = Checksum::Adler32(0x12_3456);

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_gets_its_name_last() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("f");
        fs::write(&place, b"old").unwrap();
        let file = Temporary::new(&place, KNOWN);
        (&*file.maker().make().unwrap()).write_all(b"new").unwrap();
        assert_eq!((fs::read(&place).unwrap(), names(dir.path())), (b"old".to_vec(), part_and("f")));
        assert_eq!(file.put().unwrap(), place);
        assert_eq!((fs::read(&place).unwrap(), names(dir.path())), (b"new".to_vec(), vec!["f".to_owned()]));
    }

    fn part_and(name: &str) -> Vec<String> {
        vec![".f.00123456.rucio-part".to_owned(), name.to_owned()]
    }

    #[test]
    fn only_what_can_be_gone_on_with_is_kept() {
        for (checksum, content, kept) in [(KNOWN, "half", 1), (KNOWN, "", 0), (Checksum::Unknown, "half", 0)] {
            let dir = tempfile::tempdir().unwrap();
            let file = Temporary::new(&dir.path().join("f"), checksum);
            let (maker, late) = (file.maker(), file.maker());
            (&*maker.make().unwrap()).write_all(content.as_bytes()).unwrap();
            drop(file);
            assert_eq!(names(dir.path()).len(), kept, "{checksum:?} {content:?}");
            assert!(late.make().is_err() && names(dir.path()).len() == kept);
        }
    }

    #[test]
    fn what_is_left_is_found_by_the_next_one_and_by_nobody_else_meanwhile() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("f");
        assert!(matches!(Temporary::left(&place, KNOWN), Left::Nothing));
        let first = Temporary::new(&place, KNOWN);
        (&*first.maker().make().unwrap()).write_all(b"half").unwrap();
        assert!(matches!(Temporary::left(&place, KNOWN), Left::Busy(Progress { bytes: 4, .. })));
        drop(first);
        assert!(matches!(Temporary::left(&place, Checksum::Adler32(1)), Left::Nothing));
        let Left::Part(second, file) = Temporary::left(&place, KNOWN) else { panic!("nothing left") };
        assert_eq!(io::read_to_string(&*file).unwrap(), "half");
        assert!(matches!(Temporary::left(&place, KNOWN), Left::Busy(Progress { bytes: 4, .. })));
        drop((second, file));
        clear(&place, KNOWN);
        assert!(names(dir.path()).is_empty());
    }

    #[test]
    fn what_others_can_change_is_not_used() {
        let dir = tempfile::tempdir().unwrap();
        let (place, other) = (dir.path().join("f"), dir.path().join("other"));
        fs::write(&other, b"precious").unwrap();
        let part = part(&place, KNOWN);
        let ways: [fn(&Path, &Path); 3] = [
            |other, part| std::os::unix::fs::symlink(other, part).unwrap(),
            |other, part| fs::hard_link(other, part).unwrap(),
            |_, part| fs::create_dir(part).unwrap(),
        ];
        for way in ways {
            way(&other, &part);
            assert!(matches!(Temporary::left(&place, KNOWN), Left::Nothing));
            let file = Temporary::new(&place, KNOWN);
            (&*file.maker().make().unwrap()).write_all(b"new").unwrap();
            file.put().unwrap();
            assert_eq!((fs::read(&place).unwrap(), fs::read(&other).unwrap()), (b"new".to_vec(), b"precious".to_vec()));
            let _ = fs::remove_file(&part);
        }
    }

    #[test]
    fn a_folder_that_became_a_link_leads_nowhere() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let (folder, outside) = (root.join("folder"), root.join("outside"));
        fs::create_dir(&folder).unwrap();
        fs::create_dir(&outside).unwrap();
        let file = Temporary::new(&folder.join("f"), KNOWN);
        fs::remove_dir(&folder).unwrap();
        std::os::unix::fs::symlink(&outside, &folder).unwrap();
        let error = file.maker().make().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        assert!(names(&outside).is_empty());
    }

    #[tokio::test]
    async fn long_names_and_other_processes_are_no_trouble() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("ü".repeat(127));
        let (one, two) = (Temporary::new(&place, KNOWN), Temporary::new(&place, KNOWN));
        one.maker().make().unwrap();
        two.maker().make().unwrap();
        assert_eq!(names(dir.path()).len(), 2);
        assert!(names(dir.path()).iter().all(|name| is_reserved(Path::new(name))));
        drop((one, two));
        fs::write(dir.path().join("a"), b"x").unwrap();
        copy(dir.path().join("a"), &place).await.unwrap();
        assert_eq!((fs::read(&place).unwrap(), names(dir.path()).len()), (b"x".to_vec(), 2));
        assert!(!is_reserved(&place));
    }
}
