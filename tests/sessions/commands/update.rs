//! `rucio session update`.

use anyhow::{Result, ensure};

use super::{json, run, shown, type_password, without_password};
use crate::props::{Home, Pty};

#[test]
fn logs_in_anew_and_shows_the_session() -> Result<()> {
    let home = Home::new()?;
    shown(&home, "userpass", &["login"])?;
    let token = home.token()?;
    let text = shown(&home, "userpass", &["session", "update"])?;
    ensure!(text.starts_with("You are logged in.\nhost ") && home.token()? != token, "{text}");
    let record = json(&home, "x509", &["session", "update", "--account", "jdoe"])?;
    ensure!(record["auth_type"] == "x509" && record["state"] == "valid", "{record}");
    Ok(())
}

#[test]
fn asks_for_the_password_again() -> Result<()> {
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
fn a_refused_one_names_the_command() -> Result<()> {
    let outcome = run(&Home::new()?, "userpass", &["session", "update", "-a", "alice"])?;
    ensure!(outcome.code == 4 && outcome.stderr.contains("Then run `rucio --account alice login`."), "{outcome:?}");
    Ok(())
}
