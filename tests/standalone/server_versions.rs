//! Servers of other Rucio releases, which lack calls that this client makes. What they have is requested instead; else the
//! hint names the version. `tests/run --server VERSION` runs the tests with a real one.

use anyhow::{Result, ensure};

use super::expect;
use crate::fixtures::{Answer, Home, ReceivedRequest, Server};
use crate::support::Outcome;

/// The page with which the server's framework refuses a path, or a method.
fn page(status: u16) -> Answer {
    let title = if status == 404 { "404 Not Found" } else { "405 Method Not Allowed" };
    let body = format!("<!doctype html>\n<html lang=en>\n<title>{title}</title>\n<h1>{title}</h1>\n<p>No.</p>\n");
    Answer::new(status, "Content-Type: text/html; charset=utf-8\r\n", &body)
}

/// Runs a command against a server of this version that answers like this, and else does not know the call.
fn run(
    version: &'static str,
    words: &[&str],
    answer: impl Fn(&ReceivedRequest) -> Option<Answer> + Send + Sync + 'static,
) -> Result<(Outcome, Server)> {
    let server = Server::start(move |heard, _| match heard.request.as_str() {
        "GET /ping" => Answer::json(&format!(r#"{{"version": "{version}"}}"#)),
        _ => answer(heard).unwrap_or_else(|| page(404)),
    })?;
    let outcome = server.client(&Home::new()?)?.args(words).run()?;
    Ok((outcome, server))
}

#[test]
fn old_server_lists_the_names_of_scopes() -> Result<()> {
    for words in [vec!["scope", "list"], vec!["scope", "list", "--csv"], vec!["list-scopes"]] {
        let (outcome, _) = run("39.4.2", &words, |heard| {
            (heard.request == "GET /scopes/").then(|| Answer::json(r#"["mock", "user.jdoe"]"#))
        })?;
        expect(&outcome, 0)?;
        ensure!(outcome.stdout == "mock\nuser.jdoe\n" && outcome.messages().is_empty(), "{words:?}: {outcome:?}");
    }
    Ok(())
}

#[test]
fn old_server_gets_limits_by_its_own_path() -> Result<()> {
    let set = ["account", "limit", "set", "kim", "--rse", "X", "--bytes", "5"];
    let unset = ["account", "limit", "unset", "kim", "--rse", "X", "--locality", "global"];
    for (words, request, body) in [
        (&set[..], "POST /accountlimits/local/kim/X", r#"{"bytes":5}"#),
        (&unset[..], "DELETE /accountlimits/global/kim/X", ""),
    ] {
        let (outcome, server) = run("39.4.2", words, move |heard| {
            let is_new = heard.request.contains("/accounts/kim/limits/");
            (is_new || heard.request == request).then(|| if is_new { page(405) } else { Answer::new(200, "", "") })
        })?;
        expect(&outcome, 0)?;
        let heard = server.heard();
        let last =
            heard.last().map(|heard| (heard.request.as_str(), String::from_utf8_lossy(&heard.body).into_owned()));
        ensure!(last == Some((request, body.to_owned())), "{heard:?}");
    }
    Ok(())
}

#[test]
fn old_server_lists_the_accounts_of_an_identity() -> Result<()> {
    let (outcome, _) = run("38.6.4", &["whoami", "--linked-identities"], |heard| {
        Some(match heard.request.as_str() {
            "GET /accounts/whoami" => Answer::json(r#"{"account": "jdoe"}"#),
            "GET /auth/validate" => Answer::new(200, "", "{'account': 'jdoe', 'identity': 'john', 'lifetime': None}"),
            "GET /identities/john/USERPASS/accounts" => Answer::json(r#"["jdoe", "prod"]"#),
            "GET /accounts/jdoe/identities" => {
                Answer::new(200, "", "{\"identity\": \"john\", \"type\": \"USERPASS\"}\n")
            }
            _ => return None,
        })
    })?;
    expect(&outcome, 0)?;
    ensure!(outcome.stdout.contains("may act as : prod"), "{}", outcome.stdout);
    Ok(())
}

#[test]
fn old_server_that_lacks_a_call_is_named_with_the_version_needed() -> Result<()> {
    for (words, needed) in [
        (["opendata", "did", "list"].as_slice(), "this needs Rucio 38 or newer"),
        (&["scope", "update", "--account", "kim", "test"], "this needs Rucio 40 or newer"),
        (&["rse", "list"], "it does not know this call"),
    ] {
        let (outcome, _) = run("37.7.1", words, |_| None)?;
        ensure!(outcome.code == 1, "{words:?}: {outcome:?}");
        let hint = format!("The server runs Rucio 37.7.1; {needed}.");
        ensure!(outcome.stderr.contains(&hint), "{words:?}: {}", outcome.stderr);
        ensure!(!outcome.stderr.contains("web page"), "{words:?}: {}", outcome.stderr);
    }
    Ok(())
}

/// Such a page need not come from a Rucio server: another program of this framework has no `ping`.
#[test]
fn page_of_another_server_is_not_taken_for_an_old_one() -> Result<()> {
    let server = Server::start(|_, _| page(404))?;
    let outcome = server.client(&Home::new()?)?.args(["rse", "list"]).run()?;
    ensure!(outcome.code == 1 && outcome.stderr.contains("This is a web page"), "{outcome:?}");
    Ok(())
}

/// The names that these commands had before Rucio 41.
#[test]
fn old_names_of_commands_mean_the_new_ones() -> Result<()> {
    for (old, new) in [
        ("account attribute add kim --key k --value v", "account attribute set kim --key k --value v"),
        ("account attribute remove kim --key k", "account attribute unset kim --key k"),
        ("account limit add kim --rse X --bytes 5", "account limit set kim --rse X --bytes 5"),
        ("account limit remove kim --rse X", "account limit unset kim --rse X"),
        ("config add --section s --key k --value v", "config set --section s --key k --value v"),
        ("config update --section s --key k --value v", "config set --section s --key k --value v"),
        ("config remove --section s --key k", "config unset --section s --key k"),
        ("did metadata add s:n --key k --value v", "did metadata set s:n --key k --value v"),
        ("did metadata remove s:n --key k", "did metadata unset s:n --key k"),
        ("rse attribute add X --key k --value v", "rse attribute set X --key k --value v"),
        ("rse attribute remove X --attribute k", "rse attribute unset X --attribute k"),
        ("rse distance add X Y --distance 2", "rse distance set X Y --distance 2"),
        ("rse distance update X Y --distance 2", "rse distance set X Y --distance 2"),
        ("rse distance remove X Y", "rse distance unset X Y"),
        ("rse limit add X --limit free 5", "rse limit set X --limit free 5"),
        ("rse limit remove X --limit free", "rse limit unset X --limit free"),
        (
            "rse protocol add X --host-name h --scheme srm --prefix /p --space-token T --web-service-path /s",
            r#"rse protocol add X --hostname h --scheme srm --prefix /p --extended-attributes-json {"space_token":"T","web_service_path":"/s"}"#,
        ),
        ("rse protocol remove X --host h --scheme srm", "rse protocol remove X --hostname h --scheme srm"),
    ] {
        let requests = |words: &str| -> Result<Vec<(String, Vec<u8>)>> {
            let answer = |_: &ReceivedRequest| Some(Answer::json(r#"{"k": "v", "free": 1}"#));
            let (outcome, server) = run("41.5.1", &words.split(' ').collect::<Vec<_>>(), answer)?;
            ensure!(!outcome.stderr.contains("unrecognized"), "{words}: {outcome:?}");
            Ok(server.heard().into_iter().map(|heard| (heard.request, heard.body)).collect())
        };
        let (old_requests, new_requests) = (requests(old)?, requests(new)?);
        ensure!(!new_requests.is_empty() && old_requests == new_requests, "{old}: {old_requests:?} {new_requests:?}");
    }
    Ok(())
}
