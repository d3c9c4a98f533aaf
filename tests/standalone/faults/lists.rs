//! Lists that the server cuts between two rows, and whose end looks like that of a whole list. No number tells how long they
//! are, so they are read twice. The first two lists of each kind are cut.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::fixtures::download::ended;
use crate::fixtures::{Answer, Home, ReceivedRequest, Server};

/// A list, and a command that shows it.
struct List {
    command: &'static str,
    /// The start of the request for the list.
    request: &'static str,
    row: fn(&str) -> Value,
}

const LISTS: [List; 17] = [
    List { command: "list-rules s:set", request: "GET /dids/s/set/rules", row: rule },
    List { command: "list-rules --file s:set", request: "GET /dids/s/set/associated_rules", row: rule },
    List { command: "rule list --account kim", request: "GET /accounts/kim/rules", row: rule },
    List { command: "rule list --subscription sub", request: "GET /subscriptions/jdoe/sub/rules", row: rule },
    List { command: "list-rules --traverse s:set", request: "GET /locks/s/set?", row: lock },
    List { command: "rule history s:set", request: "GET /rules/s/set/history", row: event },
    List { command: "account list", request: "GET /accounts/", row: |name| json!({"account": name}) },
    List { command: "account identity list kim", request: "GET /accounts/kim/identities", row: identity },
    List { command: "account limit list kim", request: "GET /accounts/kim/usage/local", row: usage },
    List { command: "account limit list kim", request: "GET /accounts/kim/usage/global", row: usage },
    List { command: "rse list", request: "GET /rses/", row: |name| json!({"rse": name}) },
    List { command: "list-rse-usage X", request: "GET /rses/X/usage", row: |name| json!({"source": name, "rse": "X"}) },
    List { command: "did content history s:set", request: "GET /dids/s/set/dids/history", row: did },
    List { command: "did list s:*", request: "GET /dids/s/dids/search?", row: did },
    List { command: "did list --parent s:set", request: "GET /dids/s/set/parents", row: did },
    List { command: "did content list s:box", request: "GET /dids/s/box/dids", row: did },
    List { command: "subscription list", request: "GET /subscriptions/jdoe", row: subscription },
];

fn did(name: &str) -> Value {
    json!({"scope": "s", "name": name, "type": "FILE", "did_type": "FILE"})
}

fn rule(name: &str) -> Value {
    json!({"id": name, "account": "kim", "scope": "s", "name": "set", "state": "OK", "locks_ok_cnt": 1,
           "locks_replicating_cnt": 0, "locks_stuck_cnt": 0, "rse_expression": "X", "copies": 1, "bytes": 1,
           "expires_at": null, "created_at": null})
}

fn lock(name: &str) -> Value {
    json!({"rule_id": name, "rse": "X"})
}

fn event(name: &str) -> Value {
    json!({"rule_id": name, "account": name, "rse_expression": "X", "created_at": null, "updated_at": null})
}

fn identity(name: &str) -> Value {
    json!({"identity": name, "type": "USERPASS"})
}

fn usage(name: &str) -> Value {
    json!({"rse": name, "rse_expression": name, "bytes": 1, "bytes_limit": 2, "bytes_remaining": 1})
}

fn subscription(name: &str) -> Value {
    json!({"account": "jdoe", "name": name, "state": "ACTIVE", "policyid": 3, "filter": "{}", "replication_rules": "[]",
           "comments": ""})
}

/// The answers besides the list.
fn others(request: &str) -> Answer {
    let meta = json!({"scope": "s", "name": "set", "did_type": "DATASET", "type": "DATASET"});
    match request {
        "GET /scopes/" => Answer::json(r#"["s"]"#),
        _ if request.starts_with("GET /dids/s/set/meta") => Answer::json(&meta.to_string()),
        _ if request.starts_with("GET /dids/s/box?") => Answer::json(r#"{"type": "CONTAINER"}"#),
        _ => match request.strip_prefix("GET /rules/") {
            Some(id) => Answer::json(&rule(id).to_string()),
            None => Answer::new(200, "Content-Type: application/x-json-stream\r\n", ""),
        },
    }
}

/// Answers with a list of so many rows, whose length is not announced.
fn answer(list: &List, heard: &ReceivedRequest, rows: usize) -> Answer {
    if !heard.request.starts_with(list.request) {
        return others(&heard.request);
    }
    let row = |number| format!("{}\n", (list.row)(&format!("row-{number}")));
    Answer::chunked(&(0..rows).map(row).collect::<String>())
}

#[test]
fn list_that_is_cut_is_completed_and_shown_once() -> Result<()> {
    for list in &LISTS {
        let (home, server) = (
            Home::new()?,
            Server::start(|heard, before| answer(list, heard, if before < 2 { before + 1 } else { 4 }))?,
        );
        let words: Vec<_> = list.command.split(' ').collect();
        let outcome = server.client(&home)?.args(words).limit(Duration::from_secs(60)).run()?;
        ended(&outcome, 0)?;
        for name in ["row-0", "row-1", "row-2", "row-3"] {
            let times = outcome.stdout.matches(name).count();
            ensure!(times >= 1, "{}: {name} is missing in\n{}", list.command, outcome.stdout);
            ensure!(times == 1, "{}: {name} occurs {times} times in\n{}", list.command, outcome.stdout);
        }
    }
    Ok(())
}

#[test]
fn list_that_is_cut_at_another_row_each_time_is_an_error() -> Result<()> {
    for list in &LISTS {
        let (home, server) = (Home::new()?, Server::start(|heard, before| answer(list, heard, before + 1))?);
        let words: Vec<_> = list.command.split(' ').collect();
        let outcome = server.client(&home)?.args(words).limit(Duration::from_secs(60)).run()?;
        ensure!(outcome.code != 0, "{}: {outcome:?}", list.command);
        ensure!(outcome.stderr.contains("may be incomplete"), "{}: {}", list.command, outcome.stderr);
    }
    Ok(())
}

/// With `Content-Length` a cut list is a broken connection: a whole one need not be read twice.
#[test]
fn list_of_announced_length_is_read_once() -> Result<()> {
    let (home, server) = (
        Home::new()?,
        Server::start(|_, _| Answer::new(200, "Content-Type: application/x-json-stream\r\n", "{\"rse\": \"X\"}\n"))?,
    );
    let outcome = server.client(&home)?.args(["rse", "list"]).run()?;
    ended(&outcome, 0)?;
    ensure!(outcome.stdout == "X\n" && server.heard().len() == 1, "{:?}", server.heard());
    Ok(())
}
