//! `rucio session show`.

use anyhow::{Result, ensure};
use serde_json::Value;

use super::{LINK, asked_for, change_record, in_browser, json, run, shown};
use crate::fixtures::{AccessLog, Home};
use crate::support::{Testbed, unique};

#[test]
fn session_show_asks_the_server() -> Result<()> {
    let home = Home::new()?;
    shown(&home, "x509", &["login"])?;
    let text = shown(&home, "x509", &["session", "show"])?;
    let names: Vec<_> = text.lines().filter_map(|line| line.split(" : ").next()).map(str::trim).collect();
    let expected = [
        "host",
        "auth host",
        "account",
        "identity",
        "VO",
        "method",
        "token",
        "logged in",
        "expires",
        "time left",
        "state",
    ];
    ensure!(names == expected, "{text}");
    ensure!(text.contains("identity   : CN=John Doe,O=Testbed\n"), "{text}");
    Ok(())
}

#[test]
fn session_show_has_all_fields_in_records() -> Result<()> {
    let home = Home::new()?;
    shown(&home, "userpass", &["login"])?;
    let record = json(&home, "userpass", &["session", "show"])?;
    let names: Vec<_> = record.as_object().map(|fields| fields.keys().cloned().collect()).unwrap_or_default();
    let expected = "host auth_host account identity vo auth_type source scope audience issued_at expires_at seconds_left \
                    state checked";
    ensure!(names.join(" ") == expected, "{record}");
    ensure!(record["host"] == Testbed::get()?.value("URL")? && record["checked"] == true, "{record}");
    let offline = json(&home, "userpass", &["session", "show", "--offline"])?;
    ensure!(offline["checked"] == false && offline["expires_at"] == record["expires_at"], "{offline}");
    Ok(())
}

/// A login by another method moves the token to another file, which does not change when it was obtained.
#[test]
fn session_show_has_the_time_of_the_login_after_another_one() -> Result<()> {
    let home = Home::new()?;
    shown(&home, "userpass", &["login"])?;
    change_record(&home, |record| record["since"] = 1_700_000_000.into())?;
    shown(&home, "x509", &["login"])?;
    let record = json(&home, "userpass", &["session", "show", "--offline"])?;
    ensure!(record["issued_at"] == "2023-11-14T22:13:20Z", "{record}");
    // Nobody knows when the official client logged in.
    let home = Home::new()?;
    ensure!(home.official()?.config("userpass")?.args(["whoami"]).run()?.code == 0);
    shown(&home, "userpass", &["whoami"])?;
    let record = json(&home, "userpass", &["session", "show", "--offline"])?;
    ensure!(record["issued_at"].is_null(), "{record}");
    Ok(())
}

#[test]
fn session_show_offline_asks_no_server() -> Result<()> {
    let (home, agent) = (Home::new()?, unique("offline"));
    shown(&home, "userpass", &["--user-agent", &agent, "login"])?;
    let text = shown(&home, "userpass", &["--user-agent", &agent, "session", "show", "--offline"])?;
    ensure!(text.contains("state      : valid (not verified with the server)"), "{text}");
    shown(&home, "userpass", &["--user-agent", &agent, "whoami"])?;
    let lines = AccessLog::of("apache")?.of_agent(&agent, "GET /accounts/jdoe")?;
    let checks = lines.iter().filter(|line| line.request == "GET /auth/validate").count();
    ensure!(checks == 1, "that of the login: {lines:?}");
    Ok(())
}

#[test]
fn session_show_does_not_log_in() -> Result<()> {
    let home = Home::new()?;
    for words in [&["session", "show"][..], &["session", "show", "--offline"]] {
        let outcome = run(&home, "userpass", words)?;
        ensure!(outcome.code == 4 && outcome.stdout.is_empty(), "{outcome:?}");
        ensure!(outcome.stderr.contains("No session of account jdoe with userpass at https://"), "{outcome:?}");
        ensure!(asked_for(&outcome.stderr)? == "rucio login", "{outcome:?}");
    }
    ensure!(!home.token_file().exists());
    let outcome = run(&home, "userpass", &["-a", "alice", "-o", "json", "session", "show"])?;
    let failure: Value = serde_json::from_str(&outcome.stderr)?;
    ensure!(failure["error"]["hint"] == "Run `rucio --account alice login`.");
    ensure!(failure["error"]["exit_code"] == 4);
    Ok(())
}

#[test]
fn session_show_reports_an_expired_session() -> Result<()> {
    let home = Home::new()?;
    shown(&home, "userpass", &["login"])?;
    change_record(&home, |record| record["expires"] = 1_000_000_000.into())?;
    let outcome = run(&home, "userpass", &["session", "show"])?;
    ensure!(outcome.code == 4 && outcome.stdout.contains("state      : expired\n"), "{outcome:?}");
    ensure!(outcome.stdout.contains("expires    : 2001-09-09 01:46:40 UTC\n"), "{outcome:?}");
    ensure!(outcome.stderr.contains("has expired") && asked_for(&outcome.stderr)? == "rucio login", "{outcome:?}");
    let outcome = run(&home, "userpass", &["-o", "json", "session", "show"])?;
    let record: Value = serde_json::from_str(&outcome.stdout)?;
    ensure!(outcome.code == 4 && record["state"] == "expired" && record["seconds_left"] == 0, "{outcome:?}");
    Ok(())
}

#[test]
fn session_show_reports_a_token_that_the_server_refuses() -> Result<()> {
    let home = Home::new()?;
    home.keep_token("jdoe-jdoe-unknown-00000000000000000000000000000000")?;
    let outcome = run(&home, "userpass", &["session", "show"])?;
    ensure!(outcome.code == 4 && outcome.stdout.contains("state      : rejected by the server\n"), "{outcome:?}");
    ensure!(asked_for(&outcome.stderr)? == "rucio login", "{outcome:?}");
    let offline = shown(&home, "userpass", &["session", "show", "--offline"])?;
    ensure!(offline.contains("state      : unknown (not verified with the server)\n"), "{offline}");
    Ok(())
}

/// The server stores no identity with the token of an SSH key.
#[test]
fn session_show_has_no_identity_for_an_ssh_key() -> Result<()> {
    let home = Home::new()?;
    let text = shown(&home, "ssh", &["login"])?;
    ensure!(text.contains("method     : ssh\n") && !text.contains("identity "), "{text}");
    let record = json(&home, "ssh", &["session", "show"])?;
    ensure!(record["state"] == "valid" && record["identity"].is_null() && record["account"] == "jdoe", "{record}");
    let links = json(&home, "ssh", &["whoami", "--linked-identities"])?;
    ensure!(links["identity"].is_null());
    ensure!(links["linked_identities"].as_array().is_some_and(|all| all.len() > 3));
    Ok(())
}

/// The token of a provider contains scopes and audience, also without the server.
#[test]
fn session_show_has_scope_and_audience_of_a_providers_token() -> Result<()> {
    let home = Home::new()?;
    let config = Testbed::get()?.config("oidc")?.to_string_lossy().into_owned();
    let screen = in_browser(&home, &config, &["login", "--no-browser"], LINK)?;
    ensure!(screen.contains("method     : oidc"), "{screen}");
    for words in [&["session", "show"][..], &["session", "show", "--offline"]] {
        let record = json(&home, "oidc", words)?;
        let issuer = Testbed::get()?.value("OIDC")?;
        ensure!(record["identity"] == format!("SUB=jdoe, ISS={issuer}"), "{record}");
        ensure!(record["audience"] == "rucio" && record["state"] == "valid", "{record}");
        ensure!(record["scope"].as_str().is_some_and(|scope| scope.contains("openid")), "{record}");
    }
    Ok(())
}
