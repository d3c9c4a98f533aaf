//! A folder to download into, with the credential for storage.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::fixtures::Home;
use crate::support::{Outcome, Rucio, files_below};

/// Our client as jdoe, in a folder of its own.
pub(super) struct Fixture {
    pub(super) home: Home,
    pub(super) folder: PathBuf,
}

impl Fixture {
    pub(super) fn new() -> Result<Self> {
        let home = Home::new()?;
        let folder = home.path().join("desk");
        fs::create_dir(&folder)?;
        Ok(Self { home, folder })
    }

    pub(super) fn rucio(&self) -> Result<Rucio> {
        let proxy = Home::certificate("jdoe.proxy.pem")?;
        let rucio = self.home.ours().config("userpass")?.folder(&self.folder);
        Ok(rucio.env("X509_USER_PROXY", &proxy.to_string_lossy()))
    }

    /// The same for a program whose output is not text.
    pub(super) fn command(&self, words: &[&str]) -> Result<Command> {
        self.rucio()?.args(words).command()
    }

    pub(super) fn run(&self, words: &[&str]) -> Result<Outcome> {
        self.rucio()?.args(words).run()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(super) fn read(&self, name: &str) -> Result<String> {
        Ok(fs::read_to_string(self.path(name))?)
    }

    /// The files below the folder, as sorted paths.
    pub(super) fn files(&self) -> Result<Vec<String>> {
        files_below(&self.folder)
    }
}
