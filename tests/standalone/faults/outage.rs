//! A server that goes away for a while in the middle of a command.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::fixtures::download::ended;
use crate::fixtures::{Answer, Home, ReceivedRequest, Server};
use crate::support::Outcome;

const ACCOUNT: &str = "GET /accounts/whoami";

/// Runs a command that first asks for the account, and then something else.
fn run(
    words: &[&str],
    answer: impl Fn(&ReceivedRequest, usize) -> Answer + Send + Sync + 'static,
) -> Result<(Outcome, Server)> {
    let server = Server::start(move |heard, before| match heard.request.as_str() {
        ACCOUNT => Answer::json(r#"{"account": "jdoe"}"#),
        _ => answer(heard, before),
    })?;
    let outcome = server.client(&Home::new()?)?.args(words).limit(Duration::from_secs(60)).run()?;
    Ok((outcome, server))
}

/// One that has answered before is waited for, with a message, beyond the attempts that all requests have.
#[test]
fn outage_in_the_middle_of_a_command_is_waited_for() -> Result<()> {
    for down in [Answer::new(503, "Retry-After: 0\r\n", ""), Answer::new(502, "", ""), Answer::raw(b"", b"")] {
        let (outcome, server) =
            run(&["list-dids", "--filter", "type=ALL"], move |heard, before| match heard.request.as_str() {
                "GET /accounts/jdoe/scopes/" if before < 4 => down.clone(),
                "GET /accounts/jdoe/scopes/" | "GET /scopes/" => Answer::json(r#"["user.jdoe"]"#),
                _ => Answer::new(200, "", ""),
            })?;
        ended(&outcome, 0)?;
        ensure!(outcome.stderr.contains("The server is unavailable, retrying in"), "{}", outcome.stderr);
        let asked = server.heard().iter().filter(|heard| heard.request.contains("/jdoe/scopes/")).count();
        ensure!(asked == 5, "{asked} requests");
    }
    Ok(())
}

/// A change may have been made although its answer is missing: it is not repeated.
#[test]
fn outage_during_a_change_is_an_error() -> Result<()> {
    let (outcome, server) = run(&["subscription", "update", "x", "{}", "[]", "", "1"], |heard, _| {
        let is_change = heard.request.starts_with("PUT ") || heard.request.starts_with("POST ");
        if is_change { Answer::new(503, "Retry-After: 0\r\n", "") } else { Answer::json("{}") }
    })?;
    ensure!(outcome.code != 0, "{outcome:?}");
    let changes = server.heard().iter().filter(|heard| !heard.request.starts_with("GET ")).count();
    ensure!(changes <= 3, "{changes} changes");
    Ok(())
}

/// A JSON document that ends in the middle comes from a killed process, and is requested again.
#[test]
fn answer_that_ends_in_the_middle_is_requested_again() -> Result<()> {
    let (outcome, server) = run(&["scope", "list", "--account", "jdoe"], |_, before| {
        if before == 0 { Answer::chunked(r#"["user.jdoe", "te"#) } else { Answer::json(r#"["user.jdoe", "test"]"#) }
    })?;
    ended(&outcome, 0)?;
    ensure!(outcome.stdout == "user.jdoe\ntest\n" && server.heard().len() == 2, "{outcome:?}");
    Ok(())
}
