//! The commands about sessions: login, logout, session, token, auth validate, and what of whoami is about them.

mod list;
mod login;
mod logout;
mod others;
mod profiles;
mod setup;
mod show;
mod token;
mod update;
mod validate;
mod whoami;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::fixtures::{Home, Pty, USER, asked_for, browse};
use crate::support::{Outcome, Rucio, Testbed};

/// Our client with the testbed's configuration of this name, run to its end.
fn run(home: &Home, config: &str, words: &[&str]) -> Result<Outcome> {
    let client = home.ours().config(config)?.args(words);
    if words.contains(&"token") { client.shows_token().run() } else { client.run() }
}

/// The same, without errors or messages. Returns stdout.
fn shown(home: &Home, config: &str, words: &[&str]) -> Result<String> {
    let outcome = run(home, config, words)?;
    ensure!(outcome.code == 0 && outcome.stderr.is_empty(), "{words:?}: {outcome:?}");
    Ok(outcome.stdout)
}

/// The same with `-o json`.
fn json(home: &Home, config: &str, words: &[&str]) -> Result<Value> {
    let text = shown(home, config, &[&["-o", "json"], words].concat())?;
    serde_json::from_str(&text).with_context(|| text)
}

/// Our client in a session of its own, where there is no terminal even if the tests run on one.
fn alone(home: &Home, config: &Path, words: &[&str]) -> Result<Outcome> {
    let client = home.ours().started_by(&["setsid", "--wait"]);
    client.env("RUCIO_CONFIG", &config.to_string_lossy()).args(words).run()
}

/// A line for a shell, in which `rucio` is our client.
fn shell(home: &Home, config: &str, line: &str) -> Result<Outcome> {
    let shell = Rucio::program("sh").home(home.path()).env("LOGNAME", USER).config(config)?;
    let line = format!("rucio() {{ {} \"$@\"; }}\n{line}", Rucio::path());
    shell
        .env("URL", Testbed::get()?.value("URL")?)
        .env("CERTS", Testbed::get()?.value("CERTS")?)
        .args(["-c", &line])
        .run()
}

/// Changes the record beside the token.
fn change_record(home: &Home, change: impl FnOnce(&mut Value)) -> Result<()> {
    let mut record: Value = serde_json::from_slice(&fs::read(home.record_file())?)?;
    change(&mut record);
    Ok(fs::write(home.record_file(), record.to_string())?)
}

/// Types a password at the prompt.
fn type_password(terminal: &mut Pty, password: &str) -> Result<()> {
    terminal.type_secret("Password of jdoe: ", &format!("{password}\n"))
}

/// Runs a command that logs in in the browser, up to its end.
fn in_browser(home: &Home, config: &str, words: &[&str], link: &str) -> Result<String> {
    let terminal = Pty::ours(home, &[("RUCIO_CONFIG", config)], words)?;
    browse(&terminal.wait_for(link)?, "jdoe")?;
    let (code, screen) = terminal.end()?;
    ensure!(code == 0, "{screen}");
    Ok(screen)
}

/// The link of a login through the Rucio server.
const LINK: &str = r"(https://\S+/auth/oidc_redirect\?\S+)\s";

/// A configuration without the password.
fn without_password(home: &Home) -> Result<String> {
    home.testbed_config("auth_type = userpass\nusername = jdoe")
}
