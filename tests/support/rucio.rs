//! Both clients, run hermetically: an environment of our making, no terminal, no input, a time limit.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::secrets::Secrets;
use super::{Testbed, preloaded, var};

/// An option of `env`: who ran the tests in the background of a script had signals ignored, which is inherited.
const SIGNALS: &str = "--default-signal=INT,TERM,HUP";

/// What a run left behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The exit code; -1 when a signal or the time limit ended the run.
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

impl Outcome {
    /// stderr without the notice that legacy and admin commands are deprecated.
    pub(crate) fn messages(&self) -> String {
        without_notice(&self.stderr)
    }
}

/// The text without the notice that legacy and admin commands are deprecated.
pub(crate) fn without_notice(stderr: &str) -> String {
    let lines = stderr.split_inclusive('\n');
    lines.filter(|line| !line.contains("\tWARNING\tThis method is being deprecated.")).collect()
}

/// One run of a client, being put together.
#[derive(Debug)]
pub(crate) struct Rucio {
    program: PathBuf,
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    folder: Option<PathBuf>,
    home: Option<PathBuf>,
    limit: Duration,
    /// A program, with its arguments, that starts this one.
    starter: Vec<String>,
    preloaded: bool,
    /// Whether this is our client, whose output may show no secret.
    ours: bool,
    token_wanted: bool,
}

impl Rucio {
    /// Our client.
    pub(crate) fn ours() -> Self {
        Self { ours: true, ..Self::program(Self::path()) }
    }

    /// The binary of this package (`RUCIO_BIN` names another one, to try the harness itself).
    pub(crate) fn path() -> String {
        var("RUCIO_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_rucio").to_owned())
    }

    /// A program of the official Python client of the testbed: `rucio` or `rucio-admin`.
    pub(crate) fn official(program: &str) -> Result<Self> {
        Ok(Self { preloaded: true, ..Self::program(Testbed::get()?.official()?.with_file_name(program)) })
    }

    /// Any program, run likewise.
    pub(crate) fn program(program: impl Into<PathBuf>) -> Self {
        // COLUMNS: nothing may depend on it, and if it does, then on the same width for both.
        let fixed = [("PATH", "/usr/bin:/bin"), ("LANG", "C.UTF-8"), ("TZ", "UTC"), ("COLUMNS", "120")];
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: fixed.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            folder: None,
            home: None,
            limit: Duration::from_secs(120),
            starter: Vec::new(),
            preloaded: false,
            ours: false,
            token_wanted: false,
        }
    }

    /// Use the testbed's configuration of that name; `nocfg` is none.
    pub(crate) fn config(self, name: &str) -> Result<Self> {
        if name == "nocfg" {
            return Ok(self);
        }
        let path = Testbed::get()?.config(name)?;
        Ok(self.env("RUCIO_CONFIG", &path.to_string_lossy()))
    }

    /// Sets a variable; an empty value removes it.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        if value.is_empty() {
            self.environment.remove(name);
        } else {
            self.environment.insert(name.to_owned(), value.to_owned());
        }
        self
    }

    /// The words after the program's name.
    pub(crate) fn args<S: AsRef<str>>(mut self, words: impl IntoIterator<Item = S>) -> Self {
        self.arguments.extend(words.into_iter().map(|word| word.as_ref().to_owned()));
        self
    }

    /// Run in this folder instead of an empty one of its own.
    pub(crate) fn folder(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// HOME and TMPDIR (so the token cache too) instead of an empty folder of its own.
    pub(crate) fn home(mut self, home: &Path) -> Self {
        self.home = Some(home.to_owned());
        self
    }

    /// End it after this long.
    pub(crate) fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Have it started by this program, with these arguments before its own.
    pub(crate) fn started_by(mut self, words: &[&str]) -> Self {
        self.starter.extend(words.iter().map(ToString::to_string));
        self
    }

    /// The token is what it is to show, on standard output.
    pub(crate) fn shows_token(mut self) -> Self {
        self.token_wanted = true;
        self
    }

    /// Run it to its end.
    pub(crate) fn run(self) -> Result<Outcome> {
        let scratch = tempfile::tempdir()?;
        let home = self.home.clone().unwrap_or_else(|| scratch.path().join("home"));
        let folder = self.folder.clone().unwrap_or_else(|| scratch.path().join("work"));
        fs::create_dir_all(&home)?;
        fs::create_dir_all(&folder)?;
        let start = Instant::now();
        if self.preloaded {
            return self.run_preloaded(scratch.path(), &home, &folder);
        }
        let mut secrets = self.secrets(&home);
        let (mut stdout, mut stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
        let mut command = self.prepared(&home, &folder);
        let child = command.stdout(stdout.try_clone()?).stderr(stderr.try_clone()?).spawn();
        let status = wait(child.with_context(|| format!("starting {}", self.program.display()))?, start + self.limit)?;
        let mut text = text_of(&mut stderr)?;
        if status.is_none() {
            text.push_str(&format!("\n[ended after {:?}]\n", self.limit));
        }
        let outcome = Outcome {
            code: status.and_then(|status| status.code()).unwrap_or(-1),
            stdout: text_of(&mut stdout)?,
            stderr: text,
            took: start.elapsed(),
        };
        secrets.tokens_below(&home);
        let shown = secrets.shown_in(&outcome, self.token_wanted).filter(|_| self.ours);
        ensure!(shown.is_none(), "{:?} shows {}: {outcome:?}", self.arguments, shown.unwrap_or_default());
        Ok(outcome)
    }

    /// The same as a command, without input, for a test that sends signals or reads while it runs. Needs a home, in which it
    /// also runs if it has no folder. Signals have their default effect, even if they are ignored where the tests run.
    pub(crate) fn command(mut self) -> Result<Command> {
        let home = self.home.clone().context("a home is needed")?;
        let folder = self.folder.clone().unwrap_or_else(|| home.clone());
        self.starter.extend(["/usr/bin/env".to_owned(), SIGNALS.to_owned()]);
        Ok(self.prepared(&home, &folder))
    }

    fn prepared(&self, home: &Path, folder: &Path) -> Command {
        let mut words = self.starter.iter().map(OsStr::new).chain([self.program.as_os_str()]);
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).args(&self.arguments).current_dir(folder).stdin(Stdio::null());
        command.env_clear().env("HOME", home).env("TMPDIR", home).envs(&self.environment);
        command
    }

    /// What this run must not show.
    fn secrets(&self, home: &Path) -> Secrets {
        let mut secrets = Secrets::default();
        secrets.tokens_below(home);
        self.environment.get("BEARER_TOKEN").into_iter().for_each(|token| secrets.token(token));
        let behind = |option: &str| {
            self.arguments
                .windows(2)
                .filter(move |pair| pair[0] == option)
                .map(|pair| pair[1].clone())
                .collect::<Vec<_>>()
        };
        behind("--password").iter().for_each(|password| secrets.password(password));
        let configs = self.environment.get("RUCIO_CONFIG").cloned().into_iter().chain(behind("--config"));
        configs.for_each(|config| secrets.passwords_in(Path::new(&config)));
        secrets
    }

    fn run_preloaded(mut self, scratch: &Path, home: &Path, folder: &Path) -> Result<Outcome> {
        let start = Instant::now();
        let (stdout, stderr) = (scratch.join("stdout"), scratch.join("stderr"));
        File::create_new(&stdout)?;
        File::create_new(&stderr)?;
        for variable in ["HOME", "TMPDIR"] {
            self.environment.entry(variable.to_owned()).or_insert_with(|| home.to_string_lossy().into_owned());
        }
        let code = preloaded::run(
            &self.program,
            &json!({
                "program": self.program, "arguments": self.arguments, "environment": self.environment,
                "folder": folder, "stdout": stdout, "stderr": stderr, "limit": self.limit.as_secs(),
            }),
        )?;
        Ok(Outcome {
            code: code.unwrap_or(-1),
            stdout: text_of(&mut File::open(&stdout)?)?,
            stderr: text_of(&mut File::open(&stderr)?)?,
            took: start.elapsed(),
        })
    }
}

/// Wait for the end until `deadline`; `None` if it had to be ended.
fn wait(mut child: Child, deadline: Instant) -> Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(3));
    }
}

fn text_of(file: &mut File) -> Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
