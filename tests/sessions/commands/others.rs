//! Other commands that need a login print the exact command, with the options that were given.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{alone, asked_for, run, shown, without_password};
use crate::fixtures::Home;
use crate::support::Testbed;

#[test]
fn login_hint_repeats_the_options_for_a_shell() -> Result<()> {
    let home = Home::new()?;
    let config = without_password(&home)?;
    let copy = home.path().join("with blank.cfg");
    std::fs::rename(config, &copy)?;
    let (copy, url) = (copy.to_string_lossy().into_owned(), Testbed::get()?.value("URL")?);
    let words =
        ["--config", &copy, "-a=jdoe", "-H", url, "--auth-host", url, "--user", "jdoe", "-R", "-v", "rse", "list"];
    let outcome = alone(&home, "".as_ref(), &words)?;
    let expected = format!("rucio --config '{copy}' -H {url} --auth-host {url} --account jdoe --user jdoe login");
    ensure!(outcome.code == 1 && asked_for(&outcome.stderr)? == expected, "{outcome:?}");
    Ok(())
}

#[test]
fn login_hint_never_repeats_passwords() -> Result<()> {
    let outcome = run(&Home::new()?, "userpass", &["--password", "wr0ng", "--account", "jdoe", "list-rses"])?;
    ensure!(outcome.code == 1 && outcome.stdout.is_empty() && !outcome.stderr.contains("wr0ng"), "{outcome:?}");
    ensure!(outcome.stderr.contains("To find out why: `rucio --account jdoe doctor`."), "{outcome:?}");
    let outcome = run(&Home::new()?, "userpass", &["-o", "json", "--password", "wr0ng", "ping"])?;
    let failure: Value = serde_json::from_str(&outcome.stderr)?;
    ensure!(
        failure["error"]["hint"].as_str().is_some_and(|hint| hint.ends_with("To find out why: `rucio doctor`.")),
        "{failure}"
    );
    Ok(())
}

#[test]
fn login_hint_is_not_given_for_other_errors() -> Result<()> {
    let home = Home::new()?;
    for (words, code) in [(&["rse", "show", "NOSUCH"][..], 1), (&["rse", "add", "NOSUCH-RSE"], 2)] {
        let outcome = run(&home, "userpass", words)?;
        ensure!(outcome.code == code && !outcome.stderr.contains("rucio login"), "{outcome:?}");
    }
    Ok(())
}

/// Official commands also prompt on a terminal.
#[test]
fn session_is_used_by_official_commands() -> Result<()> {
    let home = Home::new()?;
    shown(&home, "userpass", &["login"])?;
    let config = without_password(&home)?;
    let outcome = alone(&home, config.as_ref(), &["whoami"])?;
    ensure!(outcome.code == 0 && outcome.stdout.contains("account    : jdoe"), "{outcome:?}");
    let admin = home.ours().started_by(&["setsid", "--wait"]).env("RUCIO_CONFIG", &config);
    let admin = admin.args(["-a", "alice", "admin", "account", "info", "jdoe"]).run()?;
    ensure!(
        admin.code == 1
            && asked_for(admin.stderr.split_once("Hint:").context("no hint")?.1)? == "rucio --account alice login",
        "{admin:?}"
    );
    Ok(())
}
