//! `rucio status`: account, session, rules and quota on one screen.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::expect;
use crate::fixtures::{Answer, Home, Server};

/// A rule as the server lists it.
fn rule(id: &str, state: &str, error: Value) -> String {
    json!({"id": id, "account": "jdoe", "scope": "user.jdoe", "name": format!("data-{id}"), "state": state,
           "locks_ok_cnt": 1, "locks_replicating_cnt": 0, "locks_stuck_cnt": 1, "rse_expression": "tier=1", "copies": 1,
           "bytes": 1_000_000, "expires_at": null, "created_at": null, "error": error})
    .to_string()
}

fn usage(key: &str, name: &str, [used, limit, left]: [Value; 3]) -> String {
    json!({key: name, "bytes": used, "bytes_limit": limit, "bytes_remaining": left}).to_string()
}

fn server(rules: Vec<String>) -> Result<Server> {
    Server::start(move |heard, _| match heard.request.as_str() {
        "GET /accounts/whoami" => Answer::json(r#"{"account": "jdoe"}"#),
        "GET /auth/validate" => {
            Answer::json(r#"{"account": "jdoe", "identity": "ddmlab", "lifetime": "2099-01-01T00:00:00Z"}"#)
        }
        "GET /accounts/jdoe/rules" => Answer::chunked(&rules.join("\n")),
        "GET /accounts/jdoe/usage/local" => {
            let free = usage("rse", "FREE", [json!(7), json!("inf"), json!("inf")]);
            let full = usage("rse", "FULL", [json!(3_000_000_000_u64), json!(2_000_000_000), json!(-1_000_000_000)]);
            Answer::chunked(&[free, full].join("\n"))
        }
        "GET /accounts/jdoe/usage/global" => {
            Answer::chunked(&usage("rse_expression", "tier=2", [json!(0), json!(5_000_000), json!(5_000_000)]))
        }
        _ => Answer::new(404, "", ""),
    })
}

#[test]
fn status_shows_everything_on_one_screen() -> Result<()> {
    let mut rules: Vec<_> = (1..=5).map(|n| rule(&format!("stuck{n}"), "STUCK", json!("no space left"))).collect();
    rules.extend([rule("good", "OK", Value::Null), rule("held", "SUSPENDED", Value::Null)]);
    let (server, home) = (server(rules)?, Home::new()?);
    let outcome = server.client(&home)?.args(["status"]).run()?;
    expect(&outcome, 0)?;
    let text = &outcome.stdout;
    for part in [
        "Account  jdoe, logged in as ddmlab (userpass)\n",
        " h left (until 2099-01-01 00:00:00 UTC)\n",
        "Rules    1 OK (1.000 MB), 5 STUCK (5.000 MB), 1 SUSPENDED (1.000 MB)\n",
        "  user.jdoe:data-stuck1 -> tier=1\n    stuck1 STUCK: no space left\n",
        "  and 3 more: rucio rule list --account jdoe\n  To see why: rucio rule show --examine stuck1\n",
        "FULL    3.000 GB  2.000 GB  0.000 B\n",
    ] {
        ensure!(text.contains(part), "no {part:?} in\n{text}");
    }
    let order = ["FULL", "tier=2", "FREE"].map(|name| text.find(name));
    ensure!(order.is_sorted() && order[0].is_some(), "{order:?}\n{text}");
    ensure!(text.lines().count() <= 23 && text.lines().all(|line| line.chars().count() <= 80), "{text}");
    Ok(())
}

#[test]
fn status_has_all_rules_and_limits_as_a_record() -> Result<()> {
    let rules = (1..=9).map(|n| rule(&format!("stuck{n}"), "STUCK", Value::Null)).collect();
    let (server, home) = (server(rules)?, Home::new()?);
    let outcome = server.client(&home)?.args(["status", "-o", "json"]).run()?;
    expect(&outcome, 0)?;
    let record: Value = serde_json::from_str(&outcome.stdout)?;
    ensure!(record["account"] == "jdoe" && record["expires_at"] == "2099-01-01T00:00:00Z", "{record}");
    ensure!(record["rules"] == json!({"STUCK": {"count": 9, "bytes": 9_000_000.0}}), "{record}");
    ensure!(record["stuck_rules"].as_array().map(Vec::len) == Some(9), "{record}");
    ensure!(record["stuck_rules"][0]["rse_expression"] == "tier=1", "{record}");
    ensure!(record["quotas"][0]["rse_expression"] == "FULL" && record["quotas"][0]["locality"] == "local", "{record}");
    Ok(())
}

#[test]
fn status_of_a_new_account_has_neither_rules_nor_quota() -> Result<()> {
    let server = Server::start(|heard, _| match heard.request.as_str() {
        "GET /accounts/whoami" => Answer::json(r#"{"account": "new"}"#),
        "GET /auth/validate" => Answer::json(r#"{"account": "new"}"#),
        "GET /accounts/new/rules" | "GET /accounts/new/usage/local" | "GET /accounts/new/usage/global" => {
            Answer::new(200, "Content-Type: application/x-json-stream\r\n", "")
        }
        _ => Answer::new(404, "", ""),
    })?;
    let home = Home::new()?;
    let outcome = server.client(&home)?.args(["status"]).run()?;
    expect(&outcome, 0)?;
    let expected =
        format!("Account  new (userpass)\nServer   {}\nSession  valid\nRules    none\nQuota    none\n", server.url());
    ensure!(outcome.stdout == expected, "{}", outcome.stdout);
    Ok(())
}
