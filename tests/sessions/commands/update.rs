//! `rucio session update`.

use anyhow::{Result, ensure};

use super::{alone, asked_for, in_browser, json, run, shown, type_password, without_password};
use crate::fixtures::{Home, Pty};
use crate::support::Testbed;

#[test]
fn session_update_logs_in_again_and_shows_the_session() -> Result<()> {
    let home = Home::new()?;
    shown(&home, "userpass", &["login"])?;
    let token = home.token()?;
    let text = shown(&home, "userpass", &["session", "update"])?;
    ensure!(text.starts_with("You are logged in.\nhost ") && home.token()? != token, "{text}");
    let record = json(&home, "x509", &["session", "update", "--account", "jdoe"])?;
    ensure!(record["auth_type"] == "x509" && record["state"] == "valid", "{record}");
    Ok(())
}

/// With a saved refresh token, no interaction is needed.
#[test]
fn session_update_refreshes_a_providers_token() -> Result<()> {
    let home = Home::new()?;
    let provider = Testbed::get()?.value("OIDC")?;
    let config = home.testbed_config(&format!(
        "auth_type = oidc\noidc_scope = openid profile offline_access\noidc_audience = rucio\noidc_login = device\n\
         oidc_provider = {provider}\noidc_client_id = rucio-cli"
    ))?;
    in_browser(&home, &config, &["login"], r"(https://\S+/device\?user_code=\S+)\s")?;
    let token = home.token()?;
    let outcome = alone(&home, config.as_ref(), &["session", "update"])?;
    ensure!(outcome.code == 0 && outcome.stdout.starts_with("You are logged in.\n"), "{outcome:?}");
    ensure!(home.token()? != token, "{outcome:?}");
    // Logging out deletes the refresh token, too.
    let outcome = home.ours().env("RUCIO_CONFIG", &config).args(["logout", "--yes"]).run()?;
    ensure!(outcome.code == 0 && outcome.stderr.is_empty(), "{outcome:?}");
    let outcome = alone(&home, config.as_ref(), &["token"])?;
    ensure!(outcome.code == 4 && asked_for(&outcome.stderr)? == "rucio login", "{outcome:?}");
    Ok(())
}

#[test]
fn session_update_asks_for_the_password() -> Result<()> {
    let home = Home::new()?;
    let config = without_password(&home)?;
    for command in [&["login"][..], &["session", "update"]] {
        let mut terminal = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], command)?;
        type_password(&mut terminal, "secret")?;
        let (code, screen) = terminal.end()?;
        ensure!(code == 0 && screen.contains("You are logged in."), "{screen}");
    }
    Ok(())
}

#[test]
fn session_update_that_is_refused_names_the_command() -> Result<()> {
    let outcome = run(&Home::new()?, "userpass", &["session", "update", "-a", "alice"])?;
    ensure!(
        outcome.code == 4 && outcome.stderr.contains("To find out why: `rucio --account alice doctor`."),
        "{outcome:?}"
    );
    Ok(())
}
