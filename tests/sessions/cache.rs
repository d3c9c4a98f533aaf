//! The token cache: filled once by concurrent processes, shared with the official client, trusted only if other users
//! cannot access it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::fixtures::{AccessLog, Home, Line, USER, WHOAMI, wait_for};
use crate::support::{Outcome, Rucio, Testbed, unique};

fn mode(path: &Path) -> Result<u32> {
    Ok(fs::symlink_metadata(path)?.permissions().mode() & 0o777)
}

/// Runs whoami on the first server, as jdoe. Returns all requests.
fn whoami(client: Rucio) -> Result<(Outcome, Vec<Line>)> {
    let agent = unique("cache");
    let outcome = client.config("userpass")?.args(["--user-agent", &agent, "whoami"]).run()?;
    ensure!(outcome.code == 0 && outcome.stdout.contains("account    : jdoe"), "{outcome:?}");
    Ok((outcome, AccessLog::of("apache")?.of_agent(&agent, WHOAMI[1].0)?))
}

fn logins(lines: &[Line]) -> usize {
    lines.iter().filter(|line| line.is_login()).count()
}

#[test]
fn cache_gives_fifty_processes_one_token() -> Result<()> {
    let (home, agent) = (Home::new()?, unique("fifty"));
    let outcomes: Vec<Result<Outcome>> = std::thread::scope(|scope| {
        let start = || home.ours().config("userpass")?.args(["--user-agent", &agent, "whoami"]).run();
        let running: Vec<_> = (0..50).map(|_| scope.spawn(start)).collect();
        running.into_iter().map(|run| run.join().expect("a run does not panic")).collect()
    });
    ensure!(outcomes.len() == 50);
    for outcome in outcomes {
        let outcome = outcome?;
        ensure!(outcome.code == 0 && outcome.stderr.is_empty(), "{outcome:?}");
        ensure!(outcome.stdout.contains("account    : jdoe"), "{outcome:?}");
    }
    ensure!(mode(&home.token_folder())? == 0o700);
    ensure!(mode(&home.token_file())? == 0o600);
    ensure!(mode(&home.record_file())? == 0o600);
    let lines = wait_for("the log of all fifty", || {
        let lines = AccessLog::of("apache")?.of_agent(&agent, WHOAMI[1].0)?;
        Ok((lines.iter().filter(|line| line.seen() == WHOAMI[1]).count() == 50).then_some(lines))
    })?;
    ensure!(logins(&lines) == 1, "{} logins", logins(&lines));
    let token = home.token()?;
    ensure!(lines.iter().filter(|line| !line.is_login()).all(|line| line.token == token && line.status != 401));
    let record: Value = serde_json::from_slice(&fs::read(home.record_file())?)?;
    let testbed = Testbed::get()?;
    ensure!(record["host"] == testbed.value("URL")? && record["auth_type"] == "userpass", "{record}");
    ensure!(record["expires"].is_i64(), "{record}");
    let names: Vec<_> =
        fs::read_dir(home.token_folder())?.map(|entry| Ok(entry?.file_name())).collect::<Result<_>>()?;
    ensure!(names.len() == 3, "nothing is left lying about: {names:?}");
    Ok(())
}

#[test]
fn cache_token_of_ours_is_used_by_the_official_client() -> Result<()> {
    let home = Home::new()?;
    let (_, ours) = whoami(home.ours())?;
    ensure!(logins(&ours) == 1);
    let token = home.token()?;
    let (_, theirs) = whoami(home.official()?)?;
    ensure!(logins(&theirs) == 0 && theirs.iter().all(|line| line.token == token), "{theirs:?}");
    ensure!(home.token()? == token);
    Ok(())
}

#[test]
fn cache_token_of_the_official_client_is_used_by_us() -> Result<()> {
    let home = Home::new()?;
    let (_, theirs) = whoami(home.official()?)?;
    ensure!(logins(&theirs) == 1);
    ensure!(!home.record_file().exists());
    let token = home.token()?;
    for _ in 0..2 {
        let (outcome, ours) = whoami(home.ours())?;
        ensure!(outcome.stderr.is_empty(), "{outcome:?}");
        ensure!(logins(&ours) == 0 && ours.iter().all(|line| line.token == token), "{ours:?}");
    }
    ensure!(home.token()? == token);
    Ok(())
}

#[test]
fn cache_token_that_is_refused_is_replaced_once() -> Result<()> {
    let home = Home::new()?;
    home.keep_token("jdoe-jdoe-unknown-00000000000000000000000000000000")?;
    let (outcome, lines) = whoami(home.ours())?;
    ensure!(outcome.stderr.is_empty(), "{outcome:?}");
    let seen: Vec<_> = lines.iter().map(Line::seen).collect();
    ensure!(seen == [(WHOAMI[0].0, 401), ("GET /auth/userpass", 200), WHOAMI[0], WHOAMI[1]], "{seen:?}");
    ensure!(lines[2].token == home.token()?);
    let (_, lines) = whoami(home.ours())?;
    ensure!(logins(&lines) == 0 && lines.len() == 2, "{lines:?}");
    Ok(())
}

#[test]
fn cache_token_that_expired_is_not_sent() -> Result<()> {
    let home = Home::new()?;
    whoami(home.ours())?;
    let token = home.token()?;
    let mut record: Value = serde_json::from_slice(&fs::read(home.record_file())?)?;
    record["expires"] = 1_000_000_000.into();
    fs::write(home.record_file(), record.to_string())?;
    let (_, lines) = whoami(home.ours())?;
    ensure!(logins(&lines) == 1 && lines.iter().all(|line| line.token != token && line.status != 401), "{lines:?}");
    Ok(())
}

#[test]
fn cache_garbage_is_replaced() -> Result<()> {
    for garbage in ["", "\n", "two words", "two\nlines", "\u{1b}[31m", "<html>", "é"] {
        let home = Home::new()?;
        home.keep_token(garbage)?;
        let (_, lines) = whoami(home.ours())?;
        ensure!(logins(&lines) == 1, "{garbage:?}: {lines:?}");
        ensure!(home.token()?.starts_with("jdoe-jdoe-"), "{garbage:?}");
    }
    Ok(())
}

/// The token of a certificate contains its subject, including blanks.
#[test]
fn cache_keeps_the_token_of_a_certificate() -> Result<()> {
    let home = Home::new()?;
    for (config, wanted) in [("x509", 1), ("x509", 0), ("x509_proxy", 1), ("x509_proxy", 0)] {
        let agent = unique("subject");
        let outcome = home.ours().config(config)?.args(["--user-agent", &agent, "whoami"]).run()?;
        ensure!(outcome.code == 0 && outcome.stderr.is_empty(), "{outcome:?}");
        let lines = AccessLog::of("apache")?.of_agent(&agent, WHOAMI[1].0)?;
        ensure!(logins(&lines) == wanted, "{config}: {lines:?}");
        ensure!(home.token()?.starts_with("jdoe-CN=John Doe,O=Testbed-"), "{}", home.token()?);
    }
    Ok(())
}

#[test]
fn cache_token_may_end_with_a_newline() -> Result<()> {
    let home = Home::new()?;
    whoami(home.ours())?;
    let token = home.token()?;
    home.keep_token(&format!("{token}\n"))?;
    let (outcome, lines) = whoami(home.ours())?;
    ensure!(outcome.stderr.is_empty());
    ensure!(logins(&lines) == 0);
    ensure!(lines.iter().all(|line| line.token == token));
    Ok(())
}

/// Changes something about a good cache, and runs again: the token must not be used, and the reason printed once.
fn distrusted(reason: &str, change: impl FnOnce(&Home) -> Result<()>) -> Result<Home> {
    let home = Home::new()?;
    whoami(home.ours())?;
    let token = home.token()?;
    change(&home)?;
    let (outcome, lines) = whoami(home.ours())?;
    ensure!(outcome.stderr.matches(reason).count() > 0, "{reason}: {}", outcome.stderr);
    ensure!(outcome.stderr.matches("is not used").count() == 1, "{reason}: {}", outcome.stderr);
    ensure!(logins(&lines) == 1 && lines.iter().all(|line| line.token != token), "{reason}: {lines:?}");
    Ok(home)
}

#[test]
fn cache_token_that_others_may_read_is_used_with_a_warning() -> Result<()> {
    let home = Home::new()?;
    whoami(home.ours())?;
    fs::set_permissions(home.token_file(), Permissions::from_mode(0o644))?;
    let (outcome, lines) = whoami(home.ours())?;
    let warning =
        format!("The token {0} is open to others (mode 644). Run `chmod 600 {0}`.", home.token_file().display());
    ensure!(outcome.stderr.matches(&warning).count() == 1 && logins(&lines) == 0, "{outcome:?}");
    Ok(())
}

#[test]
fn cache_token_that_others_may_write_is_replaced_by_a_private_one() -> Result<()> {
    let change = |home: &Home| Ok(fs::set_permissions(home.token_file(), Permissions::from_mode(0o622))?);
    let home = distrusted("is open to others (mode 622)", change)?;
    ensure!(mode(&home.token_file())? == 0o600);
    let (outcome, lines) = whoami(home.ours())?;
    ensure!(outcome.stderr.is_empty() && logins(&lines) == 0, "the new one is used: {outcome:?}");
    Ok(())
}

#[test]
fn cache_folder_that_others_may_write_to_is_not_used() -> Result<()> {
    let change = |home: &Home| Ok(fs::set_permissions(home.token_folder(), Permissions::from_mode(0o777))?);
    let home = distrusted("is open to others (mode 777)", change)?;
    ensure!(mode(&home.token_folder())? == 0o777, "it is not ours to change");
    Ok(())
}

#[test]
fn cache_follows_no_symbolic_links() -> Result<()> {
    distrusted("is a symbolic link", |home| {
        let elsewhere = home.path().join("elsewhere");
        fs::rename(home.token_folder(), &elsewhere)?;
        Ok(symlink(elsewhere, home.token_folder())?)
    })?;
    let home = distrusted("is a symbolic link", |home| {
        let elsewhere = home.path().join("elsewhere");
        fs::rename(home.token_file(), &elsewhere)?;
        Ok(symlink(elsewhere, home.token_file())?)
    })?;
    ensure!(!fs::symlink_metadata(home.token_file())?.is_symlink(), "replaced by a file of its own");
    Ok(())
}

/// The testbed needs root, so a test that has one can give files away.
#[test]
fn cache_of_another_user_is_not_used() -> Result<()> {
    distrusted("belongs to user 65534", |home| Ok(chown(home.token_folder(), Some(65534), None)?))?;
    let home = distrusted("belongs to user 65534", |home| Ok(chown(home.token_file(), Some(65534), None)?))?;
    ensure!(whoami(home.ours())?.0.stderr.is_empty(), "replaced by one of our own");
    Ok(())
}

#[test]
fn cache_that_cannot_be_written_costs_a_login_each_time_and_is_reported() -> Result<()> {
    let home = Home::new()?;
    fs::write(home.path().join(USER), "a file where a folder should be")?;
    for _ in 0..2 {
        let (outcome, lines) = whoami(home.ours())?;
        ensure!(outcome.stderr.contains("The token could not be saved"), "{outcome:?}");
        ensure!(logins(&lines) == 1);
    }
    Ok(())
}
