//! Running the doctor, and reading what it says.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::fixtures::Home;
use crate::support::{Outcome, Rucio};

/// The password of all users of the testbed; it must never be shown.
const PASSWORD: &str = "secret";

/// A line of the doctor's, as a record.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Finding {
    pub(super) check: String,
    pub(super) status: String,
    pub(super) subject: String,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Finding {
    /// It is about this, says this, and gives this hint.
    pub(super) fn says(&self, check: &str, texts: &[&str]) -> Result<()> {
        let whole = format!("{}: {} [{}]", self.subject, self.message, self.hint.as_deref().unwrap_or_default());
        ensure!(self.check == check, "{self:?} is not of {check}");
        for text in texts {
            ensure!(whole.contains(text), "{text:?} is not in {whole}");
        }
        Ok(())
    }
}

/// Somebody with a configuration who comes to see the doctor.
pub(super) struct DoctorFixture {
    pub(super) home: Home,
    config: Option<PathBuf>,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl DoctorFixture {
    /// With these lines in `[client]`, beside hosts, CA and account.
    pub(super) fn with(lines: impl FnOnce(&Home) -> Result<String>) -> Result<Self> {
        let home = Home::new()?;
        let lines = lines(&home)?;
        let config = home.testbed_config(&lines)?;
        Self::of(home, Some(config))
    }

    /// Who logs in with the password.
    pub(super) fn userpass() -> Result<Self> {
        Self::with(|_| Ok("auth_type = userpass\nusername = jdoe\npassword = secret".to_owned()))
    }

    /// With just these lines in `[client]`.
    pub(super) fn only(lines: &str) -> Result<Self> {
        let home = Home::new()?;
        let config = home.config(lines)?;
        Self::of(home, Some(config))
    }

    /// In this home, with this configuration, which is theirs alone.
    pub(super) fn of(home: Home, config: Option<String>) -> Result<Self> {
        if let Some(config) = &config {
            fs::set_permissions(config, Permissions::from_mode(0o600))?;
        }
        let config = config.map(PathBuf::from);
        Ok(Self { home, config, arguments: Vec::new(), environment: Vec::new() })
    }

    /// With these options before the command.
    pub(super) fn args(mut self, words: &[&str]) -> Self {
        self.arguments.extend(words.iter().map(ToString::to_string));
        self
    }

    /// With this variable.
    pub(super) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The configuration file.
    pub(super) fn config(&self) -> &Path {
        self.config.as_deref().unwrap_or(Path::new(""))
    }

    /// Our client, as this person runs it. What others left in /tmp is out of sight.
    pub(super) fn client(&self) -> Rucio {
        let none = self.home.path().join("none").to_string_lossy().into_owned();
        let client = self.home.ours().env("RUCIO_CONFIG", &self.config().to_string_lossy());
        let client = client.env("X509_USER_PROXY", &none).env("KRB5CCNAME", &none);
        let client = self.environment.iter().fold(client, |client, (name, value)| client.env(name, value));
        client.args(&self.arguments)
    }

    /// Runs the doctor with these options. Whatever it says, it says no secret.
    pub(super) fn run(&self, options: &[&str]) -> Result<Outcome> {
        let before = self.home.token().ok();
        let outcome = self.client().args(["doctor"]).args(options).run()?;
        let secrets = [Some(PASSWORD.to_owned()), before, self.home.token().ok()];
        for secret in secrets.into_iter().flatten().filter(|secret| !secret.is_empty()) {
            ensure!(!outcome.stdout.contains(&secret) && !outcome.stderr.contains(&secret), "shown: {outcome:?}");
        }
        Ok(outcome)
    }

    /// What the doctor finds, and the exit code.
    pub(super) fn examined(&self, options: &[&str]) -> Result<(Vec<Finding>, i32)> {
        let outcome = self.run(&[options, &["-o", "json"]].concat())?;
        let findings = serde_json::from_str(&outcome.stdout).with_context(|| format!("{outcome:?}"))?;
        Ok((findings, outcome.code))
    }

    /// All is well.
    pub(super) fn is_well(&self) -> Result<Vec<Finding>> {
        let (findings, code) = self.examined(&[])?;
        let wrong: Vec<_> = findings.iter().filter(|finding| finding.status != "ok").collect();
        ensure!(wrong.is_empty() && code == 0, "{code}: {wrong:#?}");
        Ok(findings)
    }

    /// Exactly one line has failed, and there is no warning; the doctor ends with this code.
    pub(super) fn fails(&self, options: &[&str], wanted: i32) -> Result<Finding> {
        self.finds("failed", options, wanted)
    }

    /// Exactly one line is no `ok`, but a warning.
    pub(super) fn is_warned(&self) -> Result<Finding> {
        self.finds("warning", &[], 0)
    }

    fn finds(&self, status: &str, options: &[&str], wanted: i32) -> Result<Finding> {
        let (findings, code) = self.examined(options)?;
        let wrong: Vec<_> = findings.iter().filter(|finding| finding.status != "ok").collect();
        match wrong.as_slice() {
            [one] if one.status == status && code == wanted => Ok((*one).clone()),
            _ => anyhow::bail!("{code}: {wrong:#?}"),
        }
    }

    /// Runs the command that a hint begins or ends with, as a shell does.
    pub(super) fn mend(&self, finding: &Finding, command: &str) -> Result<()> {
        let hint = finding.hint.as_deref().context("no hint")?;
        let start = hint.find(command).with_context(|| format!("no {command:?} in {hint}"))?;
        let line = hint[start..].split(['`', ';']).next().unwrap_or_default();
        let status = Command::new("sh").args(["-c", line]).env("HOME", self.home.path()).status()?;
        ensure!(status.success(), "{line}: {status}");
        Ok(())
    }
}

/// A configuration with a certificate of the testbed and its key.
pub(super) fn certificate(name: &str) -> Result<String> {
    let (cert, key) = (Home::certificate(&format!("{name}.pem"))?, Home::certificate(&format!("{name}.key.pem"))?);
    Ok(x509(&cert, &key))
}

/// A configuration with this certificate and this key.
pub(super) fn x509(cert: &Path, key: &Path) -> String {
    format!("auth_type = x509\nclient_cert = {}\nclient_key = {}", cert.display(), key.display())
}

/// A configuration with this proxy of the testbed.
pub(super) fn proxy(name: &str) -> Result<String> {
    Ok(format!("auth_type = x509_proxy\nclient_x509_proxy = {}", Home::certificate(name)?.display()))
}
