//! Commands of sessions where no server is needed, or one that no real one is like.

use anyhow::{Result, ensure};

use crate::fixtures::{Answer, Home, Server, asked_for};

/// What a server answers to `GET /auth/validate` for a good token of this account.
fn dict(account: &str) -> String {
    format!(
        "{{'account': '{account}', 'identity': 'jdoe', 'lifetime': datetime.datetime(2099, 1, 2, 3, 4, 5, 6), \
         'audience': None, 'authz_scope': None, 'vo': 'def'}}"
    )
}

/// The real server never issues a token of another account than requested; another one may.
#[test]
fn login_as_another_account_is_refused_and_forgotten() -> Result<()> {
    let home = Home::new()?;
    let server = Server::start(|_, _| Answer::new(200, "", &dict("other")))?;
    let outcome = server.client(&home)?.args(["login"]).run()?;
    ensure!(outcome.code == 4 && outcome.stdout.is_empty(), "{outcome:?}");
    ensure!(outcome.stderr.contains("Logged in as other, but jdoe was requested."), "{outcome:?}");
    ensure!(asked_for(&outcome.stderr)? == "rucio --account other login", "{outcome:?}");
    ensure!(!home.token_file().exists());
    ensure!(!home.record_file().exists());
    Ok(())
}

#[test]
fn login_fails_on_a_response_that_is_none() -> Result<()> {
    for body in ["<html>Captive portal</html>", "{'account': 'jdoe'", "", "__import__('os').system('id')"] {
        let server = Server::start(move |_, _| Answer::new(200, "", body))?;
        let outcome = server.client(&Home::new()?)?.args(["login"]).run()?;
        ensure!(outcome.code == 1 && outcome.stderr.contains("GET /auth/validate"), "{body}: {outcome:?}");
    }
    Ok(())
}

#[test]
fn setup_is_suggested_where_no_configuration_is_found() -> Result<()> {
    let home = Home::new()?;
    let outcome = home.ours().args(["-H", "https://h/x y", "--account", "kim", "whoami"]).run()?;
    let own = home.path().join(".config/rucio/rucio.cfg");
    ensure!(outcome.stderr.contains(&format!("/opt/rucio/etc/rucio.cfg\n\t{}\n", own.display())), "{outcome:?}");
    let command = asked_for(&outcome.stderr)?;
    ensure!(command == "rucio -H 'https://h/x y' --account kim login --setup", "{outcome:?}");
    Ok(())
}

#[test]
fn session_show_does_not_log_in_where_the_server_is_down() -> Result<()> {
    let home = Home::new()?;
    let config = home.config(
        "rucio_host = http://127.0.0.1:1\nauth_host = http://127.0.0.1:1\nauth_type = userpass\nusername = jdoe\n\
         password = x\naccount = jdoe",
    )?;
    home.keep_token("jdoe-jdoe-unknown-00000000000000000000000000000000")?;
    let ours = || home.ours().env("RUCIO_CONFIG", &config);
    let outcome = ours().args(["session", "show"]).run()?;
    ensure!(outcome.code == 1 && outcome.stderr.contains("Cannot connect to the Rucio server."), "{outcome:?}");
    ensure!(ours().args(["session", "show", "--offline"]).run()?.code == 0);
    Ok(())
}

#[test]
fn configuration_that_was_named_is_missing() -> Result<()> {
    let ours = Home::new()?.ours().env("RUCIO_CONFIG", "/nowhere/rucio.cfg").args(["list-scopes"]).run()?;
    ensure!(ours.code == 1 && ours.stderr.contains("/nowhere/rucio.cfg cannot be read: No such file"), "{ours:?}");
    Ok(())
}
