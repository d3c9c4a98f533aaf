//! Faults of a server: simulated, as the real one cannot produce them.

use std::fs;
use std::io::{self, Read};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::fixtures::{Answer, Home, Pty, ReceivedRequest, Server};
use crate::support::Outcome;

fn run(
    words: &[&str],
    answer: impl Fn(&ReceivedRequest, usize) -> Answer + Send + Sync + 'static,
) -> Result<(Outcome, Server)> {
    let server = Server::start(answer)?;
    let home = Home::new()?;
    let client = server.client(&home)?.args(["api"]).args(words);
    Ok((client.limit(Duration::from_secs(30)).run()?, server))
}

fn configuration(home: &Home, url: &str) -> Result<String> {
    let hosts = format!("rucio_host = {url}\nauth_host = {url}");
    home.config(&format!("{hosts}\nauth_type = userpass\nusername = jdoe\npassword = secret\naccount = jdoe"))
}

#[test]
fn api_retries_only_harmless_calls() -> Result<()> {
    for (method, tries) in [("GET", 3), ("HEAD", 3), ("PUT", 3), ("DELETE", 3), ("POST", 1), ("PATCH", 1)] {
        let (outcome, server) = run(&[method, "x"], |_, _| Answer::new(503, "Retry-After: 0\r\n", ""))?;
        ensure!(outcome.code == 1 && server.heard().len() == tries, "{method}: {outcome:?} {:?}", server.heard());
    }
    let home = Home::new()?;
    let file = home.path().join("body");
    fs::write(&file, "x".repeat(100_000))?;
    let server = Server::start(|_, before| match before {
        0 => Answer::new(503, "Retry-After: 0\r\n", ""),
        _ => Answer::json("[]"),
    })?;
    let outcome = server.client(&home)?.args(["api", "PUT", "x", "--input", &file.to_string_lossy()]).run()?;
    let lengths: Vec<_> =
        server.heard().iter().map(|heard| heard.header("content-length").map(str::to_owned)).collect();
    ensure!(
        outcome.code == 0 && lengths == [Some("100000".to_owned()), Some("100000".to_owned())],
        "{outcome:?} {lengths:?}"
    );
    Ok(())
}

#[test]
fn api_token_stays_on_its_host() -> Result<()> {
    let elsewhere = Server::start(|_, _| Answer::json("{}"))?;
    let location = format!("Location: {}/x\r\n", elsewhere.url());
    let (outcome, _) = run(&["x"], move |_, _| Answer::new(302, &location, ""))?;
    ensure!(outcome.code == 1 && outcome.stderr.contains("redirects to another host"), "{outcome:?}");
    let (outcome, server) = run(&[&format!("{}/x", elsewhere.url())], |_, _| Answer::json("{}"))?;
    ensure!(outcome.code == 1 && server.heard_in_all().is_empty(), "{outcome:?}");
    ensure!(elsewhere.heard_in_all().is_empty(), "{:?}", elsewhere.heard_in_all());
    Ok(())
}

#[test]
fn api_shows_pages_and_errors_as_they_come() -> Result<()> {
    let page = "<html><title>Captive portal</title></html>";
    for (status, code) in [(200, 0), (404, 1), (500, 1), (304, 1)] {
        let body = if status == 304 { "" } else { page };
        let (outcome, _) = run(&["x"], move |_, _| Answer::new(status, "Content-Type: text/html\r\n", body))?;
        ensure!(outcome.code == code && outcome.stdout == body, "{status}: {outcome:?}");
        ensure!((code == 0) == outcome.stderr.is_empty(), "{status}: {outcome:?}");
    }
    Ok(())
}

#[test]
fn api_login_required_ends_with_4_and_permission_denied_with_1() -> Result<()> {
    for (class, status, code) in [
        ("CannotAuthenticate", 401, 4),
        ("NoAuthInformation", 401, 4),
        ("CannotAuthenticate", 403, 4),
        ("AccessDenied", 401, 1),
        ("AccessDenied", 403, 1),
        ("RSENotFound", 404, 1),
    ] {
        let body = format!(r#"{{"ExceptionClass": "{class}", "ExceptionMessage": "no, you"}}"#);
        let expected = body.clone();
        let (outcome, _) = run(&["x"], move |_, _| Answer::new(status, "", &body))?;
        ensure!(outcome.code == code && outcome.stdout == expected, "{class} {status}: {outcome:?}");
        ensure!(outcome.stderr.contains("Details: no, you"), "{outcome:?}");
        ensure!(outcome.stderr.contains("rucio login") == (code == 4), "{outcome:?}");
    }
    Ok(())
}

#[test]
fn api_body_that_breaks_off_is_a_failure() -> Result<()> {
    let (outcome, _) = run(&["x"], |_, _| Answer::cut("{\"a\": 1}\n"))?;
    ensure!(outcome.code == 1 && outcome.stdout == "{\"a\": 1}\n" && outcome.stderr.contains("ERROR"), "{outcome:?}");
    Ok(())
}

#[test]
fn api_output_on_a_terminal_is_safe() -> Result<()> {
    let home = Home::new()?;
    let server = Server::start(|_, _| Answer::new(200, "X-Evil: a\u{9b}b\r\n", "one\x1b[2J\ntwo\x07 é"))?;
    let config = configuration(&home, server.url())?;
    let (code, screen) = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], &["api", "x"])?.end()?;
    ensure!(code == 0 && screen == "one␛[2J\r\ntwo␇ é\r\n", "{screen:?}");
    Ok(())
}

/// A server whose answers are 10 GB long, once it has given a token.
fn endless(status: u16) -> Result<Server> {
    let status = format!("{status} Answer");
    let answer = Answer::bare(&status, "Content-Length: 10000000000\r\n", &[b'x'; 1_000_000]).repeated(10_000);
    Server::start(move |_, _| answer.clone())
}

/// All of the 10 GB would take long; behind a part of it the memory is what it is.
#[test]
fn api_memory_does_not_grow_with_the_response() -> Result<()> {
    for status in [200, 500] {
        let home = Home::new()?;
        let server = endless(status)?;
        let config = configuration(&home, server.url())?;
        let mut command = home.ours().env("RUCIO_CONFIG", &config).args(["api", "x"]).command()?;
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        // Held until the memory is read: a client without a reader ends, and has none.
        let mut output = child.stdout.take().context("no stdout")?;
        let read = io::copy(&mut output.by_ref().take(300 << 20), &mut io::sink())?;
        let memory = fs::read_to_string(format!("/proc/{}/status", child.id()));
        child.kill()?;
        child.wait()?;
        let memory = memory?;
        let peak = memory.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
        let peak: u64 = peak.trim().trim_end_matches(" kB").parse()?;
        ensure!(read == 300 << 20 && peak < 100_000, "{status}: {peak} kB after {read} bytes");
    }
    Ok(())
}

/// A simulated server: the testbed's has no account of this kind.
#[test]
fn sign_url_without_a_signature_is_refused() -> Result<()> {
    let server = Server::start(|_, _| Answer::new(200, "", "https://localhost/bucket/file"))?;
    let words = ["credential", "sign-url", "--rse", "S3", "--service", "s3", "--operation", "read"];
    let home = Home::new()?;
    let client = server.client(&home)?.args(words).args(["https://localhost/bucket/file"]);
    let outcome = client.limit(Duration::from_secs(30)).run()?;
    ensure!(outcome.code == 1 && outcome.stdout.is_empty(), "{outcome:?}");
    ensure!(
        outcome.stderr.contains("without a signature") && outcome.stderr.contains("--key sign-url --value 1 "),
        "{outcome:?}"
    );
    Ok(())
}
