//! Faults of a server: simulated, as the real one cannot produce them.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::fixtures::{Answer, Home, PROMPT, ReceivedRequest, Server};
use crate::support::Outcome;

const ME: &str = r#"{"account": "jdoe"}"#;

/// Runs a command against a server that answers like this.
fn run(
    arguments: &[&str],
    answer: impl Fn(&ReceivedRequest, usize) -> Answer + Send + Sync + 'static,
) -> Result<(Outcome, Server)> {
    let server = Server::start(answer)?;
    let outcome = server.client(&Home::new()?)?.args(arguments).limit(Duration::from_secs(30)).run()?;
    Ok((outcome, server))
}

/// The seconds of the waits that are logged with this reason.
fn waits(outcome: &Outcome, reason: &str) -> Vec<f64> {
    let lines = outcome.stderr.lines().filter_map(|line| line.split_once("WARNING\tWaiting "));
    let waits =
        lines.filter_map(|(_, rest)| rest.split_once("s due to reason: ")).filter(|(_, found)| *found == reason);
    waits.filter_map(|(seconds, _)| seconds.parse().ok()).collect()
}

fn busy(headers: &str) -> Answer {
    Answer::new(503, headers, "")
}

#[test]
fn server_that_recovers_is_asked_again() -> Result<()> {
    for status in [502, 503, 504, 429] {
        let (outcome, server) = run(&["whoami"], move |_, before| match before {
            0 | 1 => Answer::new(status, "", ""),
            _ => Answer::json(ME),
        })?;
        ensure!(outcome.code == 0 && outcome.stdout == "account    : jdoe\n", "{status}: {outcome:?}");
        ensure!(server.heard().len() == 3, "{status}");
        let waits = waits(&outcome, &format!("server returned {status} "));
        let [first, second] = waits[..] else { anyhow::bail!("{status}: {waits:?} in {}", outcome.stderr) };
        ensure!((0.12..=0.25).contains(&first) && (0.25..=0.5).contains(&second), "{status}: {waits:?}");
        ensure!(outcome.took.as_secs_f64() >= first + second - 0.01, "{status}: {:?}", outcome.took);
    }
    Ok(())
}

#[test]
fn server_retry_after_is_respected() -> Result<()> {
    let (outcome, server) = run(&["whoami"], |_, before| match before {
        0 => busy("Retry-After: 1\r\n"),
        _ => Answer::json(ME),
    })?;
    ensure!(outcome.code == 0 && server.heard().len() == 2, "{outcome:?}");
    let waits = waits(&outcome, "server returned 503 ");
    ensure!(waits.len() == 1 && (1.0..=1.5).contains(&waits[0]), "{waits:?} in {outcome:?}");
    ensure!(outcome.took >= Duration::from_secs(1), "{outcome:?}");
    Ok(())
}

#[test]
fn server_that_says_when_to_come_back_is_asked_until_it_answers() -> Result<()> {
    let server = Server::start(|_, before| match before {
        0 | 1 => busy("Retry-After: 1\r\n"),
        _ => Answer::json(ME),
    })?;
    let home = Home::new()?;
    let client = server.client_with(&home, "request_retries = 1")?;
    let outcome = client.args(["whoami"]).limit(Duration::from_secs(30)).run()?;
    ensure!(outcome.code == 0 && outcome.stdout == "account    : jdoe\n", "{outcome:?}");
    ensure!(server.heard().len() == 3 && outcome.took >= Duration::from_secs(2), "{outcome:?}");
    Ok(())
}

#[test]
fn server_is_asked_three_times_and_no_more() -> Result<()> {
    let (outcome, server) = run(&["whoami"], |_, _| busy("Retry-After: 0\r\n"))?;
    ensure!(outcome.code == 1 && outcome.stdout.is_empty() && outcome.stderr.contains("503"), "{outcome:?}");
    ensure!(server.heard().len() == 3);
    Ok(())
}

/// `[client] request_retries` is the number of attempts, as officially.
#[test]
fn request_retries_sets_the_number_of_attempts() -> Result<()> {
    for (value, attempts) in [("1", 1), ("2", 2), ("5", 5), ("0", 1)] {
        let (server, home) = (Server::start(|_, _| busy("Retry-After: 0\r\n"))?, Home::new()?);
        let client = server.client_with(&home, &format!("request_retries = {value}"))?;
        let outcome = client.args(["whoami"]).limit(Duration::from_secs(30)).run()?;
        ensure!(outcome.code == 1, "{value}: {outcome:?}");
        ensure!(server.heard().len() == attempts, "{value}: {} attempts", server.heard().len());
    }
    Ok(())
}

#[test]
fn server_error_is_not_retried() -> Result<()> {
    let body = r#"{"ExceptionClass": "DatabaseException", "ExceptionMessage": "the disk is full"}"#;
    let (outcome, server) = run(&["list-scopes"], |_, _| Answer::new(500, "", body))?;
    ensure!(outcome.code == 10 && outcome.stderr.contains("the disk is full"), "{outcome:?}");
    ensure!(server.heard().len() == 1);
    let (outcome, server) = run(&["whoami"], |_, _| Answer::new(500, "", ""))?;
    ensure!(outcome.code == 1 && outcome.stderr.contains("http status code: 500"), "{outcome:?}");
    ensure!(server.heard().len() == 1);
    Ok(())
}

#[test]
fn server_connection_that_breaks_is_opened_again() -> Result<()> {
    let (outcome, server) = run(&["whoami"], |_, before| match before {
        0 => Answer::raw(b"", b""),
        _ => Answer::json(ME),
    })?;
    ensure!(outcome.code == 0 && server.heard().len() == 2, "{outcome:?}");
    let (outcome, server) = run(&["list-scopes"], |_, _| Answer::raw(b"HTTP/1.1 200", b""))?;
    ensure!(outcome.code == 78 && outcome.stdout.is_empty() && server.heard().len() == 3, "{outcome:?}");
    Ok(())
}

#[test]
fn server_receives_changes_only_once() -> Result<()> {
    for fault in [busy("Retry-After: 0\r\n"), Answer::raw(b"", b"")] {
        let (outcome, server) = run(&["add-dataset", "user.jdoe:once"], move |_, _| fault.clone())?;
        ensure!(outcome.code != 0, "{outcome:?}");
        let posts: Vec<_> = server.heard().into_iter().filter(|heard| heard.request.starts_with("POST ")).collect();
        ensure!(posts.len() == 1, "{posts:?}");
    }
    Ok(())
}

#[test]
fn token_does_not_follow_a_redirect_to_another_host() -> Result<()> {
    let elsewhere = Server::start(|_, _| Answer::json(ME))?;
    let location = format!("Location: {}/accounts/whoami\r\n", elsewhere.url());
    for status in [301, 302, 303, 307, 308] {
        let location = location.clone();
        let (outcome, server) = run(&["whoami"], move |_, _| Answer::new(status, &location, ""))?;
        ensure!(outcome.code == 1 && outcome.stderr.contains("redirects to another host"), "{status}: {outcome:?}");
        ensure!(server.heard().len() == 1, "{status}");
    }
    ensure!(elsewhere.heard_in_all().is_empty(), "{:?}", elsewhere.heard_in_all());
    Ok(())
}

#[test]
fn redirect_on_the_same_host_is_followed() -> Result<()> {
    let (outcome, server) = run(&["whoami"], |heard, _| match heard.request.as_str() {
        "GET /accounts/whoami" => Answer::new(302, "Location: /moved\r\n", ""),
        _ => Answer::json(ME),
    })?;
    ensure!(outcome.code == 0, "{outcome:?}");
    ensure!(server.wait_for("GET /moved")?.header("x-rucio-auth-token").is_some());
    Ok(())
}

#[test]
fn server_page_instead_of_a_response_is_shown_as_such() -> Result<()> {
    let page = "<html><title>Captive portal</title></html>";
    for command in ["whoami", "list-rses"] {
        let (outcome, _) = run(&[command], move |_, _| Answer::new(200, "Content-Type: text/html\r\n", page))?;
        ensure!(outcome.code == 1 && outcome.stdout.is_empty(), "{command}: {outcome:?}");
        ensure!(outcome.stderr.contains("Captive portal"), "{command}: {outcome:?}");
    }
    Ok(())
}

#[test]
fn login_page_without_a_token_is_no_login() -> Result<()> {
    let (home, portal) = (Home::new()?, Server::start(|_, _| Answer::json("{}"))?);
    // Everything but /auth/ is the test's to answer, so the login is sent below another path.
    let host = format!("{}/portal", portal.url());
    let outcome = portal.client(&home)?.args(["--auth-host", &host, "whoami"]).run()?;
    ensure!(outcome.code == 1 && outcome.stderr.contains("contains no token"), "{outcome:?}");
    ensure!(!home.token_file().exists());
    Ok(())
}

/// `{"scope": "s", "name": "n<number>", ...}`, a line each.
fn rows(count: usize) -> String {
    let row = |number| format!("{{\"scope\": \"s\", \"name\": \"n{number}\", \"did_type\": \"DATASET\"}}\n");
    (0..count).map(row).collect()
}

/// The searched scope exists; the search is answered like this.
fn search(answer: Answer) -> impl Fn(&ReceivedRequest, usize) -> Answer + Send + Sync + 'static {
    move |heard, _| match heard.request.as_str() {
        "GET /scopes/" => Answer::json(r#"["s"]"#),
        _ => answer.clone(),
    }
}

#[test]
fn list_that_breaks_off_is_an_error() -> Result<()> {
    let whole = rows(3);
    for (lines, arguments) in [
        (whole.as_str(), vec!["list-dids", "s:*"]),
        (whole.as_str(), vec!["list-dids", "--short", "s:*"]),
        (&whole[..whole.len() - 20], vec!["list-dids", "s:*"]),
    ] {
        let (outcome, _) = run(&arguments, search(Answer::cut(lines)))?;
        ensure!(outcome.code != 0 && outcome.stderr.contains("\tERROR\t"), "{outcome:?}");
        ensure!(
            !outcome.stdout.contains("n0") || arguments.contains(&"--short"),
            "no table of half the rows: {outcome:?}"
        );
    }
    // A list without length or chunks ends with the connection, so only half a line shows that it is not whole.
    let half = format!("HTTP/1.1 200 OK\r\n\r\n{}", &whole[..whole.len() - 20]);
    let (outcome, _) = run(&["list-dids", "s:*"], search(Answer::raw(half.as_bytes(), b"")))?;
    ensure!(outcome.code != 0 && outcome.stdout.is_empty(), "{outcome:?}");
    Ok(())
}

#[test]
fn body_shorter_than_announced_is_an_error() -> Result<()> {
    let short = "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"account\": \"jdoe\"}";
    let (outcome, _) = run(&["whoami"], move |_, _| Answer::raw(short.as_bytes(), b""))?;
    ensure!(outcome.code == 1 && outcome.stdout.is_empty(), "{outcome:?}");
    Ok(())
}

#[test]
fn line_of_five_megabytes_is_read() -> Result<()> {
    let name = "n".repeat(5 << 20);
    let line = format!("{{\"scope\": \"s\", \"name\": \"{name}\", \"did_type\": \"DATASET\"}}\n{}", rows(1));
    let (outcome, _) = run(&["list-dids", "--short", "s:*"], search(Answer::new(200, "", &line)))?;
    ensure!(outcome.code == 0, "{}: {}", outcome.code, outcome.stderr);
    ensure!(outcome.stdout == format!("s:{name}\ns:n0\n"), "{} bytes", outcome.stdout.len());
    Ok(())
}

#[test]
fn server_that_is_silent_times_out() -> Result<()> {
    let (outcome, server) = run(&["--timeout", "0.3", "whoami"], |_, _| Answer::silence())?;
    ensure!(outcome.code == 1 && outcome.stderr.contains("did not answer in time"), "{outcome:?}");
    ensure!(server.heard().len() == 3 && outcome.took < PROMPT, "{outcome:?}");
    let list = format!("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{}", rows(2));
    let stuck = Server::start(search(Answer::raw(list.as_bytes(), b"")))?;
    let outcome = stuck.client(&Home::new()?)?.args(["--timeout", "0.3", "list-dids", "s:*"]).run()?;
    ensure!(outcome.code != 0 && outcome.took < PROMPT, "{outcome:?}");
    Ok(())
}

/// The server answers 401 also where the token is good and the account may not: no reason to log in again.
#[test]
fn permission_denied_causes_no_second_login() -> Result<()> {
    let refusal = r#"{"ExceptionClass": "AccessDenied", "ExceptionMessage": "jdoe can not"}"#;
    let server = Server::start(move |_, _| Answer::new(401, "ExceptionClass: AccessDenied\r\n", refusal))?;
    let outcome = server.client(&Home::new()?)?.args(["rse", "list"]).run()?;
    ensure!(outcome.code == 2 && outcome.stderr.contains("jdoe can not"), "{outcome:?}");
    let asked: Vec<_> = server.heard_in_all().into_iter().map(|heard| heard.request).collect();
    ensure!(asked == ["GET /auth/userpass", "GET /rses/"], "{asked:?}");
    Ok(())
}
