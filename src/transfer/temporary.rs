//! Files that are being written, under names of their own beside the place where they are going to be.
//!
//! Worker threads write them. Whoever started the work may lose interest at any time, also while a worker is busy:
//! then the file is removed at once, and a worker that comes late makes none.

use std::ffi::OsStr;
use std::fs::{File, Permissions};
use std::io::{self, Error};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tempfile::TempPath;

/// How much of a file's name its temporary file bears: the rest of the 255 bytes is for what makes it unique.
const NAME: usize = 200;

/// A file on its way to a place. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub(super) struct Temporary {
    place: PathBuf,
    state: Arc<Mutex<State>>,
}

/// Makes the file of a [`Temporary`]; this is what goes to the worker thread.
#[derive(Debug, Clone)]
pub(super) struct Maker {
    place: PathBuf,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
enum State {
    Wanted,
    Made(TempPath),
    Unwanted,
}

impl Temporary {
    /// A file for this place; it is not made yet.
    pub(super) fn new(place: &Path) -> Self {
        Self { place: place.to_owned(), state: Arc::new(Mutex::new(State::Wanted)) }
    }

    /// What makes the file.
    pub(super) fn maker(&self) -> Maker {
        Maker { place: self.place.clone(), state: self.state.clone() }
    }

    /// Gives the file, which is complete, its name, in place of what may have been there.
    pub(super) fn put(self) -> io::Result<PathBuf> {
        match std::mem::replace(&mut *lock(&self.state), State::Unwanted) {
            State::Made(path) => path.persist(&self.place).map_err(|error| error.error)?,
            State::Wanted | State::Unwanted => return Err(Error::other("no file was made")),
        }
        Ok(self.place.clone())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        *lock(&self.state) = State::Unwanted;
    }
}

impl Maker {
    /// Makes the file, with the rights the user's umask leaves. Errors: the folder does not take it, or nobody wants
    /// it any more.
    pub(super) fn make(&self) -> io::Result<File> {
        let mut state = lock(&self.state);
        if matches!(*state, State::Unwanted) {
            return Err(Error::from(io::ErrorKind::Interrupted));
        }
        let folder = self.place.parent().unwrap_or(Path::new("."));
        let name = self.place.file_name().unwrap_or(OsStr::new("file")).to_string_lossy();
        let (file, path) = tempfile::Builder::new()
            .prefix(&format!("{}.", shortened(&name)))
            .suffix(".part")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder)?
            .into_parts();
        *state = State::Made(path);
        Ok(file)
    }
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
    let copy = Temporary::new(to);
    let maker = copy.maker();
    let work = move || io::copy(&mut File::open(from)?, &mut maker.make()?);
    tokio::task::spawn_blocking(work).await.map_err(Error::other)??;
    copy.put().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn count(folder: &Path) -> usize {
        std::fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn a_file_gets_its_name_last() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("f");
        std::fs::write(&place, b"old").unwrap();
        let file = Temporary::new(&place);
        file.maker().make().unwrap().write_all(b"new").unwrap();
        assert_eq!((std::fs::read(&place).unwrap(), count(dir.path())), (b"old".to_vec(), 2));
        assert_eq!(file.put().unwrap(), place);
        assert_eq!((std::fs::read(&place).unwrap(), count(dir.path())), (b"new".to_vec(), 1));
    }

    #[test]
    fn what_is_not_wanted_any_more_is_neither_kept_nor_made() {
        let dir = tempfile::tempdir().unwrap();
        let file = Temporary::new(&dir.path().join("f"));
        let (maker, late) = (file.maker(), file.maker());
        let open = maker.make().unwrap();
        drop(file);
        assert_eq!(count(dir.path()), 0);
        assert!(late.make().is_err() && count(dir.path()) == 0);
        drop(open);
    }

    #[tokio::test]
    async fn long_names_and_other_processes_are_no_trouble() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("ü".repeat(127));
        let (one, two) = (Temporary::new(&place), Temporary::new(&place));
        one.maker().make().unwrap();
        two.maker().make().unwrap();
        assert_eq!(count(dir.path()), 2);
        drop((one, two));
        std::fs::write(dir.path().join("a"), b"x").unwrap();
        copy(dir.path().join("a"), &place).await.unwrap();
        assert_eq!(std::fs::read(&place).unwrap(), b"x");
    }
}
