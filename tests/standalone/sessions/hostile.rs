//! Servers that mean harm, or are none: nothing they send fills the memory, leads a token astray or stays in the cache.

use anyhow::{Result, ensure};

use crate::fixtures::http_server::HttpServer;
use crate::fixtures::{Answer, Home, ReceivedRequest, Server, USER};
use crate::support::{Outcome, Rucio};

/// The command prints all these texts and a hint, once, and exits with this code.
fn refused(outcome: &Outcome, code: i32, expected: &[&str]) -> Result<()> {
    ensure!(outcome.code == code && outcome.stdout.is_empty(), "{outcome:?}");
    ensure!(outcome.stderr.matches("\tERROR\t").count() == 1, "{}", outcome.stderr);
    for text in expected.iter().chain(&["Hint: "]) {
        ensure!(outcome.stderr.contains(text), "{text:?} is not said:\n{}", outcome.stderr);
    }
    Ok(())
}

/// A server that sends this head and then 10 GB of blanks.
fn torrent(head: &'static str) -> Result<HttpServer> {
    const MEGABYTE: usize = 1 << 20;
    let response = Answer::raw(head.as_bytes(), &vec![b' '; MEGABYTE]).repeated(10 * 1024);
    Ok(HttpServer::start(move |_, _| response.clone())?)
}

/// Runs a command of ours that may use 1 GB of addresses in all, of which its program and threads take a part.
fn in_little_memory(home: &Home, words: &[&str], login: &Server, host: &str) -> Result<Outcome> {
    let ours = Rucio::path();
    let limited = r#"ulimit -v 1048576 && exec "$@""#;
    login.client(home)?;
    let config = home.path().join("rucio.cfg").display().to_string();
    let client = Rucio::program("bash").home(home.path()).env("RUCIO_CONFIG", &config).env("LOGNAME", USER);
    client.args(["-c", limited, "bash", &ours, "-H", host]).args(words).run()
}

#[test]
fn hostile_response_of_ten_gigabytes_is_not_read() -> Result<()> {
    let login = Server::start(|_, _| Answer::silence())?;
    let json = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    let heads: [&'static str; 2] = [
        Box::leak(format!("{json}\r\n").into_boxed_str()),
        Box::leak(format!("{json}Content-Length: 10737418240\r\n\r\n").into_boxed_str()),
    ];
    for head in heads {
        let torrent = torrent(head)?;
        let host = torrent.url();
        // A value, a list that never gets to the end of its first line, a text, and a call whose response is not read.
        for (words, code) in [
            (&["whoami"][..], 1),
            (&["ping"], 1),
            (&["list-rses"], 1),
            (&["list-file-replicas", "--metalink", "test:one-DAVS.dat"], 1),
            (&["account", "add", "hostile77", "USER"], 1),
        ] {
            let home = Home::new()?;
            let outcome = in_little_memory(&home, words, &login, &host)?;
            refused(&outcome, code, &[&host, "of more than 64 MiB"])?;
        }
    }
    Ok(())
}

#[test]
fn hostile_error_of_ten_gigabytes_is_read_up_to_a_limit() -> Result<()> {
    let login = Server::start(|_, _| Answer::silence())?;
    let no_account =
        torrent("HTTP/1.1 404 Not Found\r\nExceptionClass: AccountNotFound\r\nExceptionMessage: no jdoe\r\n\r\n")?;
    let outcome = in_little_memory(&Home::new()?, &["whoami"], &login, &no_account.url())?;
    ensure!(outcome.code == 1 && outcome.stderr.contains("no jdoe"), "{outcome:?}");
    let broken = torrent("HTTP/1.1 500 Oops\r\n\r\n")?;
    let outcome = in_little_memory(&Home::new()?, &["whoami"], &login, &broken.url())?;
    ensure!(outcome.code == 1 && outcome.stderr.contains("http status code: 500"), "{outcome:?}");
    Ok(())
}

/// A login at a server that answers it like this; everything else is answered well.
fn log_in(answer: Answer) -> Result<(Home, Outcome, Server)> {
    log_in_by(answer, &["whoami"])
}

fn log_in_by(answer: Answer, words: &[&str]) -> Result<(Home, Outcome, Server)> {
    let home = Home::new()?;
    let server = Server::start(move |heard: &ReceivedRequest, _| match heard.request.as_str() {
        "GET /hostile/auth/userpass" => answer.clone(),
        _ => Answer::json(r#"{"account": "jdoe"}"#),
    })?;
    // Below another path, since the test's server handles /auth/ itself.
    let host = format!("{}/hostile", server.url());
    let outcome = server.client(&home)?.args(["--auth-host", &host]).args(words).run()?;
    Ok((home, outcome, server))
}

fn nothing_kept(home: &Home) -> Result<()> {
    ensure!(!home.token_file().exists());
    ensure!(!home.record_file().exists());
    Ok(())
}

#[test]
fn hostile_header_of_a_megabyte_is_refused_at_once() -> Result<()> {
    let big = format!("X-Big: {}\r\n", "a".repeat(1 << 20));
    let many: String = (0..50_000).map(|number| format!("X-{number}: some\r\n")).collect();
    for headers in [big, many] {
        let answer = Answer::new(200, &headers, r#"{"account": "jdoe"}"#);
        let server = Server::start(move |_, _| answer.clone())?;
        let outcome = server.client(&Home::new()?)?.args(["whoami"]).run()?;
        refused(&outcome, 1, &[server.url(), "head"])?;
        ensure!(server.heard().len() == 1, "asking again does not help: {}", server.heard().len());
        let (home, outcome, _) = log_in(Answer::new(200, &format!("X-Rucio-Auth-Token: t\r\n{headers}"), ""))?;
        refused(&outcome, 1, &["head"])?;
        nothing_kept(&home)?;
    }
    Ok(())
}

#[test]
fn hostile_token_is_refused_and_not_cached() -> Result<()> {
    let long = "a".repeat(40_000);
    for (token, expected) in [
        ("a\tb", "not a token"),
        ("a\u{1}b", "invalid HTTP header"),
        ("tök", "contains no token"),
        ("", "contains no token"),
        (&long, "40000 bytes that are not a token"),
    ] {
        let (home, outcome, server) = log_in(Answer::new(200, &format!("X-Rucio-Auth-Token: {token}\r\n"), ""))?;
        refused(&outcome, 1, &[expected, "auth_host"])?;
        nothing_kept(&home)?;
        ensure!(token.is_empty() || !outcome.stderr.contains(token), "{}", outcome.stderr);
        ensure!(server.heard().len() == 1, "nothing is asked with it: {:?}", server.heard());
    }
    Ok(())
}

#[test]
fn hostile_login_redirect_to_another_host_is_no_login() -> Result<()> {
    let elsewhere = Server::start(|_, _| Answer::json("{}"))?;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("Location: {}/auth/userpass\r\n", elsewhere.url());
        let (home, outcome, _) = log_in(Answer::new(status, &location, ""))?;
        let expected = format!("redirects to another host ({})", elsewhere.url());
        refused(&outcome, 1, &[&expected, "auth_host"])?;
        nothing_kept(&home)?;
    }
    ensure!(elsewhere.heard_in_all().is_empty(), "it was expected a password: {:?}", elsewhere.heard_in_all());
    Ok(())
}

#[test]
fn hostile_login_page_is_no_login() -> Result<()> {
    let page = "<html><title>Captive portal</title></html>";
    let html = "Content-Type: text/html\r\n";
    for (status, expected) in
        [(200, "contains no token"), (403, "http status code: 403"), (500, "http status code: 500")]
    {
        let (home, outcome, _) = log_in(Answer::new(status, html, page))?;
        ensure!(outcome.code == 1 && outcome.stderr.contains(expected), "{status}: {outcome:?}");
        let help = if status == 500 { "Hint: The server or a proxy in front of it" } else { "auth_host" };
        ensure!(outcome.stderr.contains(help), "{status}: {outcome:?}");
        nothing_kept(&home)?;
    }
    Ok(())
}

#[test]
fn hostile_page_is_no_response() -> Result<()> {
    let page = "<!DOCTYPE html>\n<html><title>Captive portal</title></html>";
    for (status, expected) in [(200, "Captive portal"), (403, "http status code: 403"), (404, "http status code: 404")]
    {
        let server = Server::start(move |_, _| Answer::new(status, "Content-Type: text/html\r\n", page))?;
        let outcome = server.client(&Home::new()?)?.args(["whoami"]).run()?;
        refused(&outcome, 1, &[expected, "This is a web page, not an answer of Rucio", "rucio_host"])?;
    }
    Ok(())
}

#[test]
fn hostile_error_that_breaks_off_is_still_that_error() -> Result<()> {
    let head = "HTTP/1.1 404 Not Found\r\nContent-Length: 900\r\nExceptionClass: AccountNotFound\r\n";
    let answer = format!("{head}ExceptionMessage: no jdoe\r\n\r\n{{\"ExceptionClass\": \"Acc");
    let server = Server::start(move |_, _| Answer::raw(answer.as_bytes(), b""))?;
    let outcome = server.client(&Home::new()?)?.args(["list-scopes"]).run()?;
    ensure!(outcome.code == 3 && outcome.stderr.contains("no jdoe"), "{outcome:?}");
    Ok(())
}

#[test]
fn hostile_login_that_breaks_off_leaves_nothing() -> Result<()> {
    for bytes in
        ["", "HTTP/1.1 200 OK\r\nX-Rucio-Auth-Tok", "HTTP/1.1 200 OK\r\nX-Rucio-Auth-Token: jdoe-jdoe-un", "\u{1}\u{2}"]
    {
        let (home, outcome, _) = log_in(Answer::raw(bytes.as_bytes(), b""))?;
        ensure!(outcome.code == 1 && outcome.stdout.is_empty(), "{bytes:?}: {outcome:?}");
        nothing_kept(&home)?;
    }
    Ok(())
}

#[test]
fn hostile_log_has_neither_password_nor_token() -> Result<()> {
    let refusal = r#"{"ExceptionClass": "CannotAuthenticate", "ExceptionMessage": "no"}"#;
    let answers = [
        Answer::new(200, "X-Rucio-Auth-Token: jdoe-jdoe-unknown-hidden\r\n", ""),
        Answer::new(401, "", refusal),
        Answer::new(200, "X-Rucio-Auth-Token: jdoe-hidden\tb\r\n", ""),
    ];
    for answer in answers {
        let (_, outcome, _) = log_in_by(answer, &["-v", "--password", "pass-hidden", "whoami"])?;
        ensure!(!outcome.stderr.contains("-hidden") && !outcome.stdout.contains("-hidden"), "{outcome:?}");
        ensure!(outcome.stderr.contains("auth/userpass"), "the log is a long one: {outcome:?}");
    }
    Ok(())
}
