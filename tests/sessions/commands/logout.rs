//! `rucio logout`.

use std::fs;
use std::os::unix::fs::{chown, symlink};

use anyhow::{Result, ensure};
use serde_json::Value;

use super::{LINK, alone, asked_for, change_record, in_browser, run, shown, without_password};
use crate::fixtures::{Home, Pty, USER};
use crate::support::Testbed;

/// A home with a session that only a password could begin again.
fn session() -> Result<(Home, String)> {
    let home = Home::new()?;
    let config = without_password(&home)?;
    let outcome = home.ours().env("RUCIO_CONFIG", &config).args(["--password", "secret", "login"]).run()?;
    ensure!(outcome.code == 0, "{outcome:?}");
    Ok((home, config))
}

fn names(home: &Home) -> Result<Vec<String>> {
    let entries = fs::read_dir(home.token_folder())?;
    let mut names: Vec<_> =
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect::<Result<_>>()?;
    names.retain(|name| name != ".lock");
    names.sort();
    Ok(names)
}

#[test]
fn logout_removes_the_session_and_says_how_long_the_token_is_valid() -> Result<()> {
    let (home, config) = session()?;
    let refresh = home.token_folder().join("auth_token_for_account_jdoe.refresh");
    fs::write(&refresh, "{}")?;
    fs::write(home.token_folder().join("auth_token_exp_for_account_jdoe"), "1795000000")?;
    let outcome = home.ours().env("RUCIO_CONFIG", &config).args(["logout", "--yes"]).run()?;
    ensure!(outcome.code == 0 && outcome.stderr.is_empty(), "{outcome:?}");
    let start = format!(
        "Logged out of jdoe at {} (userpass); the token remains valid on the server until 20",
        Testbed::get()?.value("URL")?
    );
    ensure!(outcome.stdout.starts_with(&start) && outcome.stdout.ends_with(" UTC.\n"), "{outcome:?}");
    ensure!(names(&home)?.is_empty(), "{:?}", names(&home)?);
    let again = home.ours().env("RUCIO_CONFIG", &config).args(["logout", "--yes"]).run()?;
    ensure!(again.code == 0 && again.stdout == "No saved sessions.\n", "{again:?}");
    let next = alone(&home, config.as_ref(), &["whoami"])?;
    ensure!(next.code == 1 && asked_for(&next.stderr)? == "rucio login", "{next:?}");
    Ok(())
}

#[test]
fn logout_asks_at_the_terminal() -> Result<()> {
    let (home, config) = session()?;
    let question = format!("Log out of jdoe at {}\\? \\[y/N\\] ", Testbed::get()?.value("URL")?);
    for (answer, code) in [("\n", 1), ("n\n", 1), ("\x03", 130), ("y\n", 0)] {
        ensure!(home.token_file().exists(), "{answer:?}");
        let mut terminal = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], &["logout"])?;
        terminal.wait_for(&question)?;
        terminal.type_in(answer)?;
        let (ended, screen) = terminal.end()?;
        ensure!(ended == code, "{answer:?}: {ended}: {screen}");
        ensure!(code != 1 || screen.contains("Not logged out."), "{screen}");
    }
    ensure!(!home.token_file().exists());
    Ok(())
}

#[test]
fn logout_without_a_terminal_needs_yes() -> Result<()> {
    let (home, config) = session()?;
    for (words, command) in
        [(&["logout"][..], "rucio logout --yes"), (&["logout", "--all"], "rucio logout --all --yes")]
    {
        let outcome = alone(&home, config.as_ref(), words)?;
        ensure!(outcome.code == 1 && asked_for(&outcome.stderr)? == command, "{outcome:?}");
    }
    ensure!(home.token_file().exists());
    Ok(())
}

#[test]
fn logout_ends_one_of_several_sessions() -> Result<()> {
    let home = Home::new()?;
    shown(&home, "userpass", &["login"])?;
    shown(&home, "second", &["login"])?;
    let outcome = run(&home, "userpass", &["logout", "--yes"])?;
    ensure!(outcome.code == 0 && outcome.stdout.lines().count() == 1, "{outcome:?}");
    let left = shown(&home, "second", &["session", "list", "-o", "csv"])?;
    ensure!(left.lines().count() == 2 && left.contains(Testbed::get()?.value("SECOND_URL")?), "{left}");
    ensure!(run(&home, "second", &["session", "show"])?.code == 0, "the session of the second server has ended");
    ensure!(run(&home, "userpass", &["session", "show"])?.code == 4);
    Ok(())
}

/// An account at a server may have several sessions: one for each authentication method.
#[test]
fn logout_ends_the_sessions_of_all_methods() -> Result<()> {
    let home = Home::new()?;
    shown(&home, "userpass", &["login"])?;
    shown(&home, "x509", &["login"])?;
    ensure!(names(&home)?.len() == 4, "{:?}", names(&home)?);
    let outcome = run(&home, "userpass", &["logout", "--yes"])?;
    ensure!(outcome.stdout.lines().count() == 2 && names(&home)?.is_empty(), "{outcome:?}");
    Ok(())
}

#[test]
fn logout_all_ends_every_session_of_every_vo() -> Result<()> {
    let home = Home::new()?;
    shown(&home, "userpass", &["login"])?;
    let other = home.path().join(USER).join(format!(".rucio_{USER}@atl"));
    fs::rename(home.token_folder(), &other)?;
    shown(&home, "userpass", &["login"])?;
    shown(&home, "second", &["login"])?;
    // One of the official client, and what it leaves behind.
    fs::write(home.token_folder().join("auth_token_for_account_root"), "root-ddmlab-unknown-0")?;
    fs::write(other.join("auth_token_exp_for_account_root"), "1795000000")?;
    fs::write(other.join("notes.txt"), "mine")?;
    let outcome = run(&home, "userpass", &["logout", "--all", "--yes"])?;
    ensure!(outcome.code == 0 && outcome.stdout.matches("Logged out of ").count() == 4, "{outcome:?}");
    ensure!(names(&home)?.is_empty(), "{:?}", names(&home)?);
    let left: Vec<_> = fs::read_dir(&other)?.map(|entry| Ok(entry?.file_name())).collect::<Result<_>>()?;
    ensure!(
        left.iter().all(|name| name == "notes.txt" || name == ".lock") && other.join("notes.txt").exists(),
        "{left:?}"
    );
    Ok(())
}

#[test]
fn logout_ends_the_official_clients_session() -> Result<()> {
    let home = Home::new()?;
    ensure!(home.official()?.config("userpass")?.args(["whoami"]).run()?.code == 0);
    let outcome = run(&home, "userpass", &["logout", "--yes"])?;
    ensure!(
        outcome.code == 0 && outcome.stdout.contains("until it expires") && !home.token_file().exists(),
        "{outcome:?}"
    );
    Ok(())
}

#[test]
fn logout_leaves_links_and_files_of_others() -> Result<()> {
    for all in [&["logout", "--yes"][..], &["logout", "--yes", "--all"]] {
        let (home, config) = session()?;
        let elsewhere = home.path().join("elsewhere");
        fs::rename(home.token_file(), &elsewhere)?;
        symlink(&elsewhere, home.token_file())?;
        let outcome = home.ours().env("RUCIO_CONFIG", &config).args(all).run()?;
        ensure!(outcome.code == 1 && outcome.stderr.contains("is a symbolic link"), "{outcome:?}");
        ensure!(elsewhere.exists());
        ensure!(fs::symlink_metadata(home.token_file())?.is_symlink());
        let (home, config) = session()?;
        chown(home.token_file(), Some(65534), None)?;
        let outcome = home.ours().env("RUCIO_CONFIG", &config).args(all).run()?;
        ensure!(outcome.code == 1 && outcome.stderr.contains("belongs to user 65534"), "{outcome:?}");
        ensure!(home.token_file().exists());
    }
    // A folder that is a link may lead to another user's files.
    let (home, config) = session()?;
    let elsewhere = home.path().join("elsewhere");
    fs::rename(home.token_folder(), &elsewhere)?;
    symlink(&elsewhere, home.token_folder())?;
    let outcome = home.ours().env("RUCIO_CONFIG", &config).args(["logout", "--yes", "--all"]).run()?;
    ensure!(elsewhere.join("auth_token_for_account_jdoe").exists(), "{outcome:?}");
    Ok(())
}

#[test]
fn logout_names_what_logs_in_again_automatically() -> Result<()> {
    for (config, means) in
        [("userpass", "the configured password"), ("x509", "jdoe.pem"), ("x509_proxy", "jdoe.proxy.pem")]
    {
        let home = Home::new()?;
        shown(&home, config, &["login"])?;
        let outcome = run(&home, config, &["logout", "--yes"])?;
        ensure!(
            outcome.code == 0 && outcome.stderr.contains("The next command logs in again automatically"),
            "{outcome:?}"
        );
        ensure!(outcome.stderr.contains(means), "{outcome:?}");
    }
    Ok(())
}

#[test]
fn logout_leaves_and_names_tokens_from_elsewhere() -> Result<()> {
    let home = Home::new()?;
    let config = Testbed::get()?.config("oidc")?.to_string_lossy().into_owned();
    in_browser(&home, &config, &["login"], LINK)?;
    let token = home.token()?;
    let ours = |words: &[&str]| home.ours().env("RUCIO_CONFIG", &config).env("BEARER_TOKEN", &token).args(words).run();
    let outcome = ours(&["logout", "--yes"])?;
    let expected =
        "Commands still use the token of the variable BEARER_TOKEN: unset BEARER_TOKEN to log out completely.";
    ensure!(outcome.code == 0 && outcome.stderr.contains(expected) && !outcome.stderr.contains(&token), "{outcome:?}");
    ensure!(outcome.stdout.starts_with("Logged out of jdoe ") && !home.token_file().exists(), "{outcome:?}");
    let shown = ours(&["session", "show"])?;
    ensure!(shown.code == 0 && shown.stdout.contains("token      : the variable BEARER_TOKEN\n"), "{shown:?}");
    Ok(())
}

#[test]
fn logout_removes_an_expired_session() -> Result<()> {
    let (home, config) = session()?;
    change_record(&home, |record| record["expires"] = 1_000_000_000.into())?;
    let outcome = home.ours().env("RUCIO_CONFIG", &config).args(["logout", "--yes"]).run()?;
    ensure!(outcome.stdout.contains("; it had expired.") && !home.token_file().exists(), "{outcome:?}");
    Ok(())
}

#[test]
fn logout_has_records() -> Result<()> {
    let (home, config) = session()?;
    let ours = |words: &[&str]| home.ours().env("RUCIO_CONFIG", &config).args(words).run();
    let outcome = ours(&["-o", "json", "logout", "--yes"])?;
    let list: Value = serde_json::from_str(&outcome.stdout)?;
    ensure!(list[0]["account"] == "jdoe" && list[0]["auth_type"] == "userpass", "{list}");
    ensure!(list[0]["expires_at"].as_str().is_some_and(|end| end.ends_with('Z')), "{list}");
    ensure!(ours(&["-o", "json", "logout", "--yes"])?.stdout == "[]\n");
    ensure!(ours(&["-o", "csv", "logout", "--yes"])?.stdout == "host,account,vo,auth_type,source,expires_at\n");
    Ok(())
}
