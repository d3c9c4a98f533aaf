//! The official client, preloaded: `preloaded.py` runs it without Python's half second of imports.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::project;

/// Servers that wait for work; one serves one run at a time.
static IDLE: Mutex<Vec<Server>> = Mutex::new(Vec::new());

/// A `preloaded.py`.
struct Server {
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// Run the client of this program's venv. Returns its exit code, none on timeout.
pub(super) fn run(program: &Path, request: &Value) -> Result<Option<i32>> {
    let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let mut server = match idle {
        Some(server) => server,
        None => Server::start(program)?,
    };
    let code = server.run(request)?;
    IDLE.lock().unwrap_or_else(PoisonError::into_inner).push(server);
    Ok(code)
}

impl Server {
    fn start(program: &Path) -> Result<Self> {
        let python = program.with_file_name("python3");
        let mut process = Command::new(&python)
            .arg(project().join("tests/support/preloaded.py"))
            .env_clear()
            .envs([("PATH", "/usr/bin:/bin"), ("LANG", "C.UTF-8")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", python.display()))?;
        let requests = process.stdin.take().context("its input")?;
        let answers = BufReader::new(process.stdout.take().context("its output")?);
        Ok(Self { process, requests, answers })
    }

    fn run(&mut self, request: &Value) -> Result<Option<i32>> {
        writeln!(self.requests, "{request}")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        ensure!(!answer.is_empty(), "preloaded.py ended: {:?}", self.process.try_wait());
        Ok(serde_json::from_str(&answer)?)
    }
}
