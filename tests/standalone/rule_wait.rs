//! `rucio rule wait`: what it shows while a rule changes, and how it ends.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::expect;
use crate::fixtures::{Answer, Home, Pty, Server};
use crate::support::Outcome;

/// A rule as a server sends it.
fn rule(id: &str, state: &str, locks: [u64; 3]) -> String {
    let [ok, replicating, stuck] = locks;
    json!({"id": id, "state": state, "locks_ok_cnt": ok, "locks_replicating_cnt": replicating,
           "locks_stuck_cnt": stuck, "scope": "s", "name": "n", "rse_expression": "X", "error": "no space left"})
    .to_string()
}

/// The first rule gets on with every look, and so does the server; the second one is there.
fn getting_on() -> Result<Server> {
    Server::start(|heard, before| match (heard.request.as_str(), before) {
        ("GET /rules/one", 0 | 1) => Answer::json(&rule("one", "REPLICATING", [1, 2, 0])),
        ("GET /rules/one", 2..=4) => Answer::new(503, "Retry-After: 0\r\n", ""),
        ("GET /rules/one", 5) => Answer::json(&rule("one", "STUCK", [1, 1, 1])),
        ("GET /rules/one", 6) => Answer::json(&rule("one", "REPLICATING", [2, 1, 0])),
        ("GET /rules/one", _) => Answer::json(&rule("one", "OK", [3, 0, 0])),
        ("GET /rules/two", _) => Answer::json(&rule("two", "OK", [5, 0, 0])),
        _ => Answer::new(404, "ExceptionClass: RuleNotFound\r\n", ""),
    })
}

fn wait(server: &Server, words: &[&str]) -> Result<Outcome> {
    let home = Home::new()?;
    server.client(&home)?.args(["rule", "wait", "--interval", "0.1"]).args(words).run()
}

#[test]
fn rule_wait_prints_every_change() -> Result<()> {
    let server = getting_on()?;
    let outcome = wait(&server, &["--keep-waiting", "one", "two", "one"])?;
    expect(&outcome, 0)?;
    let lines = "one REPLICATING[1/2/0]\ntwo OK[5/0/0]\none STUCK[1/1/1]\none REPLICATING[2/1/0]\none OK[3/0/0]\n";
    ensure!(outcome.stdout == lines, "{}", outcome.stdout);
    let asked = server.heard().iter().filter(|heard| heard.request == "GET /rules/two").count();
    ensure!(asked == 1, "one that is there was asked for {asked} times");
    Ok(())
}

#[test]
fn rule_wait_ends_at_a_stuck_rule_with_the_reason() -> Result<()> {
    let outcome = wait(&getting_on()?, &["one", "two"])?;
    expect(&outcome, 1)?;
    ensure!(outcome.stdout.ends_with("one STUCK[1/1/1]\n"), "{}", outcome.stdout);
    for part in ["Rule one is STUCK: no space left", "rule show --examine one", "--keep-waiting"] {
        ensure!(outcome.stderr.contains(part), "no {part:?} in {}", outcome.stderr);
    }
    Ok(())
}

#[test]
fn rule_wait_has_exit_codes_for_missing_rules_and_timeout() -> Result<()> {
    let missing = wait(&getting_on()?, &["nosuch"])?;
    expect(&missing, 1)?;
    ensure!(missing.stderr.contains("rucio rule list --did"), "{}", missing.stderr);
    let late = wait(&getting_on()?, &["--timeout", "0", "two", "one"])?;
    expect(&late, 124)?;
    ensure!(late.stderr.contains("1 of 2 rule(s) are not OK"), "{}", late.stderr);
    let records = wait(&getting_on()?, &["--timeout", "0s", "one", "-o", "json"])?;
    expect(&records, 124)?;
    let shown: Value = serde_json::from_str(&records.stdout)?;
    ensure!(shown[0]["state"] == "REPLICATING" && shown[0]["error"] == "no space left", "{shown}");
    ensure!(records.stderr.contains(r#""exit_code":124"#), "{}", records.stderr);
    ensure!(wait(&getting_on()?, &["--timeout", "soon", "one"])?.code == 1);
    Ok(())
}

#[test]
fn rule_wait_shows_a_bar_on_a_terminal() -> Result<()> {
    let (server, home) = (getting_on()?, Home::new()?);
    let _ = server.client(&home)?;
    let config = home.path().join("rucio.cfg").to_string_lossy().into_owned();
    let words = ["rule", "wait", "--interval", "0.3", "--keep-waiting", "one"];
    let terminal = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], &words)?;
    terminal.wait_for(r"s:n  [█░]+  REPLICATING 1 of 3 locks ok  \d+s")?;
    let (code, screen) = terminal.end()?;
    ensure!(code == 0 && screen.contains("one OK[3/0/0]"), "{code} {screen}");
    Ok(())
}
