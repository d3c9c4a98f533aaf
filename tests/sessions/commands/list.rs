//! `rucio session list`.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::{change_record, json, run, shown};
use crate::fixtures::{Home, USER};
use crate::support::Testbed;

#[test]
fn session_list_has_a_row_for_every_server_account_and_method() -> Result<()> {
    let home = Home::new()?;
    let certs = Testbed::get()?.value("CERTS")?;
    let (cert, key) = (format!("{certs}/root.pem"), format!("{certs}/root.key.pem"));
    shown(&home, "userpass", &["login"])?;
    shown(&home, "second", &["login"])?;
    shown(&home, "x509", &["-a", "root", "--certificate", &cert, "--client-key", &key, "login"])?;
    let text = shown(&home, "second", &["session", "list"])?;
    let (first, second) = (Testbed::get()?.value("URL")?, Testbed::get()?.value("SECOND_URL")?);
    let rows: Vec<Vec<_>> = text.lines().skip(2).map(|line| line.split_whitespace().take(5).collect()).collect();
    ensure!(rows.len() == 3, "{text}");
    for row in [
        &["*", second, "jdoe", "userpass", "valid"][..],
        &[first, "jdoe", "userpass", "valid"],
        &[first, "root", "x509", "valid"],
    ] {
        ensure!(rows.iter().any(|found| found.starts_with(row)), "no {row:?} in\n{text}");
    }
    ensure!(text.starts_with("    HOST "), "{text}");
    let mut names: Vec<_> =
        shown(&home, "userpass", &["session", "list", "-o", "name"])?.lines().map(str::to_owned).collect();
    names.sort();
    ensure!(names == ["jdoe", "jdoe", "root"], "{names:?}");
    Ok(())
}

#[test]
fn session_list_has_records() -> Result<()> {
    let home = Home::new()?;
    ensure!(json(&home, "userpass", &["session", "list"])? == serde_json::json!([]));
    ensure!(
        shown(&home, "userpass", &["session", "list", "-o", "csv"])?.starts_with("current,host,auth_host,account,")
    );
    shown(&home, "userpass", &["login"])?;
    let list = json(&home, "userpass", &["session", "list"])?;
    let row = &list[0];
    ensure!(row["current"] == true && row["account"] == "jdoe" && row["checked"] == false, "{list}");
    let lines = shown(&home, "userpass", &["session", "list", "-o", "jsonl"])?;
    ensure!(serde_json::from_str::<Value>(&lines)?["source"] == row["source"], "{lines}");
    Ok(())
}

#[test]
fn session_list_that_is_empty_names_the_login_command() -> Result<()> {
    let text = shown(&Home::new()?, "userpass", &["session", "list"])?;
    ensure!(text == "No saved sessions. To log in: `rucio login`\n", "{text}");
    Ok(())
}

#[test]
fn session_list_shows_expired_sessions() -> Result<()> {
    let home = Home::new()?;
    shown(&home, "userpass", &["login"])?;
    change_record(&home, |record| record["expires"] = 1_000_000_000.into())?;
    let row = json(&home, "userpass", &["session", "list"])?[0].clone();
    ensure!(row["state"] == "expired" && row["current"] == true, "{row}");
    Ok(())
}

#[test]
fn session_list_shows_the_official_clients_session() -> Result<()> {
    let home = Home::new()?;
    let outcome = home.official()?.config("userpass")?.args(["whoami"]).run()?;
    ensure!(outcome.code == 0, "{outcome:?}");
    // Seen from another account, whose commands do not use it, nothing is known but its account.
    let list = json(&home, "userpass", &["-a", "root", "session", "list"])?;
    ensure!(list[0]["account"] == "jdoe" && list[0]["host"].is_null() && list[0]["state"] == "unknown", "{list}");
    let list = json(&home, "userpass", &["session", "list"])?;
    ensure!(list[0]["account"] == "jdoe" && list[0]["current"] == true, "{list}");
    ensure!(list[0]["host"] == Testbed::get()?.value("URL")?, "{list}");
    Ok(())
}

#[test]
fn session_list_shows_other_vos() -> Result<()> {
    let home = Home::new()?;
    shown(&home, "userpass", &["login"])?;
    let other = home.path().join(USER).join(format!(".rucio_{USER}@atl"));
    fs::rename(home.token_folder(), &other)?;
    let list = json(&home, "userpass", &["session", "list"])?;
    ensure!(list[0]["source"].as_str().is_some_and(|source| source.contains("@atl/")), "{list}");
    Ok(())
}

#[test]
fn session_list_ignores_a_folder_that_others_may_write_to() -> Result<()> {
    let home = Home::new()?;
    shown(&home, "userpass", &["login"])?;
    fs::set_permissions(home.token_folder(), Permissions::from_mode(0o777))?;
    let outcome = run(&home, "userpass", &["-o", "json", "session", "list"])?;
    ensure!(outcome.code == 0 && outcome.stdout == "[]\n", "{outcome:?}");
    Ok(())
}

#[test]
fn session_list_works_with_a_configuration_that_cannot_log_in() -> Result<()> {
    let home = Home::new()?;
    shown(&home, "userpass", &["login"])?;
    let outcome =
        run(&home, "userpass", &["-S", "x509", "--certificate", "/nowhere", "session", "list", "-o", "name"])?;
    ensure!(outcome.code == 0 && outcome.stdout == "jdoe\n", "{outcome:?}");
    Ok(())
}
