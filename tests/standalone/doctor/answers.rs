//! Faults of servers.

use anyhow::{Result, ensure};

use crate::fixtures::doctor::{DoctorFixture, Finding};
use crate::fixtures::{Answer, Home, ReceivedRequest, Server};

const NOW: &str = "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n";

/// Who has a server that answers `/ping` so, over plain http.
fn doctor(answer: impl Fn(&ReceivedRequest) -> Answer + Send + Sync + 'static) -> Result<(Server, DoctorFixture)> {
    let server = Server::start(move |heard, _| match heard.request.as_str() {
        "GET /ping" => answer(heard),
        "GET /auth/validate" => Answer::new(400, "ExceptionClass: ValueError\r\n", "Token must be set."),
        _ => Answer::json(r#"{"account": "jdoe", "status": "ACTIVE"}"#),
    })?;
    let home = Home::new()?;
    server.client(&home)?;
    let config = home.path().join("rucio.cfg").to_string_lossy().into_owned();
    Ok((server, DoctorFixture::of(home, Some(config))?))
}

/// Beside the warning that plain http is open to all, exactly this is wrong.
fn wrong(doctor: &DoctorFixture) -> Result<(Finding, i32)> {
    let (findings, code) = doctor.examined(&[])?;
    let wrong: Vec<_> = findings.into_iter().filter(|finding| finding.status != "ok").collect();
    ensure!(wrong.len() == 2, "{wrong:#?}");
    let (plain, others): (Vec<_>, Vec<_>) = wrong.into_iter().partition(|finding| finding.check == "tls");
    plain[0].says("tls", &["plain http"])?;
    Ok((others[0].clone(), code))
}

#[test]
fn doctor_finds_a_clock_that_is_years_off() -> Result<()> {
    let (_server, doctor) = doctor(|_| Answer::new(200, NOW, r#"{"version": "41.5.1"}"#))?;
    let (finding, code) = wrong(&doctor)?;
    ensure!(finding.status == "failed" && code == 1, "{finding:?}");
    finding.says("clock", &["ahead of the server, which has 2026-01-01 00:00:00 UTC", "timedatectl"])
}

#[test]
fn doctor_finds_another_release() -> Result<()> {
    let (_server, doctor) = doctor(|_| Answer::json(r#"{"version": "38.3.0"}"#))?;
    let (finding, code) = wrong(&doctor)?;
    ensure!(finding.status == "warning" && code == 0, "{finding:?}");
    finding.says("server", &["Rucio 38.3.0, but this client replaces 41.5.1"])
}

#[test]
fn doctor_finds_a_server_that_is_not_rucio() -> Result<()> {
    let (_server, doctor) = doctor(|_| Answer::new(200, "Content-Type: text/html\r\n", "<html>It works!</html>"))?;
    let (finding, code) = wrong(&doctor)?;
    ensure!(finding.status == "failed" && code == 1, "{finding:?}");
    finding.says("server", &["/ping: not a Rucio server", "correct rucio_host in [client]: `curl -v http://127.0.0.1"])
}

#[test]
fn doctor_finds_a_server_that_never_answers() -> Result<()> {
    let (_server, doctor) = doctor(|_| Answer::silence())?;
    let (finding, code) = wrong(&doctor)?;
    ensure!(finding.status == "failed" && code == 1, "{finding:?}");
    finding.says("server", &["did not answer in time", "curl -v"])
}

#[test]
fn doctor_finds_another_account() -> Result<()> {
    let (_server, doctor) = doctor(|_| Answer::json(r#"{"version": "41.5.1"}"#))?;
    let doctor = doctor.args(&["--account", "alice"]);
    let (finding, code) = wrong(&doctor)?;
    ensure!(finding.status == "failed" && code == 4, "{code} {finding:?}");
    finding.says("login", &["account jdoe", "but alice was requested", "rucio --account alice login --force"])
}

#[test]
fn doctor_offline_asks_no_server_and_writes_nothing() -> Result<()> {
    let (server, doctor) = doctor(|_| Answer::json(r#"{"version": "41.5.1"}"#))?;
    let before = crate::support::Tree::read(doctor.home.path())?;
    let folders = || std::fs::read_dir(doctor.home.path()).map(Iterator::count);
    let count = folders()?;
    let (findings, code) = doctor.examined(&["--offline"])?;
    ensure!(code == 0 && findings.len() > 8, "{findings:#?}");
    ensure!(server.heard_in_all().is_empty(), "{:?}", server.heard_in_all());
    ensure!(crate::support::Tree::read(doctor.home.path())? == before);
    ensure!(folders()? == count);
    ensure!(doctor.examined(&[])?.1 == 0 && !server.heard_in_all().is_empty(), "the server was not contacted");
    Ok(())
}
