//! `--columns`, `--sort` and `--limit` of lists.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::expect;
use crate::fixtures::{Answer, Home, Server};
use crate::support::Outcome;

fn server() -> Result<Server> {
    let rule = |id: &str, bytes: u64, state: &str| {
        json!({"id": id, "account": "jdoe", "scope": "s", "name": "n", "state": state, "locks_ok_cnt": 1,
               "locks_replicating_cnt": 0, "locks_stuck_cnt": 0, "rse_expression": "X", "copies": 1, "bytes": bytes,
               "expires_at": null, "created_at": null})
        .to_string()
    };
    let rules = [rule("a", 9, "OK"), rule("b", 1000, "STUCK"), rule("c", 10, "OK")].join("\n");
    Server::start(move |heard, _| match heard.request.as_str() {
        "GET /accounts/jdoe/rules" => Answer::chunked(&rules),
        "GET /accounts/new/rules" => Answer::new(200, "Content-Type: application/x-json-stream\r\n", ""),
        "GET /accounts/jdoe/usage/local" => {
            let row = |rse: &str, left: u64| json!({"rse": rse, "bytes": 1, "bytes_limit": left + 1, "bytes_remaining": left});
            Answer::chunked(&[row("P", 5).to_string(), row("Q", 3).to_string()].join("\n"))
        }
        "GET /accounts/jdoe/usage/global" => Answer::new(200, "Content-Type: application/x-json-stream\r\n", ""),
        _ => Answer::new(404, "", ""),
    })
}

fn run(words: &[&str]) -> Result<Outcome> {
    let home = Home::new()?;
    server()?.client(&home)?.args(words).run()
}

fn of_rules(words: &[&str]) -> Result<Outcome> {
    run(&[&["rule", "list", "--account", "jdoe"], words].concat())
}

#[test]
fn list_columns_are_shown_in_every_format() -> Result<()> {
    for (format, expected) in [
        (
            "table",
            "ID      BYTES  STATE\n----  -------  -------\na           9  OK\nb        1000  STUCK\nc          10  OK\n",
        ),
        ("csv", "id,bytes,state\na,9,OK\nb,1000,STUCK\nc,10,OK\n"),
        ("tsv", "id\tbytes\tstate\na\t9\tOK\nb\t1000\tSTUCK\nc\t10\tOK\n"),
        (
            "json",
            "[\n{\"id\":\"a\",\"bytes\":9,\"state\":\"OK\"},\n{\"id\":\"b\",\"bytes\":1000,\"state\":\"STUCK\"},\n\
             {\"id\":\"c\",\"bytes\":10,\"state\":\"OK\"}\n]\n",
        ),
    ] {
        let outcome = of_rules(&["--columns", "id,bytes,state", "-o", format])?;
        expect(&outcome, 0)?;
        ensure!(outcome.stdout == expected, "{format}:\n{}", outcome.stdout);
    }
    let empty = run(&["rule", "list", "--account", "new", "--columns", "state,id", "-o", "csv"])?;
    ensure!(empty.stdout == "state,id\n", "{}", empty.stdout);
    Ok(())
}

#[test]
fn list_is_sorted_and_limited_with_its_own_table() -> Result<()> {
    let (plain, sorted) = (of_rules(&[])?, of_rules(&["--sort", "-bytes", "--limit", "2"])?);
    expect(&sorted, 0)?;
    let lines: Vec<_> = sorted.stdout.lines().collect();
    let plain: Vec<_> = plain.stdout.lines().collect();
    ensure!(lines.len() == 4 && lines[0] == plain[0], "{}", sorted.stdout);
    ensure!(lines[2].starts_with("b ") && lines[3].starts_with("c "), "{}", sorted.stdout);
    ensure!(sorted.stderr.contains("2 of 3 rows are shown."), "{}", sorted.stderr);
    let names = of_rules(&["--sort=state,-id", "-o", "name"])?;
    ensure!(names.stdout == "c\na\nb\n", "{}", names.stdout);
    let first = of_rules(&["--limit", "1", "-o", "jsonl"])?;
    ensure!(first.stdout.lines().count() == 1 && first.stdout.contains(r#""id":"a""#), "{}", first.stdout);
    Ok(())
}

/// A table that a command draws itself is replaced by one of the records.
#[test]
fn list_options_apply_to_tables_that_are_no_lists() -> Result<()> {
    let outcome =
        run(&["account", "limit", "list", "jdoe", "--sort", "bytes_remaining", "--columns", "rse_expression"])?;
    expect(&outcome, 0)?;
    ensure!(outcome.stdout == "RSE_EXPRESSION\n----------------\nQ\nP\n", "{}", outcome.stdout);
    Ok(())
}

#[test]
fn list_options_that_mean_nothing_are_errors() -> Result<()> {
    let unknown = of_rules(&["--columns", "id,size"])?;
    ensure!(unknown.code == 1 && unknown.stdout.is_empty(), "{unknown:?}");
    for part in ["--columns: there is no field \"size\"", "The fields are id, account"] {
        ensure!(unknown.stderr.contains(part), "no {part:?} in {}", unknown.stderr);
    }
    for words in [&["--sort", "sise"][..], &["--columns", ""], &["--columns", "id", "-o", "name"], &["--limit", "-1"]] {
        let outcome = of_rules(words)?;
        ensure!(outcome.code != 0 && outcome.stdout.is_empty(), "{words:?}: {outcome:?}");
    }
    // Only lists have them.
    let outcome = run(&["rule", "show", "--limit", "1", "a"])?;
    ensure!(outcome.code != 0 && outcome.stderr.contains("--limit"), "{outcome:?}");
    Ok(())
}
