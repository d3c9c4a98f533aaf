//! `rucio version`: this program, the official client it reproduces, the server.

use std::process::Command;

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::expect;
use crate::fixtures::{Answer, Home, Server};
use crate::support::Rucio;

#[test]
fn version_shows_client_and_server() -> Result<()> {
    let server = Server::start(|heard, _| match heard.request.as_str() {
        "GET /ping" => Answer::json(r#"{"version": "40.1.2"}"#),
        _ => Answer::new(404, "", ""),
    })?;
    let home = Home::new()?;
    let outcome = server.client(&home)?.args(["version"]).run()?;
    expect(&outcome, 0)?;
    let text = &outcome.stdout;
    ensure!(text.starts_with(&format!("client     : {}", env!("CARGO_PKG_VERSION"))), "{text}");
    ensure!(text.contains("reproduces : official client 41.5.1\n"), "{text}");
    ensure!(text.ends_with(&format!("server     : 40.1.2 at {}\n", server.url())), "{text}");
    ensure!(server.heard_in_all().len() == 1, "it needs no login: {:?}", server.heard_in_all());
    let record: Value = serde_json::from_str(&server.client(&home)?.args(["-o", "json", "version"]).run()?.stdout)?;
    ensure!(record["server_version"] == "40.1.2" && record["official_version"] == "41.5.1", "{record}");
    Ok(())
}

#[test]
fn version_without_server_shows_the_client() -> Result<()> {
    let home = Home::new()?;
    let outcome = home.ours().args(["version"]).run()?;
    expect(&outcome, 0)?;
    ensure!(outcome.stdout.contains("server     : unknown: "), "{}", outcome.stdout);
    let libraries = Command::new("ldd").arg(Rucio::path()).output()?;
    let is_linked_in = !String::from_utf8_lossy(&libraries.stdout).contains("libssl");
    ensure!(outcome.stdout.contains("OpenSSL linked in") == is_linked_in, "{} {libraries:?}", outcome.stdout);
    let server = Server::start(|_, _| Answer::new(404, "", ""))?;
    let outcome = server.client(&home)?.args(["version", "--offline"]).run()?;
    expect(&outcome, 0)?;
    ensure!(outcome.stdout.ends_with("server     : not contacted\n"), "{}", outcome.stdout);
    ensure!(server.heard_in_all().is_empty(), "{:?}", server.heard_in_all());
    Ok(())
}

#[test]
fn version_fails_if_the_server_does_not_answer() -> Result<()> {
    let home = Home::new()?;
    let client = Server::start(|_, _| Answer::new(404, "", ""))?.client(&home)?;
    // The server is gone.
    let outcome = client.args(["version"]).run()?;
    ensure!(
        outcome.code != 0 && outcome.stdout.contains("server     : no answer from http://127.0.0.1"),
        "{outcome:?}"
    );
    Ok(())
}
