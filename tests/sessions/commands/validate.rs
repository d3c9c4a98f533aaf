//! `rucio auth validate`.

use std::fs;

use anyhow::{Result, ensure};

use super::{asked_for, json, run, shell, shown};
use crate::fixtures::Home;

#[test]
fn session_validate_shows_what_the_server_says() -> Result<()> {
    let home = Home::new()?;
    shown(&home, "x509", &["login"])?;
    let text = shown(&home, "x509", &["auth", "validate"])?;
    let names: Vec<_> = text.lines().filter_map(|line| line.split(" : ").next()).map(str::trim_end).collect();
    ensure!(names == ["account", "identity", "lifetime", "audience", "authz_scope", "vo"], "{text}");
    let record = json(&home, "x509", &["auth", "validate"])?;
    ensure!(record["account"] == "jdoe" && record["identity"] == "CN=John Doe,O=Testbed", "{record}");
    ensure!(record["lifetime"].as_str().is_some_and(|end| end.starts_with("20") && end.ends_with('Z')), "{record}");
    ensure!(shown(&home, "x509", &["auth", "validate", "-o", "name"])? == "jdoe\n");
    let csv = shown(&home, "x509", &["auth", "validate", "-o", "csv"])?;
    ensure!(
        csv.starts_with("account,identity,lifetime,audience,authz_scope,vo\njdoe,\"CN=John Doe,O=Testbed\",2"),
        "{csv}"
    );
    Ok(())
}

#[test]
fn session_validate_takes_a_token_on_standard_input() -> Result<()> {
    let (owner, home) = (Home::new()?, Home::new()?);
    shown(&owner, "userpass", &["token"])?;
    fs::write(home.path().join("token"), format!("{}\n", owner.token()?))?;
    let outcome = shell(&home, "userpass", "rucio auth validate - <$HOME/token")?;
    ensure!(outcome.code == 0 && outcome.stdout.starts_with("account     : jdoe\n"), "{outcome:?}");
    ensure!(!home.token_file().exists(), "it is not kept");
    let outcome = shell(&home, "userpass", "echo jdoe-jdoe-unknown-0 | rucio auth validate -")?;
    ensure!(outcome.code == 4 && outcome.stdout.is_empty(), "{outcome:?}");
    ensure!(
        outcome.stderr.contains("does not know this token, or it has expired") && !outcome.stderr.contains("NoneType"),
        "{outcome:?}"
    );
    let outcome = shell(&home, "userpass", "rucio auth validate - </dev/null")?;
    ensure!(outcome.code == 1 && outcome.stderr.contains("No token on standard input"), "{outcome:?}");
    let outcome = shell(&home, "userpass", "printf 'two\\nlines' | rucio auth validate -")?;
    ensure!(outcome.code == 1 && !outcome.stderr.contains("two"), "{outcome:?}");
    Ok(())
}

#[test]
fn session_validate_refuses_a_token_on_the_command_line() -> Result<()> {
    let outcome = run(&Home::new()?, "userpass", &["auth", "validate", "jdoe-jdoe-unknown-0123"])?;
    ensure!(outcome.code == 1 && outcome.stderr.contains("on standard input"), "{outcome:?}");
    ensure!(!outcome.stderr.contains("0123") && !outcome.stdout.contains("0123"), "{outcome:?}");
    Ok(())
}

#[test]
fn session_validate_does_not_log_in() -> Result<()> {
    let home = Home::new()?;
    let outcome = run(&home, "userpass", &["auth", "validate"])?;
    ensure!(outcome.code == 4 && asked_for(&outcome.stderr)? == "rucio login", "{outcome:?}");
    ensure!(!home.token_file().exists());
    Ok(())
}

#[test]
fn session_validate_of_a_refused_token_ends_with_4() -> Result<()> {
    let home = Home::new()?;
    home.keep_token("jdoe-jdoe-unknown-00000000000000000000000000000000")?;
    let outcome = run(&home, "userpass", &["auth", "validate"])?;
    ensure!(outcome.code == 4 && asked_for(&outcome.stderr)? == "rucio login", "{outcome:?}");
    Ok(())
}
