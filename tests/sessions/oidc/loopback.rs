//! Logins at the provider itself with a browser on this machine.

use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result, ensure};
use regex::Regex;

use super::{PROVIDER_LINK, both_use_it, config, direct, log_in, log_in_well, no_secret_of};
use crate::fixtures::{Home, Pty, REFUSING};
use crate::support::Testbed;

#[test]
fn loopback_login_serves_both_clients() -> Result<()> {
    let (home, config) = (Home::new()?, config("oidc_browser")?);
    log_in_well(&home, &config, PROVIDER_LINK)?;
    ensure!(home.token_file().with_extension("refresh").exists());
    both_use_it(&home, &config)
}

/// Where the browser is on another machine, it ends on an address that it cannot reach.
fn address_of_the_end(link: &str) -> Result<String> {
    let certs = Testbed::get()?.value("CERTS")?;
    let jar = tempfile::NamedTempFile::new()?;
    let jar = jar.path().to_string_lossy().into_owned();
    let mut address = link.to_owned();
    while !address.starts_with("http://127.0.0.1") {
        let mut curl = std::process::Command::new("curl");
        curl.args(["-sS", "-o", "/dev/null", "-w", "%{redirect_url}", "--cacert", &format!("{certs}/ca.pem")]);
        let output = curl.args(["-c", &jar, "-b", &jar, &address]).output()?;
        address = String::from_utf8(output.stdout)?;
        ensure!(!address.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(address)
}

#[test]
fn loopback_address_can_be_pasted() -> Result<()> {
    let (home, config) = (Home::new()?, config("oidc_browser")?);
    let mut terminal = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], &["-v", "--no-browser", "whoami"])?;
    let address = address_of_the_end(&terminal.wait_for(PROVIDER_LINK)?)?;
    terminal.wait_for("copy this address")?;
    let state = Regex::new("state=[^&]+")?.find(&address).context("a state")?.as_str().to_owned();
    terminal.type_in(&format!("{}\n", address.replace(&state, "state=another")))?;
    terminal.wait_for("not the address of this login")?;
    terminal.type_in(&format!("{address}\n"))?;
    let (code, screen) = terminal.end()?;
    ensure!(code == 0 && screen.contains("account    : jdoe"), "{screen}");
    no_secret_of(&home, &screen)
}

/// Sends this request to the client's port, as a malicious page could.
fn visit(base: &str, target: &str) -> Result<String> {
    let address = base.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET {target} HTTP/1.1\r\nHost: {address}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn loopback_refuses_answers_of_another_login() -> Result<()> {
    let (home, config) = (Home::new()?, config("oidc_browser")?);
    let terminal = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], &["whoami"])?;
    let link = terminal.wait_for(PROVIDER_LINK)?;
    let address = address_of_the_end(&link)?;
    let (base, query) = address.split_once('?').context("a query")?;
    let state = Regex::new("state=[^&]+")?.find(query).context("a state")?.as_str();
    for target in ["/favicon.ico", "/?code=stolen&state=guessed", "/?error=access_denied", "/"] {
        ensure!(visit(base, target)?.starts_with("HTTP/1.1 404"), "{target}");
    }
    // A mixed-up provider does not get the code.
    let mixed_up = visit(base, &format!("/?code=x&{state}&iss=https%3A%2F%2Fevil"))?;
    ensure!(mixed_up.starts_with("HTTP/1.1 200"), "{mixed_up}");
    let (code, screen) = terminal.end()?;
    ensure!(code == 1 && screen.contains("The browser came back from https://evil"), "{screen}");
    Ok(())
}

#[test]
fn loopback_login_reports_a_refused_consent() -> Result<()> {
    let home = Home::new()?;
    let (code, screen) = log_in(&home, &config("oidc_browser")?, PROVIDER_LINK, REFUSING)?;
    ensure!(code == 1 && screen.contains("access_denied: the user said no"), "{screen}");
    ensure!(screen.contains("Run the command again, and allow"), "{screen}");
    Ok(())
}

#[test]
fn loopback_code_that_is_wrong_is_refused_by_the_provider() -> Result<()> {
    let (home, config) = (Home::new()?, config("oidc_browser")?);
    let mut terminal = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], &["whoami"])?;
    terminal.wait_for("copy this address")?;
    terminal.type_in("mistyped\n")?;
    let (code, screen) = terminal.end()?;
    ensure!(code == 1 && screen.contains("invalid_grant"), "{screen}");
    Ok(())
}

#[test]
fn loopback_login_times_out() -> Result<()> {
    let home = Home::new()?;
    let lines = direct("browser", "rucio-cli")?;
    let config = home.testbed_config(&format!("{lines}\noidc_polling_timeout = 1"))?;
    let outcome = home.ours().env("RUCIO_CONFIG", &config).args(["whoami"]).run()?;
    ensure!(outcome.code == 1 && outcome.stderr.contains("within 1 second"), "{outcome:?}");
    ensure!(outcome.stderr.contains("oidc_polling_timeout"), "{outcome:?}");
    Ok(())
}

#[test]
fn loopback_client_that_the_provider_does_not_know_is_refused() -> Result<()> {
    let home = Home::new()?;
    let config = home.testbed_config(&direct("device", "nobody-knows")?)?;
    let outcome = home.ours().env("RUCIO_CONFIG", &config).args(["whoami"]).run()?;
    ensure!(outcome.code == 1 && outcome.stderr.contains("invalid_client"), "{outcome:?}");
    ensure!(outcome.stderr.contains("oidc_client_id"), "{outcome:?}");
    Ok(())
}
