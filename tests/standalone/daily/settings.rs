//! `rucio settings`: the local configuration.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::expect;
use crate::fixtures::Home;
use crate::support::Outcome;

const FILE: &str =
    "# mine\n[client]\nrucio_host = https://a\nauth_host = https://a\n#account = kim\npassword = secret\n[trace]\n";

/// A home with this configuration.
fn home(text: &str) -> Result<Home> {
    let home = Home::new()?;
    fs::write(home.path().join("rucio.cfg"), text)?;
    fs::set_permissions(home.path().join("rucio.cfg"), fs::Permissions::from_mode(0o640))?;
    Ok(home)
}

fn run(home: &Home, words: &[&str], variables: &[(&str, &str)]) -> Result<Outcome> {
    let config = home.path().join("rucio.cfg");
    let client = home.ours().env("RUCIO_CONFIG", &config.to_string_lossy()).args(["settings"]).args(words);
    variables.iter().fold(client, |client, (name, value)| client.env(name, value)).run()
}

#[test]
fn settings_list_shows_values_in_force_with_their_origin() -> Result<()> {
    let home = home(FILE)?;
    let path = home.path().join("rucio.cfg").to_string_lossy().into_owned();
    let outcome = run(&home, &["list", "--show-origin"], &[("RUCIO_ACCOUNT", "lee")])?;
    expect(&outcome, 0)?;
    let expected = format!(
        "{path}:3\tclient.rucio_host=https://a\n{path}:4\tclient.auth_host=https://a\n{path}:6\tclient.password=[hidden]\n\
         the variable RUCIO_ACCOUNT\tclient.account=lee\n"
    );
    ensure!(outcome.stdout == expected, "{}", outcome.stdout);
    let record: Value = serde_json::from_str(&run(&home, &["list", "--limit", "1", "-o", "json"], &[])?.stdout)?;
    let origin = format!("{path}:3");
    let first = json!([{"section": "client", "option": "rucio_host", "value": "https://a", "origin": origin}]);
    ensure!(record == first, "{record}");
    Ok(())
}

#[test]
fn settings_get_shows_one_value() -> Result<()> {
    let home = home(FILE)?;
    let host = run(&home, &["get", "client.rucio_host"], &[])?;
    ensure!(host.code == 0 && host.stdout == "https://a\n", "{host:?}");
    let password = run(&home, &["get", "password"], &[])?;
    ensure!(password.stdout == "[hidden]\n", "{password:?}");
    let missing = run(&home, &["get", "vo"], &[])?;
    ensure!(missing.code == 1 && missing.stdout.is_empty() && missing.stderr.contains("vo"), "{missing:?}");
    Ok(())
}

#[test]
fn settings_set_changes_one_line_only() -> Result<()> {
    let home = home(FILE)?;
    let file = home.path().join("rucio.cfg");
    for (words, expected) in [
        (["set", "account", "jdoe"], FILE.replace("#account = kim\n", "#account = kim\naccount = jdoe\n")),
        (["set", "account", "lee"], FILE.replace("#account = kim\n", "#account = kim\naccount = lee\n")),
    ] {
        let outcome = run(&home, &words, &[])?;
        expect(&outcome, 0)?;
        ensure!(outcome.stdout.is_empty(), "{outcome:?}");
        ensure!(fs::read_to_string(&file)? == expected, "{}", fs::read_to_string(&file)?);
    }
    expect(&run(&home, &["unset", "account"], &[])?, 0)?;
    ensure!(fs::read_to_string(&file)? == FILE && run(&home, &["unset", "account"], &[])?.code == 1);
    let mode = file.metadata()?.permissions().mode() & 0o777;
    ensure!(mode == 0o640, "{mode:o}");
    Ok(())
}

#[test]
fn settings_set_creates_a_configuration() -> Result<()> {
    let home = Home::new()?;
    let outcome = home.ours().args(["settings", "set", "rucio_host", "https://r"]).run()?;
    expect(&outcome, 0)?;
    let file = home.path().join(".config/rucio/rucio.cfg");
    ensure!(fs::read_to_string(&file)? == "[client]\nrucio_host = https://r\n");
    ensure!(file.metadata()?.permissions().mode() & 0o777 == 0o600);
    Ok(())
}

#[test]
fn settings_set_refuses_unknown_options() -> Result<()> {
    let home = home(FILE)?;
    for (option, hint) in [
        ("acount", "Did you mean account?"),
        ("trace_host", "Did you mean trace.trace_host?"),
        ("upload.transfer_timeut", "Did you mean upload.transfer_timeout?"),
        ("nosuch.option", "client, cli, common"),
    ] {
        let outcome = run(&home, &["set", option, "x"], &[])?;
        ensure!(outcome.code == 1 && outcome.stderr.contains(hint), "{option}: {outcome:?}");
    }
    ensure!(fs::read_to_string(home.path().join("rucio.cfg"))? == FILE);
    expect(&run(&home, &["set", "--force", "policy.own", "x"], &[])?, 0)
}

#[test]
fn settings_validate_reports_mistakes() -> Result<()> {
    let good = FILE.replace("password = secret", "auth_type = userpass\nusername = kim");
    let outcome = run(&home(&good)?, &["validate"], &[])?;
    ensure!(outcome.code == 0 && outcome.stdout.contains("no errors"), "{outcome:?}");
    let bad = home(&good.replace("username", "acount").replace("rucio_host = https://a", "rucio_host = a"))?;
    let outcome = run(&bad, &["validate"], &[])?;
    ensure!(outcome.code == 1, "{outcome:?}");
    for part in ["line 7: unknown option 'acount'", "Did you mean account?", "rucio_host"] {
        ensure!(outcome.stdout.contains(part), "no {part:?} in {}", outcome.stdout);
    }
    Ok(())
}
