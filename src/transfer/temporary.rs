//! Files that are being written, under hidden names beside the place where they are going to be.
//!
//! The name says which file it is a part of and which checksum that has, so that a later process knows it again. Whoever
//! writes holds a lock on it, which the system takes away from processes that end, however they end. Worker threads do
//! the writing. Whoever started the work may lose interest at any time, also while a worker is busy: then the file is
//! kept or removed at once, and a worker that comes late makes none.

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

/// How much of a file's name its temporary file bears: the rest of the 255 bytes is for what makes it unique.
const NAME: usize = 200;
/// How the names of temporary files end.
const SUFFIX: &str = ".rucio-part";
/// How often a file that somebody else renames or removes meanwhile is opened again.
const TRIES: usize = 8;

/// A file on its way to a place. Dropped, it stays only if a later process can go on with it.
#[derive(Debug)]
pub(super) struct Temporary {
    place: PathBuf,
    part: PathBuf,
    worth_keeping: bool,
    state: Arc<Mutex<State>>,
}

/// Makes the file of a [`Temporary`]; this is what goes to the worker thread.
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
    /// It is open as long as the file is ours, for the lock.
    file: Arc<File>,
}

/// How far another process has come with a file: as long as it is another one each time, it gets on. A file with holes
/// does not become longer.
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

/// What an earlier process has left of a file.
#[derive(Debug)]
pub(super) enum Left {
    /// Nothing that can be used.
    Nothing,
    /// Another process is writing it, and has come so far by now.
    Busy(Progress),
    /// This, opened at its beginning. It is ours now.
    Part(Temporary, Arc<File>),
}

impl Temporary {
    /// A file for this place that has to have this checksum; it is not made yet. Without a checksum nobody could tell
    /// later whether a part of it is right, so none is kept.
    pub(super) fn new(place: &Path, checksum: Checksum) -> Self {
        Self {
            place: place.to_owned(),
            part: part(place, checksum),
            worth_keeping: checksum != Checksum::Unknown,
            state: Arc::new(Mutex::new(State::Wanted)),
        }
    }

    /// Whether something may be left of this file. Mostly there is nothing, which one quick call tells.
    pub(super) fn may_be_left(place: &Path, checksum: Checksum) -> bool {
        checksum != Checksum::Unknown && fs::symlink_metadata(part(place, checksum)).is_ok()
    }

    /// What is left of this file.
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

    /// What makes the file.
    pub(super) fn maker(&self) -> Maker {
        Maker { part: self.part.clone(), state: self.state.clone() }
    }

    /// From now on the file is removed when it is dropped.
    pub(super) fn not_worth_keeping(&mut self) {
        self.worth_keeping = false;
    }

    /// Gives the file, which is complete, its name, in place of what may have been there.
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
            // Nothing can be done about one that stays.
            let _ = fs::remove_file(&made.path);
        }
    }
}

impl Maker {
    /// Makes the file, with the rights the user's umask leaves. Errors: the folder does not take it, or nobody wants
    /// it any more.
    pub(super) fn make(&self) -> io::Result<Arc<File>> {
        let mut state = lock(&self.state);
        if matches!(*state, State::Unwanted) {
            return Err(Error::from(ErrorKind::Interrupted));
        }
        let (path, file) = match open(&self.part, true) {
            Opened::Ours(file) => (self.part.clone(), file),
            // Another process is at it, or somebody is in the way.
            Opened::Busy(_) | Opened::Unusable => self.make_another()?,
        };
        let file = Arc::new(file);
        *state = State::Made(Made { path, file: file.clone() });
        drop(state);
        // What an earlier process left is not gone on with here. A new file is left alone: ext4 writes one that was
        // cut off to the disk as soon as it is closed.
        if file.metadata()?.len() > 0 {
            file.set_len(0)?;
        }
        Ok(file)
    }

    /// Makes a file under a name nobody else has.
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

/// The name of the temporary file: `.<name>.<checksum>.rucio-part`.
fn part(place: &Path, checksum: Checksum) -> PathBuf {
    let name = place.file_name().unwrap_or(OsStr::new("file")).to_string_lossy();
    let name = shortened(&name);
    place.with_file_name(match checksum {
        Checksum::Unknown => format!(".{name}{SUFFIX}"),
        known => format!(".{name}.{known}{SUFFIX}"),
    })
}

/// Whether a file of this name would be taken for a temporary one.
pub(super) fn is_reserved(place: &Path) -> bool {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') && name.ends_with(SUFFIX)
}

/// Removes what an earlier process left of a file that is complete by now.
pub(super) fn clear(place: &Path, checksum: Checksum) {
    if Temporary::may_be_left(place, checksum)
        && let Left::Part(mut temporary, _) = Temporary::left(place, checksum)
    {
        temporary.not_worth_keeping();
    }
}

/// What came of opening a temporary file.
enum Opened {
    Ours(File),
    Busy(Progress),
    Unusable,
}

/// Opens a temporary file and takes its lock. One that another user made, a link, or what is no file at all is not
/// used: others could go on changing it. So is one on a file system that has no locks.
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
        // Whoever had the lock before may have given the file its name, or removed it.
        let now = fs::symlink_metadata(path);
        if now.is_ok_and(|now| (now.dev(), now.ino()) == (metadata.dev(), metadata.ino())) {
            return Opened::Ours(file);
        }
    }
    Opened::Unusable
}

/// Opens a file for reading and writing, unless a link leads to it: [`super::place`] gives paths without any, and whoever
/// puts one in the place of a folder meanwhile makes nothing be written elsewhere.
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
        // Linux before 5.6, or a container that does not know the call.
        Err(Errno::NOSYS | Errno::PERM) => open(path, flags, mode),
        opened => opened,
    }
}

/// Other systems cannot tell.
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

/// Copies a file to another place, by way of a temporary name too.
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
