//! A folder to download into, with things around it that must stay as they are.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

/// What is known of an entry of a folder: nobody touches it without changing some of this.
#[derive(Debug, PartialEq, Eq)]
struct Trace {
    kind: &'static str,
    size: u64,
    mode: u32,
    inode: u64,
    changed: (i64, i64),
    content: Vec<u8>,
}

/// The folder, its surroundings, and how these were.
#[derive(Debug)]
pub(super) struct Sandbox {
    world: TempDir,
    before: BTreeMap<PathBuf, Trace>,
    /// Links that were put into the target folder beforehand.
    links: Vec<PathBuf>,
}

impl Sandbox {
    /// An empty target folder with canaries around it.
    pub(super) fn new() -> Result<Self> {
        let world = tempfile::tempdir()?;
        for folder in ["deep/er/target", "deep/er/set", "deep/er/outside/set", "deep/er/s", "etc"] {
            fs::create_dir_all(world.path().join(folder))?;
        }
        for canary in ["x", "deep/x", "deep/er/x", "deep/er/outside/x", "deep/er/set/x", "deep/er/s/x", "etc/passwd"] {
            fs::write(world.path().join(canary), "a canary")?;
        }
        let mut sandbox = Self { world, before: BTreeMap::new(), links: Vec::new() };
        sandbox.before = sandbox.surroundings()?;
        Ok(sandbox)
    }

    /// The same with links of all kinds in the target folder, and in the folder `set` there.
    pub(super) fn with_links() -> Result<Self> {
        let mut sandbox = Self::new()?;
        let target = sandbox.target();
        for folder in [target.clone(), target.join("set")] {
            fs::create_dir_all(folder.join("real"))?;
            let outside = sandbox.outside();
            let passwd = sandbox.world.path().join("etc/passwd");
            let links = [
                ("out", outside.as_path()),
                ("up", Path::new("..")),
                ("gone", Path::new("nothing/there")),
                ("loop", Path::new("loop")),
                ("in", Path::new("real")),
                ("abs", Path::new("/")),
                ("good-3.dat", passwd.as_path()),
                ("good-4.dat", Path::new("/dev/null")),
                ("good-5.dat", Path::new("../../new-canary")),
            ];
            for (name, to) in links {
                symlink(to, folder.join(name))?;
                sandbox.links.push(folder.join(name));
            }
        }
        sandbox.before = sandbox.surroundings()?;
        Ok(sandbox)
    }

    /// The folder to download into.
    pub(super) fn target(&self) -> PathBuf {
        self.world.path().join("deep/er/target")
    }

    /// The folder around it; what runs there may name the target `target`.
    pub(super) fn around(&self) -> PathBuf {
        self.world.path().join("deep/er")
    }

    /// A folder that links lead to.
    pub(super) fn outside(&self) -> PathBuf {
        self.world.path().join("deep/er/outside")
    }

    /// The surroundings are as they were, and so are the devices that names spoke of.
    pub(super) fn is_untouched(&self) -> Result<()> {
        let now = self.surroundings()?;
        for (path, trace) in &now {
            ensure!(self.before.get(path) == Some(trace), "{} is new or changed", path.display());
        }
        ensure!(now.len() == self.before.len(), "something outside is gone: {:?}", self.before.keys());
        for device in ["/dev/null", "/dev/zero"] {
            ensure!(fs::symlink_metadata(device)?.file_type().is_char_device(), "{device} is no device any more");
        }
        Ok(())
    }

    /// All files in the target folder. Errors: there is something that is neither file nor folder, and was not there before,
    /// or a file that is not finished.
    pub(super) fn files(&self) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for (path, metadata) in entries(&self.target(), &self.target())? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match metadata.file_type() {
                kind if kind.is_file() => {
                    ensure!(!(name.starts_with('.') && name.ends_with(".rucio-part")), "{} is left", path.display());
                    files.push(path);
                }
                kind if kind.is_symlink() => ensure!(self.links.contains(&path), "{} is a link", path.display()),
                kind => ensure!(kind.is_dir(), "{} is a {kind:?}", path.display()),
            }
        }
        Ok(files)
    }

    fn surroundings(&self) -> Result<BTreeMap<PathBuf, Trace>> {
        let all = entries(self.world.path(), &self.target())?.into_iter();
        all.map(|(path, metadata)| {
            let trace = Trace::of(&path, &metadata)?;
            Ok((path, trace))
        })
        .collect()
    }
}

impl Trace {
    fn of(path: &Path, metadata: &Metadata) -> Result<Self> {
        let kind = metadata.file_type();
        let content = if kind.is_file() { fs::read(path)? } else { Vec::new() };
        let kind = match kind {
            kind if kind.is_file() => "file",
            kind if kind.is_dir() => "folder",
            kind if kind.is_symlink() => "link",
            _ => "device",
        };
        let changed = (metadata.mtime(), metadata.mtime_nsec());
        Ok(Self { kind, size: metadata.len(), mode: metadata.mode(), inode: metadata.ino(), changed, content })
    }
}

/// Everything below a folder but what is below `except`; links are not followed.
fn entries(folder: &Path, except: &Path) -> Result<Vec<(PathBuf, Metadata)>> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
            let path = entry?.path();
            let metadata = fs::symlink_metadata(&path)?;
            if path == except {
                continue;
            }
            if metadata.is_dir() {
                folders.push(path.clone());
            }
            found.push((path, metadata));
        }
    }
    Ok(found)
}
