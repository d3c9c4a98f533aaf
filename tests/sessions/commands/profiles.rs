//! Profiles from end to end: two accounts, two servers side by side.

use std::fs;

use anyhow::{Result, ensure};

use crate::fixtures::{AccessLog, Home, Line, WHOAMI};
use crate::support::{Outcome, Testbed, unique};

/// A configuration with profiles: `root` at the first server, `second` at the second.
fn config(home: &Home) -> Result<String> {
    let testbed = Testbed::get()?;
    let (certs, second) = (testbed.value("CERTS")?, testbed.value("SECOND_URL")?);
    let path = home.testbed_config("auth_type = userpass\nusername = jdoe\npassword = secret")?;
    let profiles = format!(
        "[profile root]\naccount = root\nauth_type = x509\nclient_cert = {certs}/root.pem\nclient_key = \
         {certs}/root.key.pem\n[profile second]\nrucio_host = {second}\nauth_host = {second}\n"
    );
    fs::write(&path, format!("{}{profiles}", fs::read_to_string(&path)?))?;
    Ok(path)
}

fn run(home: &Home, config: &str, words: &[&str]) -> Result<Outcome> {
    let outcome = home.ours().env("RUCIO_CONFIG", config).args(words).run()?;
    ensure!(outcome.code == 0, "{words:?}: {outcome:?}");
    Ok(outcome)
}

#[test]
fn profile_has_a_session_of_its_own() -> Result<()> {
    let home = Home::new()?;
    let config = config(&home)?;
    for (options, account) in [(&[][..], "jdoe"), (&["--profile", "root"], "root"), (&["--profile", "second"], "jdoe")]
    {
        let (agent, line) = (unique("profile"), format!("account    : {account}\n"));
        let first = run(&home, &config, &[options, &["login"]].concat())?;
        ensure!(first.stdout.contains(&line), "{first:?}");
        // The session is used, regardless of the other ones.
        let words = [options, &["--user-agent", &agent, "whoami"]].concat();
        ensure!(run(&home, &config, &words)?.stdout.contains(&line));
        let log = AccessLog::of(if options.contains(&"second") { "second" } else { "apache" })?;
        let seen = log.of_agent(&agent, WHOAMI[0].0)?;
        ensure!(!seen.iter().any(Line::is_login), "{seen:?}");
    }
    let list = run(&home, &config, &["--profile", "root", "session", "list"])?.stdout;
    ensure!(list.lines().count() == 5, "{list}");
    let marked: Vec<_> = list.lines().filter(|line| line.starts_with('*')).collect();
    ensure!(marked.len() == 1 && marked[0].contains(" root "), "{list}");
    let by_variable =
        home.ours().env("RUCIO_CONFIG", &config).env("RUCIO_PROFILE", "second").args(["session", "show"]).run()?;
    ensure!(by_variable.stdout.contains(Testbed::get()?.value("SECOND_URL")?), "{by_variable:?}");
    Ok(())
}

#[test]
fn profile_logout_leaves_the_others() -> Result<()> {
    let home = Home::new()?;
    let config = config(&home)?;
    for options in [&[][..], &["--profile", "root"], &["--profile", "second"]] {
        run(&home, &config, &[options, &["login"]].concat())?;
    }
    let outcome = run(&home, &config, &["--profile", "second", "logout", "--yes"])?;
    ensure!(outcome.stdout.contains(Testbed::get()?.value("SECOND_URL")?), "{outcome:?}");
    let mut left: Vec<_> =
        run(&home, &config, &["session", "list", "-o", "name"])?.stdout.lines().map(str::to_owned).collect();
    left.sort();
    ensure!(left == ["jdoe", "root"], "{left:?}");
    run(&home, &config, &["--profile", "root", "session", "show"])?;
    run(&home, &config, &["session", "show"])?;
    Ok(())
}

#[test]
fn profile_is_named_in_hints() -> Result<()> {
    let home = Home::new()?;
    let config = config(&home)?;
    let outcome = home.ours().env("RUCIO_CONFIG", &config).args(["--profile", "root", "session", "show"]).run()?;
    ensure!(outcome.code == 4 && outcome.stderr.contains("`rucio --profile root login`"), "{outcome:?}");
    let outcome = home.ours().env("RUCIO_CONFIG", &config).args(["--profile", "nosuch", "session", "show"]).run()?;
    ensure!(outcome.code == 1);
    ensure!(outcome.stderr.contains("The profiles of"));
    ensure!(outcome.stderr.contains("root, second"));
    Ok(())
}

#[test]
fn profile_names_are_completed_without_a_server() -> Result<()> {
    let home = Home::new()?;
    let config = config(&home)?;
    let text = fs::read_to_string(&config)?.replace("https://localhost:", "https://nosuch.invalid:");
    fs::write(&config, text)?;
    for (line, expected) in [("rucio --profile ", "root \nsecond \n"), ("rucio --profile=se", "second \n")] {
        let outcome = home
            .ours()
            .env("RUCIO_CONFIG", &config)
            .env("RUCIO_COMPLETE", "bash")
            .args([line, " \t\n\"'><=;|&(:"])
            .run()?;
        ensure!(outcome.code == 0 && outcome.stdout == expected, "{line}: {outcome:?}");
    }
    Ok(())
}
