//! The target folder on disk: creates subfolders and ensures that nothing is written outside of it.

use std::collections::HashMap;
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use crate::lock::lock;

/// A folder for downloaded files. The folder itself may be any path; links below it are followed unless they lead
/// outside.
#[derive(Debug)]
pub struct TargetFolder {
    base: PathBuf,
    real: OnceLock<PathBuf>,
    /// Checked folders, with all links resolved.
    ready: Mutex<HashMap<PathBuf, PathBuf>>,
}

impl TargetFolder {
    /// Wraps the folder at this path. It is created for the first file.
    pub fn new(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self { base: std::path::absolute(path)?, real: OnceLock::new(), ready: Mutex::default() })
    }

    /// Returns the absolute path of a file and creates its folders. `relative` comes from [`crate::transfer::plan::path::below`]. The
    /// path has no symbolic links, so a writer can detect one that is inserted later. Errors: a folder cannot be
    /// created, or a link on the way leads outside.
    pub fn prepare_path(&self, relative: &Path) -> Result<PathBuf> {
        let folder = self.ensure_folder(relative.parent().unwrap_or(Path::new("")))?;
        Ok(relative.file_name().map(|name| folder.join(name)).unwrap_or(folder))
    }

    /// Creates an unnamed file in the folder, which the system removes when it is closed, even if the program is
    /// killed.
    pub fn anonymous_file(&self) -> Result<std::fs::File> {
        tempfile::tempfile_in(self.real()?)
    }

    fn ensure_folder(&self, folder: &Path) -> Result<PathBuf> {
        if let Some(ready) = self.lock_ready().get(folder) {
            return Ok(ready.clone());
        }
        let mut path = PathBuf::new();
        for component in folder.components() {
            path.push(component);
            self.create_folder(&self.base.join(&path))?;
        }
        let real = self.real()?.join(folder).canonicalize()?;
        if !real.starts_with(self.real()?) {
            return Err(leads_outside(&real));
        }
        self.lock_ready().insert(folder.to_owned(), real.clone());
        Ok(real)
    }

    /// Creates one folder in a checked parent, or checks that the existing one does not lead outside.
    fn create_folder(&self, folder: &Path) -> Result<()> {
        let real = self.real()?;
        match std::fs::create_dir(folder) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            Err(_) if !std::fs::symlink_metadata(folder)?.is_symlink() => require_folder(folder),
            Err(_) if folder.canonicalize()?.starts_with(real) => require_folder(folder),
            Err(_) => Err(leads_outside(folder)),
        }
    }

    /// Returns the folder with all links resolved; creates it if needed.
    fn real(&self) -> Result<&Path> {
        if self.real.get().is_none() {
            std::fs::create_dir_all(&self.base)?;
            let real = self.base.canonicalize()?;
            return Ok(self.real.get_or_init(|| real));
        }
        Ok(self.real.get().map_or(Path::new(""), |path| path))
    }

    fn lock_ready(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, PathBuf>> {
        lock(&self.ready)
    }
}

fn require_folder(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::NotADirectory, format!("{} exists and is not a folder", path.display())))
}

fn leads_outside(path: &Path) -> Error {
    let what = "is a symbolic link that leads out of the target folder; nothing is written through it";
    Error::new(ErrorKind::PermissionDenied, format!("{} {what}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn target_folder_creates_folders_once_and_places_files() {
        let dir = tempfile::tempdir().unwrap();
        let target = TargetFolder::new(dir.path().join("new/folder")).unwrap();
        let placed = target.prepare_path(Path::new("s/a/b/f")).unwrap();
        assert_eq!(placed, dir.path().join("new/folder/s/a/b/f"));
        std::fs::write(&placed, b"x").unwrap();
        assert_eq!(target.prepare_path(Path::new("f")).unwrap(), dir.path().join("new/folder/f"));
        assert_eq!(target.prepare_path(Path::new("s/a/b/f/g")).unwrap_err().kind(), ErrorKind::NotADirectory);
    }

    #[test]
    fn target_folder_follows_no_links_to_the_outside() {
        let dir = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        symlink(outside.path(), dir.path().join("out")).unwrap();
        symlink("..", dir.path().join("up")).unwrap();
        symlink("/nowhere", dir.path().join("dangling")).unwrap();
        let target = TargetFolder::new(dir.path()).unwrap();
        for path in ["out/f", "out/deep/f", "up/f", "dangling/f"] {
            assert!(target.prepare_path(Path::new(path)).is_err(), "{path}");
        }
        assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
    }

    #[test]
    fn target_folder_may_be_a_link_and_have_links_within() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("real")).unwrap();
        symlink("real", dir.path().join("alias")).unwrap();
        let link = tempfile::tempdir().unwrap();
        symlink(dir.path(), link.path().join("base")).unwrap();
        let target = TargetFolder::new(link.path().join("base")).unwrap();
        let real = dir.path().canonicalize().unwrap().join("real/f");
        assert_eq!(target.prepare_path(Path::new("alias/f")).unwrap(), real);
        assert_eq!(target.prepare_path(Path::new("alias/f")).unwrap(), real);
    }
}
