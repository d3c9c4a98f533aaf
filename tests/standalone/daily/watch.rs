//! `--watch` of rules: on a terminal and in a pipe.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use serde_json::json;

use crate::fixtures::{Answer, Home, Pty, Server};

/// A rule that makes progress, and is deleted in the end unless it is `endless`; once the server fails.
fn server(endless: bool) -> Result<Server> {
    Server::start(move |heard, before| {
        let rule = |state: &str| Answer::json(&json!({"id": "one", "state": state, "account": "jdoe"}).to_string());
        match (heard.request.as_str(), before) {
            ("GET /rules/one", 0 | 1) => rule("REPLICATING"),
            ("GET /rules/one", 2) => Answer::new(500, "", ""),
            ("GET /rules/one", _) if endless || before <= 8 => rule("OK"),
            _ => Answer::new(404, "ExceptionClass: RuleNotFound\r\n", ""),
        }
    })
}

#[test]
fn watch_prints_each_change_in_a_pipe() -> Result<()> {
    let (server, home) = (server(false)?, Home::new()?);
    let mut client = server.client(&home)?.args(["rule", "show", "--watch", "0.5", "one", "-o", "jsonl"]).command()?;
    let mut child = client.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let lines = BufReader::new(child.stdout.take().context("stdout")?).lines().collect::<Result<Vec<_>, _>>()?;
    let code = child.wait()?.code();
    ensure!(code == Some(1), "{code:?}");
    ensure!(lines.len() == 2 && lines[0].contains("REPLICATING") && lines[1].contains("\"OK\""), "{lines:?}");
    Ok(())
}

#[test]
fn watch_takes_the_screen_of_a_terminal_and_gives_it_back() -> Result<()> {
    let (server, home) = (server(true)?, Home::new()?);
    let _ = server.client(&home)?;
    let config = home.path().join("rucio.cfg").to_string_lossy().into_owned();
    let terminal = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], &["rule", "show", "--watch=0.5", "one"])?;
    terminal.wait_for(r"Every 500ms: rucio rule show one")?;
    terminal.wait_for(r"State: +REPLICATING")?;
    terminal.wait_for(r"No new data")?;
    terminal.wait_for(r"State: +OK")?;
    terminal.signal(Signal::INT)?;
    let (code, screen) = terminal.end()?;
    ensure!(code == 130, "{code} {screen}");
    let (_, behind) = screen.rsplit_once("\x1b[?1049l").context("the screen was not given back")?;
    ensure!(behind.contains("State:") && behind.contains("OK"), "{behind:?}");
    Ok(())
}
