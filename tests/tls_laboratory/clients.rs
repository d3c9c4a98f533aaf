//! Both clients at a server: whether they accept it, and what they say.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use regex::Regex;
use serde_json::json;

use crate::fixtures::Home;
use crate::support::{Outcome, Testbed, project};

/// How many of our processes run at the same time.
const WORKERS: usize = 4;

/// A server that both clients contact.
#[derive(Debug, Clone)]
pub(super) struct Trial {
    pub(super) name: String,
    /// The address for logins, and for everything else unless there is another.
    pub(super) url: String,
    /// The address for everything else.
    pub(super) plain_url: Option<String>,
    /// The CA file or folder.
    pub(super) ca: PathBuf,
    /// The HTTP proxy, if one is needed.
    pub(super) proxy: Option<String>,
    /// The client certificate, and its key if that is in another file.
    pub(super) certificate: Vec<PathBuf>,
}

/// What both clients made of a server.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) name: String,
    /// Why the official client refuses the server; empty if it accepts it.
    pub(super) official: String,
    pub(super) ours: Outcome,
}

/// Runs both clients at all servers.
pub(super) fn run(trials: &[Trial]) -> Result<Vec<Verdict>> {
    let official = Command::new(Testbed::get()?.official()?.with_file_name("python3"))
        .arg(project().join("tests/tls_laboratory/official.py"))
        .env_clear()
        .envs([("PATH", "/usr/bin:/bin"), ("LANG", "C.UTF-8")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut official = official.context("starting the official client's Python")?;
    let cases: Vec<_> = trials.iter().map(official_case).collect();
    let mut input = official.stdin.take().context("its input")?;
    input.write_all(serde_json::to_string(&cases)?.as_bytes())?;
    drop(input);
    let ours = run_ours(trials)?;
    let output = official.wait_with_output()?;
    ensure!(output.status.success(), "official.py: {}", output.status);
    let official: Vec<String> = serde_json::from_slice(&output.stdout)?;
    ensure!(official.len() == trials.len() && ours.len() == trials.len(), "a verdict is missing");
    let verdicts = trials.iter().zip(official).zip(ours);
    Ok(verdicts.map(|((trial, official), ours)| Verdict { name: trial.name.clone(), official, ours }).collect())
}

fn official_case(trial: &Trial) -> serde_json::Value {
    // A login, as with ours, if there is a certificate.
    let path = if trial.certificate.is_empty() { "ping" } else { "auth/x509" };
    json!({
        "url": format!("{}/{path}", trial.url), "ca": trial.ca, "proxy": trial.proxy, "cert": trial.certificate,
    })
}

fn run_ours(trials: &[Trial]) -> Result<Vec<Outcome>> {
    let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(vec![None; trials.len()]));
    let work = || -> Result<()> {
        while let Some(trial) = trials.get(next.fetch_add(1, Ordering::SeqCst)) {
            let outcome = ours(trial).with_context(|| trial.name.clone())?;
            let index = trials.iter().position(|one| one.name == trial.name);
            outcomes.lock().expect("no worker panicked")[index.context("two of one name")?] = Some(outcome);
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("a worker panicked"))
    })?;
    outcomes.into_inner()?.into_iter().collect::<Option<_>>().context("two of one name")
}

fn ours(trial: &Trial) -> Result<Outcome> {
    let home = Home::new()?;
    let (url, ca) = (&trial.url, trial.ca.display());
    let plain = trial.plain_url.as_ref().unwrap_or(url);
    let login = match trial.certificate.as_slice() {
        [] => "auth_type = userpass\nusername = jdoe\npassword = secret".to_owned(),
        [both] => format!("auth_type = x509\nclient_cert = {}", both.display()),
        [certificate, key, ..] => {
            format!("auth_type = x509\nclient_cert = {}\nclient_key = {}", certificate.display(), key.display())
        }
    };
    let config =
        home.config(&format!("rucio_host = {plain}\nauth_host = {url}\nca_cert = {ca}\naccount = jdoe\n{login}"))?;
    let command = if trial.certificate.is_empty() { "ping" } else { "whoami" };
    let ours = home.ours().env("RUCIO_CONFIG", &config).args([command]).limit(Duration::from_secs(30));
    let proxy = trial.proxy.as_deref().unwrap_or_default();
    ours.env("HTTPS_PROXY", proxy).run()
}

impl Verdict {
    pub(super) fn ours_accepts(&self) -> bool {
        self.ours.code == 0
    }

    pub(super) fn official_accepts(&self) -> bool {
        self.official.is_empty()
    }

    /// Returns what is wrong with our message: text for programmers, or nothing at all.
    pub(super) fn bad_message(&self) -> Result<Option<String>> {
        // Names of exceptions of Rucio, which the official client prints, and of programs.
        let words =
            Regex::new("OpenSSL|[A-Z][A-Za-z]*(Exception|Error|Parameter)|CannotAuthenticate|HTTPSConnectionPool")?;
        let text = words.replace_all(&self.ours.stderr, "");
        let debug = Regex::new(r"[{}]|\bSome\(|docs\.rs|\b[A-Z][a-z0-9]+[A-Z][A-Za-z0-9]*|panicked")?;
        let nothing = !self.ours_accepts() && self.ours.stderr.trim().is_empty();
        Ok(if nothing {
            Some("no message".to_owned())
        } else {
            debug.find(&text).map(|found| found.as_str().to_owned())
        })
    }

    /// One line: name, both verdicts, our message and that of the official client.
    pub(super) fn line(&self) -> String {
        let word = |accepts| if accepts { "accepted" } else { "refused" };
        let ours: Vec<_> = self.ours.stderr.lines().filter(|line| !line.trim().is_empty()).collect();
        format!(
            "{}: official {}, ours {} ({}) | {} | official: {}",
            self.name,
            word(self.official_accepts()),
            word(self.ours_accepts()),
            self.ours.code,
            ours.join(" / "),
            self.official
        )
    }
}
