//! The access log of a server of the testbed: what it was really asked, and with which token.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use regex::Regex;

use super::wait_for;
use crate::support::Testbed;

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// `GET /accounts/whoami`.
    pub(crate) request: String,
    pub(crate) status: u16,
    /// The token it carried; empty if none.
    pub(crate) token: String,
}

impl Line {
    fn parse(text: &str) -> Result<Self> {
        let shape = Regex::new(r#""(?<request>\S+ \S+) HTTP/1.1" (?<status>\d+) .* token=(?<token>.*) auth="#)?;
        let parts = shape.captures(text).with_context(|| format!("not a line of the access log: {text}"))?;
        Ok(Self {
            request: parts["request"].to_owned(),
            status: parts["status"].parse()?,
            token: parts["token"].trim_matches('-').to_owned(),
        })
    }

    /// Whether it asked for a token.
    pub(crate) fn is_login(&self) -> bool {
        self.request.starts_with("GET /auth/") && self.request != "GET /auth/validate"
    }

    /// What and with which outcome, for comparing.
    pub(crate) fn seen(&self) -> (&str, u16) {
        (&self.request, self.status)
    }
}

/// One server's log.
#[derive(Debug)]
pub(crate) struct AccessLog(PathBuf);

impl AccessLog {
    /// The log of `apache` (the first server) or `second`.
    pub(crate) fn of(server: &str) -> Result<Self> {
        Ok(Self(Path::new(Testbed::get()?.value("LOGS")?).join(format!("{server}.access.log"))))
    }

    /// All requests of the client that calls itself `agent`, once there is one of `last` among them (a server writes
    /// its log a moment after the answer).
    pub(crate) fn of_agent(&self, agent: &str, last: &str) -> Result<Vec<Line>> {
        wait_for(&format!("{last} of {agent} in {}", self.0.display()), || {
            let lines = self.lines(agent)?;
            Ok(lines.iter().any(|line| line.request == last).then_some(lines))
        })
    }

    /// Whether this text is anywhere in it.
    pub(crate) fn mentions(&self, text: &str) -> Result<bool> {
        Ok(self.text()?.contains(text))
    }

    fn lines(&self, agent: &str) -> Result<Vec<Line>> {
        let mark = format!("ua=\"{agent}/");
        self.text()?.lines().filter(|line| line.contains(&mark)).map(Line::parse).collect()
    }

    /// Up to the last whole line.
    fn text(&self) -> Result<String> {
        let bytes = fs::read(&self.0).with_context(|| format!("reading {}", self.0.display()))?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(text.rsplit_once('\n').map(|(whole, _)| whole.to_owned()).unwrap_or_default())
    }
}
