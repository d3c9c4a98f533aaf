//! Hints, each typed as it stands: the first steps of a new user, and mistakes at the terminal.

mod first_run;
mod mistakes;

use anyhow::{Context, Result, ensure};
use regex::Regex;

use crate::fixtures::{Home, Pty};
use crate::support::{Outcome, Testbed, split};

/// The commands between backquotes in a message, in order.
fn commands(message: &str) -> Result<Vec<String>> {
    let found = Regex::new("`([^`]+)`")?.captures_iter(message).map(|found| found[1].to_owned()).collect();
    Ok(found)
}

/// Runs our client at a terminal with this configuration. Returns exit code and screen, lines ending with `\n`.
fn at_terminal(home: &Home, config: &str, words: &[&str]) -> Result<(i32, String)> {
    let (code, screen) = Pty::ours(home, &[("RUCIO_CONFIG", config)], words)?.end()?;
    Ok((code, screen.replace('\r', "")))
}

/// Runs a command as it stands in a hint.
fn typed(home: &Home, config: &str, command: &str) -> Result<Outcome> {
    let words = split(command)?;
    let (program, words) = words.split_first().context("no command")?;
    ensure!(program == "rucio", "{command}");
    home.ours().env("RUCIO_CONFIG", config).args(words).run()
}

/// A configuration of the testbed for jdoe with a password, without an account.
fn without_account(home: &Home) -> Result<String> {
    let testbed = Testbed::get()?;
    let (url, certs) = (testbed.value("URL")?, testbed.value("CERTS")?);
    home.config(&format!(
        "rucio_host = {url}\nauth_host = {url}\nca_cert = {certs}/ca.pem\nauth_type = userpass\nusername = jdoe\n\
         password = secret"
    ))
}
