//! `rucio login`.

use std::fs;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::{alone, asked_for, change_record, json, run, shown, type_password, without_password};
use crate::fixtures::{AccessLog, Home, Pty};
use crate::support::{Testbed, unique};

#[test]
fn login_shows_account_identity_expiry_and_host() -> Result<()> {
    for (config, way, identity) in [
        ("userpass", "userpass", "jdoe"),
        ("x509", "x509", "CN=John Doe,O=Testbed"),
        ("x509_proxy", "x509_proxy", "CN=John Doe,O=Testbed"),
    ] {
        let home = Home::new()?;
        let text = shown(&home, config, &["login"])?;
        ensure!(text.starts_with("You are logged in.\n"), "{text}");
        let (url, file) = (Testbed::get()?.value("URL")?, home.token_file());
        for line in [
            format!("host       : {url}\n"),
            "account    : jdoe\n".to_owned(),
            format!("identity   : {identity}\n"),
            format!("method     : {way}\n"),
            format!("token      : {}\n", file.display()),
            "state      : valid (verified with the server)\n".to_owned(),
        ] {
            ensure!(text.contains(&line), "no {line:?} in\n{text}");
        }
        ensure!(text.contains("\nexpires    : 20") && text.contains(" UTC\ntime left  : "), "{text}");
        ensure!(!text.contains(&home.token()?), "the token is not shown: {text}");
    }
    Ok(())
}

#[test]
fn login_keeps_a_valid_session() -> Result<()> {
    let (home, agent) = (Home::new()?, unique("again"));
    shown(&home, "userpass", &["login"])?;
    let token = home.token()?;
    let text = shown(&home, "userpass", &["--user-agent", &agent, "login"])?;
    ensure!(text.starts_with("You are already logged in. To log in again: `rucio login --force`\nhost "), "{text}");
    ensure!(home.token()? == token);
    let lines = AccessLog::of("apache")?.of_agent(&agent, "GET /auth/validate")?;
    ensure!(lines.iter().all(|line| !line.is_login() && line.token == token), "{lines:?}");
    Ok(())
}

#[test]
fn login_force_logs_in_again() -> Result<()> {
    let home = Home::new()?;
    shown(&home, "userpass", &["login"])?;
    let token = home.token()?;
    let text = shown(&home, "userpass", &["login", "--force"])?;
    ensure!(text.starts_with("You are logged in.\n") && home.token()? != token, "{text}");
    Ok(())
}

/// A token that looks valid is verified with the server.
#[test]
fn login_replaces_a_token_that_the_server_does_not_know() -> Result<()> {
    let home = Home::new()?;
    home.keep_token("jdoe-jdoe-unknown-00000000000000000000000000000000")?;
    let text = shown(&home, "userpass", &["login"])?;
    ensure!(text.starts_with("You are logged in.\n") && !home.token()?.ends_with("0000"), "{text}");
    Ok(())
}

#[test]
fn login_replaces_an_expired_session() -> Result<()> {
    let home = Home::new()?;
    shown(&home, "userpass", &["login"])?;
    let token = home.token()?;
    change_record(&home, |record| record["expires"] = 1_000_000_000.into())?;
    ensure!(shown(&home, "userpass", &["login"])?.starts_with("You are logged in.\n"));
    ensure!(home.token()? != token);
    Ok(())
}

#[test]
fn login_has_a_record_in_every_format() -> Result<()> {
    let home = Home::new()?;
    let record = json(&home, "userpass", &["login"])?;
    ensure!(record["account"] == "jdoe" && record["auth_type"] == "userpass" && record["state"] == "valid", "{record}");
    ensure!(record["checked"] == true && record["identity"] == "jdoe" && record["vo"] == "def", "{record}");
    let end = record["expires_at"].as_str().unwrap_or_default();
    ensure!(end.len() == 20 && end.ends_with('Z') && record["seconds_left"].as_i64() > Some(3_000), "{record}");
    let line: Value = serde_json::from_str(&shown(&home, "userpass", &["login", "-o", "jsonl"])?)?;
    ensure!(line["expires_at"] == record["expires_at"], "{line}");
    let csv = shown(&home, "userpass", &["login", "-o", "csv"])?;
    ensure!(
        csv.starts_with("host,auth_host,account,identity,vo,auth_type,source,") && csv.lines().count() == 2,
        "{csv}"
    );
    ensure!(shown(&home, "userpass", &["login", "-o", "tsv"])?.contains("\tjdoe\t"));
    ensure!(shown(&home, "userpass", &["login", "-o", "name"])? == "jdoe\n");
    Ok(())
}

#[test]
fn login_asks_at_the_terminal_for_what_is_missing() -> Result<()> {
    let home = Home::new()?;
    let config = home.testbed_config("auth_type = userpass")?;
    let mut terminal = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], &["login"])?;
    terminal.wait_for("User name: ")?;
    terminal.type_in("jdoe\n")?;
    type_password(&mut terminal, "secret")?;
    let (code, screen) = terminal.end()?;
    ensure!(code == 0 && screen.contains("You are logged in.") && !screen.contains("secret"), "{screen}");
    ensure!(!fs::read_to_string(&config)?.contains("secret"));
    for entry in fs::read_dir(home.token_folder())? {
        let path = entry?.path();
        ensure!(!String::from_utf8_lossy(&fs::read(&path)?).contains("secret"), "{}", path.display());
    }
    // The next command needs neither.
    let next = home.ours().env("RUCIO_CONFIG", &config).args(["whoami"]).run()?;
    ensure!(next.code == 0 && next.stderr.is_empty() && next.stdout.contains("account    : jdoe"), "{next:?}");
    Ok(())
}

#[test]
fn login_with_a_wrong_password_ends_with_4_and_a_hint() -> Result<()> {
    let home = Home::new()?;
    let config = without_password(&home)?;
    let mut terminal = Pty::ours(&home, &[], &["--config", &config, "login"])?;
    for number in 1..=3 {
        terminal.wait_for(&format!("(?s)(Password of jdoe: .*){{{number}}}$"))?;
        type_password(&mut terminal, "wr0ng")?;
    }
    let (code, screen) = terminal.end()?;
    ensure!(code == 4 && screen.contains("Cannot authenticate to account jdoe"), "{code}: {screen}");
    ensure!(
        screen.contains(&format!("Then run `rucio --config {config} login`.")) && !screen.contains("wr0ng"),
        "{screen}"
    );
    ensure!(!home.token_file().exists());
    Ok(())
}

#[test]
fn login_ends_at_ctrl_c_with_130() -> Result<()> {
    let home = Home::new()?;
    let config = home.testbed_config("auth_type = userpass")?;
    let mut terminal = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], &["login"])?;
    terminal.wait_for("User name: ")?;
    terminal.type_in("\x03")?;
    ensure!(terminal.end()?.0 == 130);
    let config = without_password(&home)?;
    let mut terminal = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], &["login"])?;
    terminal.type_secret("Password of jdoe: ", "\x03")?;
    terminal.wait_for_echo()?;
    ensure!(terminal.end()?.0 == 130);
    Ok(())
}

#[test]
fn login_without_a_terminal_names_the_command() -> Result<()> {
    let home = Home::new()?;
    let config = without_password(&home)?;
    let outcome = alone(&home, config.as_ref(), &["login"])?;
    ensure!(outcome.code == 4 && outcome.stdout.is_empty(), "{outcome:?}");
    ensure!(
        outcome.stderr.contains("'password' is not set") && asked_for(&outcome.stderr)? == "rucio login",
        "{outcome:?}"
    );
    Ok(())
}

#[test]
fn login_takes_another_account_as_an_option() -> Result<()> {
    let home = Home::new()?;
    let certs = Testbed::get()?.value("CERTS")?;
    let (cert, key) = (format!("{certs}/root.pem"), format!("{certs}/root.key.pem"));
    let text = shown(
        &home,
        "userpass",
        &["-S", "x509", "--certificate", &cert, "--client-key", &key, "login", "--account", "root"],
    )?;
    ensure!(text.contains("account    : root\n"), "{text}");
    let next = format!("options: `rucio --account root -S x509 --certificate {cert} --client-key {key} whoami`\n");
    ensure!(text.contains(&next), "{text}");
    let denied = run(&home, "userpass", &["login", "-a", "alice"])?;
    ensure!(
        denied.code == 4 && denied.stderr.contains("To find out why: `rucio --account alice doctor`."),
        "{denied:?}"
    );
    Ok(())
}

#[test]
fn login_failures_are_records_too() -> Result<()> {
    let outcome = run(&Home::new()?, "userpass", &["-o", "json", "--password", "wrong", "login"])?;
    let failure: Value = serde_json::from_str(&outcome.stderr)?;
    ensure!(outcome.code == 4 && failure["error"]["class"] == "CannotAuthenticate", "{outcome:?}");
    ensure!(failure["error"]["hint"].as_str().is_some_and(|hint| hint.ends_with("`rucio doctor`.")), "{failure}");
    Ok(())
}

#[test]
fn login_without_verification_of_the_server_is_none() -> Result<()> {
    let home = Home::new()?;
    let outcome = home.ours().config("userpass")?.args(["--insecure", "-a", "jdoe", "login"]).run()?;
    ensure!(outcome.code == 4 && outcome.stdout.is_empty() && !home.token_file().exists(), "{outcome:?}");
    ensure!(outcome.stderr.contains("`rucio --account jdoe login`"), "{outcome:?}");
    Ok(())
}
