//! Logins at the provider itself by the device flow.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::{DEVICE_LINK, LINK, both_use_it, config, direct, log_in, log_in_well, refresh_token, whoami};
use crate::fixtures::{Home, Line, Pty, REFUSING, WHOAMI, browse, wait_for};
use crate::support::{Outcome, Testbed};

fn refresh_file(home: &Home) -> PathBuf {
    home.token_file().with_extension("refresh")
}

#[test]
fn oidc_device_login_serves_both_clients() -> Result<()> {
    let (home, config) = (Home::new()?, config("oidc_device")?);
    log_in_well(&home, &config, DEVICE_LINK)?;
    ensure!(fs::metadata(refresh_file(&home))?.permissions().mode() & 0o777 == 0o600);
    both_use_it(&home, &config)
}

#[test]
fn oidc_device_login_shows_page_code_and_shortcut() -> Result<()> {
    let (home, config) = (Home::new()?, config("oidc_device")?);
    let terminal = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], &["whoami"])?;
    let link = terminal.wait_for(DEVICE_LINK)?;
    let (page, code) = link.split_once("?user_code=").unwrap_or_default();
    terminal.wait_for(&format!(r"go to:\s+{page}\s+and type in the code  {code}"))?;
    Ok(())
}

#[test]
fn oidc_token_of_the_server_works_here_too() -> Result<()> {
    let home = Home::new()?;
    log_in_well(&home, &config("oidc")?, LINK)?;
    let (_, lines) = whoami(&home, &config("oidc_device")?, false)?;
    ensure!(lines.iter().map(Line::seen).eq(WHOAMI), "{lines:?}");
    Ok(())
}

#[test]
fn oidc_client_with_a_secret() -> Result<()> {
    let home = Home::new()?;
    let lines = direct("device", "rucio-secretive")?;
    let config = home.testbed_config(&format!("{lines}\noidc_client_secret = testbed-secret"))?;
    let (code, screen) = log_in(&home, &config, DEVICE_LINK, "jdoe")?;
    ensure!(code == 0 && !screen.contains("testbed-secret"), "{screen}");
    let wrong = home.testbed_config(&format!("{lines}\noidc_client_secret = hunter2hunter2"))?;
    let outcome = Home::new()?.ours().env("RUCIO_CONFIG", &wrong).args(["-v", "whoami"]).run()?;
    ensure!(outcome.code == 1 && outcome.stderr.contains("oidc_client_secret"), "{outcome:?}");
    ensure!(outcome.stderr.contains("invalid_client") && !outcome.stderr.contains("hunter2"), "{outcome:?}");
    Ok(())
}

/// The client rucio-short gets tokens of a few seconds.
#[test]
fn oidc_token_that_expired_is_refreshed_at_the_provider() -> Result<()> {
    let home = Home::new()?;
    let config = home.testbed_config(&direct("device", "rucio-short")?)?;
    log_in_well(&home, &config, DEVICE_LINK)?;
    let (token, refresh) = (home.token()?, refresh_token(&refresh_file(&home))?);
    wait_for("the end of the token", || {
        whoami(&home, &config, false)?;
        Ok((home.token()? != token).then_some(()))
    })?;
    ensure!(refresh_token(&refresh_file(&home))? != refresh, "the provider gives a new one each time");
    Ok(())
}

#[test]
fn oidc_token_that_is_refused_is_refreshed_at_the_provider() -> Result<()> {
    let (home, config) = (Home::new()?, config("oidc_device")?);
    log_in_well(&home, &config, DEVICE_LINK)?;
    home.keep_token(&format!("{}spoiled", home.token()?))?;
    let (outcome, lines) = whoami(&home, &config, false)?;
    let seen: Vec<_> = lines.iter().map(Line::seen).collect();
    let asked = "GET /auth/validate";
    ensure!(seen[..2] == [(WHOAMI[0].0, 401), (asked, 500)], "{seen:?} {outcome:?}");
    ensure!(seen[2..] == [(asked, 200), WHOAMI[0], WHOAMI[1]], "{seen:?} {outcome:?}");
    both_use_it(&home, &config)
}

/// A refresh token that has been used is invalid, as are those derived from it.
#[test]
fn oidc_login_starts_again_where_the_provider_refreshes_no_more() -> Result<()> {
    let (home, config) = (Home::new()?, config("oidc_device")?);
    log_in_well(&home, &config, DEVICE_LINK)?;
    let used = fs::read(refresh_file(&home))?;
    home.keep_token("spoiled")?;
    whoami(&home, &config, false)?;
    fs::write(refresh_file(&home), used)?;
    home.keep_token("spoiled")?;
    log_in_well(&home, &config, DEVICE_LINK)?;
    home.keep_token("spoiled")?;
    whoami(&home, &config, false).map(drop)
}

#[test]
fn oidc_refresh_token_that_others_may_read_is_not_used() -> Result<()> {
    let (home, config) = (Home::new()?, config("oidc_device")?);
    log_in_well(&home, &config, DEVICE_LINK)?;
    fs::set_permissions(refresh_file(&home), fs::Permissions::from_mode(0o644))?;
    home.keep_token("spoiled")?;
    let terminal = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], &["whoami"])?;
    terminal.wait_for("is open to others")?;
    browse(&terminal.wait_for(DEVICE_LINK)?, "jdoe")?;
    ensure!(terminal.end()?.0 == 0);
    ensure!(fs::metadata(refresh_file(&home))?.permissions().mode() & 0o777 == 0o600);
    Ok(())
}

#[test]
fn oidc_device_login_reports_a_refused_consent() -> Result<()> {
    let home = Home::new()?;
    let (code, screen) = log_in(&home, &config("oidc_device")?, DEVICE_LINK, REFUSING)?;
    ensure!(code == 1 && screen.contains("access_denied: the user said no"), "{screen}");
    ensure!(screen.contains("Run the command again, and allow"), "{screen}");
    ensure!(!home.token_file().exists());
    ensure!(!refresh_file(&home).exists());
    Ok(())
}

#[test]
fn oidc_identity_without_an_account_gets_the_command_that_maps_it() -> Result<()> {
    let home = Home::new()?;
    let (code, screen) = log_in(&home, &config("oidc_device")?, DEVICE_LINK, "nobodys")?;
    let provider = Testbed::get()?.value("OIDC")?;
    let command = format!("identity add --type OIDC --id 'SUB=nobodys, ISS={provider}' --email EMAIL jdoe");
    ensure!(code == 1 && screen.contains(&command), "{command}\n{screen}");
    ensure!(screen.contains("belongs to no account"), "{screen}");
    ensure!(!home.token_file().exists());
    ensure!(!refresh_file(&home).exists());
    Ok(())
}

/// The server chooses the account of such a token by the identity: it must not be another one than that which was asked
/// for.
#[test]
fn oidc_identity_of_another_account_is_refused() -> Result<()> {
    let home = Home::new()?;
    let (code, screen) = log_in(&home, &config("oidc_device")?, DEVICE_LINK, "alice")?;
    ensure!(code == 1 && screen.contains("for the account alice, not for jdoe"), "{screen}");
    ensure!(screen.contains("--account alice") && !home.token_file().exists(), "{screen}");
    Ok(())
}

/// A provider revokes the login if a refresh token is used twice, so twenty processes must not use it twice.
#[test]
fn oidc_refresh_of_twenty_processes_happens_once_at_the_provider() -> Result<()> {
    let (home, config) = (Home::new()?, config("oidc_device")?);
    log_in_well(&home, &config, DEVICE_LINK)?;
    let first = refresh_token(&refresh_file(&home))?;
    let mut record: Value = serde_json::from_slice(&fs::read(home.record_file())?)?;
    record["expires"] = 1_000_000_000.into();
    fs::write(home.record_file(), record.to_string())?;
    let outcomes: Vec<Result<Outcome>> = std::thread::scope(|scope| {
        let start = || home.ours().env("RUCIO_CONFIG", &config).args(["whoami"]).run();
        let running: Vec<_> = (0..20).map(|_| scope.spawn(start)).collect();
        running.into_iter().map(|run| run.join().expect("a run does not panic")).collect()
    });
    for outcome in outcomes {
        let outcome = outcome?;
        ensure!(outcome.code == 0 && outcome.stderr.is_empty(), "{outcome:?}");
    }
    ensure!(refresh_token(&refresh_file(&home))? != first);
    both_use_it(&home, &config)?;
    home.keep_token("spoiled")?;
    whoami(&home, &config, false).map(drop)
}

#[test]
fn oidc_provider_that_is_down_is_reported_when_a_token_expired() -> Result<()> {
    let home = Home::new()?;
    let config = home.testbed_config(&direct("device", "rucio-cli")?)?;
    log_in_well(&home, &config, DEVICE_LINK)?;
    let kept = fs::read_to_string(refresh_file(&home))?;
    let (provider, down) = (Testbed::get()?.value("OIDC")?, "https://localhost:9");
    fs::write(refresh_file(&home), kept.replace(provider, down))?;
    fs::write(&config, fs::read_to_string(&config)?.replace(provider, down))?;
    home.keep_token("spoiled")?;
    let outcome = home.ours().env("RUCIO_CONFIG", &config).args(["-v", "whoami"]).run()?;
    ensure!(outcome.code == 1 && outcome.stderr.contains("The identity provider https://localhost:9"), "{outcome:?}");
    ensure!(refresh_file(&home).exists(), "it may serve again when the provider is back");
    Ok(())
}
