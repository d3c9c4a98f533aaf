//! The running Rucio site of `tests/testbed`: started once per process, its variables parsed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, ensure};

use super::{project, var};

/// The official client's version, and that of the servers unless the testbed was brought up with another.
const VERSION: &str = "41.5.1";

/// Where the site is: the `TESTBED_*` variables.
#[derive(Debug)]
pub(crate) struct Testbed {
    variables: BTreeMap<String, String>,
}

impl Testbed {
    /// The site, started if it is down. With `TESTBED_CONFIGS` set, the one the environment describes.
    pub(crate) fn get() -> Result<&'static Self> {
        static TESTBED: OnceLock<std::result::Result<Testbed, String>> = OnceLock::new();
        TESTBED
            .get_or_init(|| Self::find().map_err(|error| format!("{error:#}")))
            .as_ref()
            .map_err(|text| anyhow!("{text}"))
    }

    fn find() -> Result<Self> {
        let script = if var("TESTBED_CONFIGS").is_some() { "env -0".to_owned() } else { Self::up()? };
        let output =
            Command::new("bash").args(["-c", &script]).stdin(Stdio::null()).output().context("running bash")?;
        ensure!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout);
        let variables = text.split('\0').filter_map(|line| line.split_once('='));
        let variables = variables.filter(|(name, _)| name.starts_with("TESTBED_"));
        let testbed = Self { variables: variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect() };
        testbed.check_official()?;
        Ok(testbed)
    }

    /// Starts the project's own testbed. Returns the shell line that sets its variables.
    fn up() -> Result<String> {
        let script = project().join("tests/testbed/testbed");
        let status = Command::new(&script).arg("up").stdin(Stdio::null()).stdout(Stdio::null()).status();
        let status = status.with_context(|| format!("starting {}", script.display()))?;
        ensure!(status.success(), "{} up: {status}", script.display());
        Ok(format!("eval \"$('{}' env)\" && env -0", script.display()))
    }

    /// A comparison without the official client, or with another version of it, would mean nothing.
    fn check_official(&self) -> Result<()> {
        let program = self.official()?;
        let output = Command::new(&program).arg("--version").env_clear().env("PATH", "/usr/bin:/bin").output();
        let output = output.with_context(|| format!("the official client {}", program.display()))?;
        let version = String::from_utf8_lossy(&output.stdout);
        ensure!(version.trim() == format!("rucio {VERSION}"), "{} --version says {version:?}", program.display());
        Ok(())
    }

    /// A `TESTBED_*` variable, named without that prefix.
    pub(crate) fn value(&self, name: &str) -> Result<&str> {
        let name = format!("TESTBED_{name}");
        self.variables.get(&name).map(String::as_str).with_context(|| format!("{name} is not set"))
    }

    /// The Rucio version of the servers.
    pub(crate) fn server_version(&self) -> &str {
        self.value("RUCIO_VERSION").unwrap_or(VERSION)
    }

    /// Whether the servers have the official client's version.
    pub(crate) fn has_current_servers(&self) -> bool {
        self.server_version() == VERSION
    }

    /// The official client's program.
    pub(crate) fn official(&self) -> Result<PathBuf> {
        Ok(Path::new(self.value("CLIENT_VENV")?).join("bin/rucio"))
    }

    /// The client configuration of that name (`userpass`, `root`, `x509` …).
    pub(crate) fn config(&self, name: &str) -> Result<PathBuf> {
        let path = Path::new(self.value("CONFIGS")?).join(format!("{name}.cfg"));
        ensure!(path.is_file(), "no configuration {}", path.display());
        Ok(path)
    }
}
