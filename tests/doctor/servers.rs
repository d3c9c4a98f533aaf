//! Reaching the servers: names, ports, timeouts, HTTP proxies.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use anyhow::{Result, ensure};

use crate::fixtures::doctor::DoctorFixture;
use crate::support::Testbed;

/// Who has both hosts at this address.
fn at(address: &str) -> Result<DoctorFixture> {
    Ok(DoctorFixture::userpass()?.args(&["-H", address, "--auth-host", address]))
}

#[test]
fn doctor_finds_a_name_that_does_not_resolve() -> Result<()> {
    let finding = at("https://rucio.invalid:443")?.fails(&[], 1)?;
    finding.says(
        "name",
        &["rucio.invalid: the name cannot be resolved (rucio_host and auth_host)", "getent hosts rucio.invalid"],
    )
}

#[test]
fn doctor_finds_a_closed_port() -> Result<()> {
    // Bound and released, so that connections are refused.
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let finding = at(&format!("https://localhost:{port}"))?.fails(&[], 1)?;
    let command = format!("curl -v https://localhost:{port}/ping");
    finding.says("connection", &[&format!("localhost:{port}: Connection refused"), "firewall", &command])
}

#[test]
fn doctor_finds_which_of_two_servers_is_down() -> Result<()> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let doctor = DoctorFixture::userpass()?.args(&["--auth-host", &format!("https://localhost:{port}")]);
    let finding = doctor.fails(&[], 1)?;
    finding.says("connection", &["Connection refused", "Check the port in auth_host"])?;
    let (findings, _) = doctor.examined(&[])?;
    ensure!(findings.iter().any(|found| found.message == "Rucio 41.5.1"), "{findings:#?}");
    Ok(())
}

#[test]
fn doctor_finds_a_silent_server() -> Result<()> {
    // The system accepts the connection, and no data follows.
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let place = format!("localhost:{}", listener.local_addr()?.port());
    let finding = at(&format!("https://{place}"))?.fails(&[], 1)?;
    finding.says("tls", &[&format!("{place}: TLS handshake timed out"), "openssl s_client -connect"])
}

/// An HTTP proxy for all destinations; it ends with the test process.
fn http_proxy() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || relay(client));
        }
    });
    Ok(port)
}

fn relay(mut client: TcpStream) -> Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut lines = Vec::new();
    while lines.last().is_none_or(|line: &String| !line.trim().is_empty()) {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        lines.push(line);
    }
    let allowed = lines.iter().any(|line| line.to_lowercase().starts_with("proxy-authorization: basic "));
    if !allowed {
        return Ok(client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")?);
    }
    let mut server = TcpStream::connect(lines[0].split(' ').nth(1).unwrap_or_default())?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let (mut from, mut to) = (server.try_clone()?, client.try_clone()?);
    thread::spawn(move || std::io::copy(&mut from, &mut to));
    std::io::copy(&mut reader, &mut server)?;
    Ok(())
}

#[test]
fn doctor_connects_through_an_http_proxy() -> Result<()> {
    let port = http_proxy()?;
    let doctor = DoctorFixture::userpass()?.env("HTTPS_PROXY", &format!("http://kim:hunter2@127.0.0.1:{port}"));
    let findings = doctor.is_well()?;
    let said = format!("{findings:?}");
    ensure!(said.contains(&format!("open through the HTTP proxy 127.0.0.1:{port}")), "{findings:#?}");
    ensure!(said.contains("[hidden]@127.0.0.1") && !said.contains("hunter2"), "{said}");
    let around = DoctorFixture::userpass()?.env("HTTPS_PROXY", "http://127.0.0.1:1").env("NO_PROXY", "localhost");
    around.is_well().map(drop)
}

#[test]
fn doctor_finds_an_http_proxy_that_refuses() -> Result<()> {
    let port = http_proxy()?;
    let doctor = DoctorFixture::userpass()?.env("HTTPS_PROXY", &format!("http://127.0.0.1:{port}"));
    let finding = doctor.fails(&[], 1)?;
    finding.says("connection", &[&format!("127.0.0.1:{port}: the proxy refused: HTTP/1.1 407"), "curl -v"])?;
    ensure!(Testbed::get()?.value("URL")?.starts_with("https://"));
    Ok(())
}
