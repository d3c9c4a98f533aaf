//! A home of one's own: an empty folder with a configuration and a place for tokens.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::support::{Rucio, Testbed};

/// Who runs the clients: part of the path of tokens.
pub(crate) const USER: &str = "tester";

/// A folder that is HOME and TMPDIR of every client started in it.
#[derive(Debug)]
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(tempfile::tempdir()?))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Our client, here.
    pub(crate) fn ours(&self) -> Rucio {
        Rucio::ours().home(self.path()).env("LOGNAME", USER)
    }

    /// The official client, here.
    pub(crate) fn official(&self) -> Result<Rucio> {
        Ok(Rucio::official("rucio")?.home(self.path()).env("LOGNAME", USER))
    }

    /// Writes a configuration with these lines in `[client]`; gives its path.
    pub(crate) fn config(&self, lines: &str) -> Result<String> {
        let path = self.path().join("rucio.cfg");
        fs::write(&path, format!("[client]\n{lines}\n"))?;
        Ok(path.to_string_lossy().into_owned())
    }

    /// Writes a configuration for the testbed's first server, account jdoe, with these lines more.
    pub(crate) fn testbed_config(&self, lines: &str) -> Result<String> {
        let testbed = Testbed::get()?;
        let (url, certs) = (testbed.value("URL")?, testbed.value("CERTS")?);
        let hosts = format!("rucio_host = {url}\nauth_host = {url}");
        self.config(&format!("{hosts}\nca_cert = {certs}/ca.pem\naccount = jdoe\n{lines}"))
    }

    /// A file of the testbed's certificates.
    pub(crate) fn certificate(name: &str) -> Result<PathBuf> {
        Ok(Path::new(Testbed::get()?.value("CERTS")?).join(name))
    }

    /// A copy of one of the testbed's certificate files with this mode.
    pub(crate) fn copy(&self, name: &str, mode: u32) -> Result<PathBuf> {
        let copy = self.path().join(name);
        fs::copy(Self::certificate(name)?, &copy)?;
        fs::set_permissions(&copy, Permissions::from_mode(mode))?;
        Ok(copy)
    }

    /// The folder of tokens.
    pub(crate) fn token_folder(&self) -> PathBuf {
        self.path().join(USER).join(format!(".rucio_{USER}"))
    }

    /// The token of jdoe.
    pub(crate) fn token_file(&self) -> PathBuf {
        self.token_folder().join("auth_token_for_account_jdoe")
    }

    /// Our record beside it.
    pub(crate) fn record_file(&self) -> PathBuf {
        self.token_folder().join("auth_token_for_account_jdoe.origin")
    }

    /// The token that is kept.
    pub(crate) fn token(&self) -> Result<String> {
        let path = self.token_file();
        fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
    }

    /// Keeps this token, as the official client does: without a record.
    pub(crate) fn keep_token(&self, token: &str) -> Result<()> {
        fs::create_dir_all(self.token_folder())?;
        fs::set_permissions(self.token_folder(), Permissions::from_mode(0o700))?;
        fs::write(self.token_file(), token)?;
        Ok(fs::set_permissions(self.token_file(), Permissions::from_mode(0o600))?)
    }
}
