//! Logins through the Rucio server: as with the official client, and one cache for both.

use anyhow::{Context, Result, ensure};
use regex::Regex;

use super::{LINK, both_use_it, config, log_in_well, no_secret_of, sql};
use crate::fixtures::{Home, Pty, browse};
use crate::support::Testbed;

#[test]
fn polling_login_serves_both_clients() -> Result<()> {
    let (home, config) = (Home::new()?, config("oidc")?);
    log_in_well(&home, &config, LINK)?;
    both_use_it(&home, &config)
}

#[test]
fn code_login_serves_both_clients() -> Result<()> {
    let (home, config) = (Home::new()?, config("oidc_code")?);
    let mut terminal = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], &["-v", "whoami"])?;
    let page = browse(&terminal.wait_for(LINK)?, "jdoe")?;
    let code = Regex::new(r"<b>(\w+)</b>")?.captures(&page).with_context(|| page.clone())?[1].to_owned();
    terminal.wait_for("Copy the code")?;
    terminal.type_in(&format!("{code}\n"))?;
    let (exit, screen) = terminal.end()?;
    ensure!(exit == 0 && screen.contains("account    : jdoe"), "{screen}");
    no_secret_of(&home, &screen)?;
    // The terminal shows it once, as it is typed.
    ensure!(screen.matches(&code).count() == 1, "{screen}");
    both_use_it(&home, &config)
}

#[test]
fn official_login_serves_both_clients() -> Result<()> {
    let (home, config) = (Home::new()?, config("oidc")?);
    let terminal = Pty::official(&home, &[("RUCIO_CONFIG", &config), ("PYTHONUNBUFFERED", "1")], &["whoami"])?;
    browse(&terminal.wait_for(LINK)?, "jdoe")?;
    let (code, screen) = terminal.end()?;
    ensure!(code == 0, "{screen}");
    both_use_it(&home, &config)
}

#[test]
fn oidc_login_by_options_alone() -> Result<()> {
    let home = Home::new()?;
    let config = home.testbed_config("auth_type = telepathy")?;
    let options = ["-S", "OIDC", "--oidc-scope", "openid profile offline_access", "--oidc-audience", "rucio"];
    let more = ["--oidc-issuer", "TESTBED", "--oidc-refresh-lifetime", "24", "--oidc-polling", "whoami"];
    let terminal = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], &[&options[..], &more[..]].concat())?;
    browse(&terminal.wait_for(LINK)?, "jdoe")?;
    let (code, screen) = terminal.end()?;
    ensure!(code == 0 && screen.contains("account    : jdoe"), "{screen}");
    let asked = format!("select oidc_scope, audience, refresh_lifetime from tokens where token = '{}'", home.token()?);
    let row = sql(&asked)?;
    ensure!(row.trim() == "openid profile offline_access|rucio|24", "{row}");
    Ok(())
}

/// A browser that records the URL it opens, and logs jdoe in.
fn browser(home: &Home) -> Result<String> {
    let (program, noted) = (home.path().join("browser"), home.path().join("opened"));
    let testbed = crate::support::project().join("tests/testbed/testbed");
    let script = format!(
        "#!/bin/sh\necho \"$1\" >>'{}'\nTESTBED_DIR='{}' exec '{}' idp-login \"$1\" >/dev/null\n",
        noted.display(),
        Testbed::get()?.value("DIR")?,
        testbed.display()
    );
    std::fs::write(&program, script)?;
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    Ok(program.to_string_lossy().into_owned())
}

#[test]
fn browser_opens_automatically_at_a_display() -> Result<()> {
    let (home, config) = (Home::new()?, config("oidc")?);
    let browser = browser(&home)?;
    let variables = [("RUCIO_CONFIG", config.as_str()), ("DISPLAY", ":0"), ("BROWSER", &browser)];
    let (code, screen) = Pty::ours(&home, &variables, &["whoami"])?.end()?;
    ensure!(code == 0 && screen.contains("account    : jdoe"), "{screen}");
    let opened = std::fs::read_to_string(home.path().join("opened"))?;
    // The link is shown as well, in case that browser is not the right one.
    ensure!(opened.lines().count() == 1 && screen.contains(opened.trim()), "{opened} {screen}");
    Ok(())
}

#[test]
fn browser_does_not_open_without_a_display_or_when_disabled() -> Result<()> {
    for (name, value, options) in [
        ("DISPLAY", "", &[][..]),
        ("SSH_CONNECTION", "10.0.0.1 22 10.0.0.2 22", &[][..]),
        ("TERM", "xterm", &["--no-browser"][..]),
    ] {
        let (home, config) = (Home::new()?, config("oidc")?);
        let browser = browser(&home)?;
        let variables = [("RUCIO_CONFIG", config.as_str()), ("DISPLAY", ":0"), ("BROWSER", &browser), (name, value)];
        let terminal = Pty::ours(&home, &variables, &[options, &["whoami"]].concat())?;
        terminal.wait_for("Waiting up to 3 minutes")?;
        ensure!(!home.path().join("opened").exists() && !terminal.screen().contains("Your browser"), "{name}");
    }
    Ok(())
}
