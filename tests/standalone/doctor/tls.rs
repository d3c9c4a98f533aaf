//! Certificates of servers that are untrusted, or expire soon.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use crate::fixtures::doctor::DoctorFixture;
use crate::fixtures::{Answer, CertificateFixture, Home, Server, TlsFront, Use, keep};

/// A server on this machine with a certificate for `host` that expires in so many days, and no Rucio behind the handshake.
/// Returns it, its address and the file of the CA that signed it.
fn server(home: &Home, host: &'static str, days: i64) -> Result<(Server, String, PathBuf)> {
    server_of(home, host, days, 100)
}

/// The same where the CA's certificate expires in so many days.
fn server_of(home: &Home, host: &'static str, days: i64, ca_days: i64) -> Result<(Server, String, PathBuf)> {
    let ca = CertificateFixture::signed_by_itself(&["CN=Clinic CA"], (-100, ca_days), Use::Authority)?;
    let certificate = ca.sign(&[&format!("CN={host}")], (-100, days), Use::Server(host))?;
    let server = Server::start(|_, _| Answer::raw(b"", b""))?;
    let front = TlsFront::start(&server, &certificate)?;
    Ok((server, front.url(), keep(home, "clinic-ca.pem", ca.pem()?)?))
}

fn patient_at(home: Home, url: &str, ca: &Path) -> Result<DoctorFixture> {
    let lines = format!(
        "rucio_host = {url}\nauth_host = {url}\nca_cert = {}\naccount = jdoe\nauth_type = userpass\n\
         username = jdoe\npassword = secret",
        ca.display()
    );
    let config = home.config(&lines)?;
    DoctorFixture::of(home, Some(config))
}

#[test]
fn doctor_finds_an_expired_server_certificate() -> Result<()> {
    let home = Home::new()?;
    let (_server, url, ca) = server(&home, "localhost", -2)?;
    let finding = patient_at(home, &url, &ca)?.fails(&[], 1)?;
    finding.says("tls", &["the server's certificate expired on 20", "(CN=localhost, signed by CN=Clinic CA)", "`date`"])
}

#[test]
fn doctor_finds_a_server_certificate_of_another_host() -> Result<()> {
    let home = Home::new()?;
    let (_server, url, ca) = server(&home, "rucio.example.org", 90)?;
    let finding = patient_at(home, &url, &ca)?.fails(&[], 1)?;
    finding
        .says("tls", &["is that of another host: rucio.example.org (CN=rucio.example.org", "rucio_host and auth_host"])
}

#[test]
fn doctor_warns_of_a_server_certificate_that_expires_soon() -> Result<()> {
    let home = Home::new()?;
    let (_server, url, ca) = server(&home, "localhost", 1)?;
    let (findings, code) = patient_at(home, &url, &ca)?.examined(&[])?;
    let warning = findings.iter().find(|finding| finding.check == "tls");
    // Behind the handshake there is no Rucio.
    ensure!(code == 1 && warning.is_some_and(|finding| finding.status == "warning"), "{findings:#?}");
    Ok(())
}

/// If the handshake fails for that reason, the error says so.
#[test]
fn doctor_finds_an_unfit_ca_of_the_server() -> Result<()> {
    let home = Home::new()?;
    let (_server, url, ca) = server_of(&home, "localhost", 90, -2)?;
    fs::write(&ca, fs::read_to_string(&ca)? + &CertificateFixture::unknown_authority()?.pem()?)?;
    let (findings, code) = patient_at(home, &url, &ca)?.examined(&[])?;
    let failed: Vec<_> = findings.iter().filter(|one| one.status == "failed").collect();
    ensure!(code == 1 && failed.len() == 1, "{code}: {findings:#?}");
    let expected = format!("since the CA certificate {} (CN=Clinic CA) is not used: it expired on 20", ca.display());
    failed[0].says("tls", &["the server's certificate (CN=localhost) is not trusted", &expected, "current certificate"])
}
