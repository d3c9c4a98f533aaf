//! The files under a folder, to compare what two downloads left there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Relative path -> content of every file and link below a folder. A folder without files does not count.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tree(BTreeMap<String, Entry>);

#[derive(Debug, PartialEq, Eq)]
enum Entry {
    Link(String),
    File(Vec<u8>),
    Gone,
}

/// The files below a folder, as sorted paths below it. Links to folders are entered.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    walk(folder, Path::new(""), &mut files)?;
    files.sort();
    Ok(files)
}

fn walk(root: &Path, below: &Path, files: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(root.join(below))? {
        let path = below.join(entry?.file_name());
        match root.join(&path).is_dir() {
            true => walk(root, &path, files)?,
            false => files.push(path.to_string_lossy().into_owned()),
        }
    }
    Ok(())
}

impl Tree {
    /// Read everything below `root`.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        tree.add(root, "").with_context(|| format!("reading {}", root.display()))?;
        Ok(tree)
    }

    fn add(&mut self, folder: &Path, prefix: &str) -> Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type()?;
            let found = if kind.is_symlink() {
                Entry::Link(fs::read_link(entry.path())?.to_string_lossy().into_owned())
            } else if kind.is_dir() {
                self.add(&entry.path(), &format!("{name}/"))?;
                continue;
            } else {
                Entry::File(fs::read(entry.path())?)
            };
            self.0.insert(name, found);
        }
        Ok(())
    }

    /// What is new, other or gone since `before`.
    pub(crate) fn since(mut self, before: Self) -> Self {
        for (name, old) in before.0 {
            match self.0.get(&name) {
                Some(now) if *now == old => drop(self.0.remove(&name)),
                Some(_) => {}
                None => drop(self.0.insert(name, Entry::Gone)),
            }
        }
        self
    }

    /// The same entries, renamed by `change`.
    pub(crate) fn renamed(self, change: impl Fn(&str) -> String) -> Self {
        let entries = self.0.into_iter().map(|(name, entry)| {
            let entry = match entry {
                Entry::Link(target) => Entry::Link(change(&target)),
                other => other,
            };
            (change(&name), entry)
        });
        Self(entries.collect())
    }

    /// How many files each folder has, instead of which: for downloads of files chosen at random.
    pub(crate) fn counted(&self) -> String {
        let mut count: BTreeMap<&str, usize> = BTreeMap::new();
        for (name, _) in self.0.iter().filter(|(_, entry)| matches!(entry, Entry::File(_))) {
            *count.entry(name.rsplit_once('/').map_or("", |(folder, _)| folder)).or_default() += 1;
        }
        count.into_iter().map(|(folder, files)| format!("{folder}/: {files} files\n")).collect()
    }

    /// One line per entry: name, size and adler32 of the content (equal trees have equal listings).
    pub(crate) fn listing(&self) -> String {
        self.0.iter().map(|(name, entry)| format!("{name}{}\n", entry.describe())).collect()
    }
}

impl Entry {
    fn describe(&self) -> String {
        match self {
            Self::Gone => " is gone".to_owned(),
            Self::Link(target) => format!(" -> {target}"),
            Self::File(content) => format!(" {} bytes, adler32 {:08x}", content.len(), adler32(content)),
        }
    }
}

fn adler32(bytes: &[u8]) -> u32 {
    let (mut a, mut b) = (1_u32, 0_u32);
    for chunk in bytes.chunks(5552) {
        for byte in chunk {
            a += u32::from(*byte);
            b += a;
        }
        (a, b) = (a % 65521, b % 65521);
    }
    (b << 16) | a
}
