//! Durations: every option that takes seconds accepts them.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::expect;
use crate::fixtures::{Answer, Home, Server};
use crate::support::Rucio;

#[test]
fn durations_are_sent_as_seconds() -> Result<()> {
    let server = Server::start(|heard, _| match heard.request.as_str() {
        "POST /rules/" => Answer::new(201, "Content-Type: application/json\r\n", r#"["one"]"#),
        "PUT /rules/one" => Answer::json("{}"),
        _ => Answer::new(201, "", "Created"),
    })?;
    let home = Home::new()?;
    let cases: [(&[&str], &str, Value); 6] = [
        (&["rule", "add", "--copies", "1", "--rses", "X", "--lifetime", "14d", "s:n"], "lifetime", json!(1_209_600)),
        (
            &["rule", "add", "--copies", "1", "--rses", "X", "--delay-injection", "90m", "s:n"],
            "delay_injection",
            json!(5400),
        ),
        (&["add-rule", "--lifetime", "2w", "s:n", "1", "X"], "lifetime", json!(1_209_600)),
        (&["rule", "update", "--lifetime", "1h30m", "one"], "lifetime", json!(5400)),
        (&["did", "add", "--lifetime", "2h", "s:n"], "lifetime", json!(7200)),
        (&["add-container", "--lifetime", "-5", "s:n"], "lifetime", json!(-5)),
    ];
    for (words, field, expected) in cases {
        expect(&server.client(&home)?.args(words).run()?, 0)?;
        let heard = server.heard();
        let body = heard.last().map(|request| request.body.clone()).unwrap_or_default();
        let body: Value = serde_json::from_slice(&body)?;
        let body = body.get("options").unwrap_or(&body);
        ensure!(body[field] == expected, "{words:?}: {body}");
    }
    Ok(())
}

#[test]
fn durations_that_are_none_are_named() -> Result<()> {
    for words in [
        &["rule", "add", "--copies", "1", "--rses", "X", "--lifetime", "soon", "s:n"][..],
        &["did", "add", "--lifetime", "soon", "s:n"],
        &["upload", "--rse", "X", "--transfer-timeout", "soon", "f"],
        &["download", "--transfer-timeout", "soon", "s:n"],
        &["--timeout", "soon", "whoami"],
        &["token", "--min-life", "soon"],
        &[
            "credential",
            "sign-url",
            "--rse",
            "X",
            "--service",
            "s3",
            "--operation",
            "read",
            "--lifetime",
            "soon",
            "https://x",
        ],
        &["replica", "state", "update", "unavailable", "--reason", "r", "--duration", "soon", "s:n"],
    ] {
        let outcome = Rucio::ours().args(words).run()?;
        ensure!(outcome.code != 0 && outcome.stdout.is_empty(), "{words:?}: {outcome:?}");
        ensure!(outcome.stderr.contains("soon") && outcome.stderr.contains("14d"), "{words:?}: {}", outcome.stderr);
    }
    Ok(())
}
