//! Refreshing through the Rucio server, which both clients do with the same files.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{LINK, log_in_well, sql, whoami};
use crate::fixtures::{AccessLog, Home, Line, WHOAMI, wait_for};
use crate::support::{Outcome, unique};

const REFRESH: (&str, u16) = ("GET /auth/oidc_refresh", 200);

/// A home with a token that the server can renew.
fn renewable(home: &Home) -> Result<String> {
    let config = home.testbed_config(
        "auth_type = oidc\noidc_scope = openid profile offline_access\noidc_audience = rucio\noidc_polling = yes\n\
         auth_oidc_refresh_active = yes\nauth_oidc_refresh_before_exp = 10",
    )?;
    log_in_well(home, &config, LINK)?;
    Ok(config)
}

/// When the token ends, as the official client notes it.
fn noted_expiry(home: &Home) -> Result<i64> {
    let path = home.token_folder().join("auth_token_exp_for_account_jdoe");
    Ok(fs::read_to_string(&path).with_context(|| path.display().to_string())?.parse()?)
}

fn now() -> Result<i64> {
    Ok(i64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs())?)
}

/// Lets the token seem to end in so many seconds, for both clients, and have been made ten minutes ago, for the server: it
/// does not renew what is new.
fn age(home: &Home, seconds: i64) -> Result<()> {
    let end = now()? + seconds;
    let record = home.record_file();
    if let Ok(bytes) = fs::read(&record) {
        let mut value: Value = serde_json::from_slice(&bytes)?;
        value["expires"] = end.into();
        fs::write(&record, value.to_string())?;
    }
    fs::write(home.token_folder().join("auth_token_exp_for_account_jdoe"), end.to_string())?;
    let age =
        format!("update tokens set updated_at = updated_at - interval '10 minutes' where token = '{}'", home.token()?);
    sql(&age).map(drop)
}

#[test]
fn refresh_time_is_noted_for_the_official_client() -> Result<()> {
    let home = Home::new()?;
    let config = renewable(&home)?;
    let end = noted_expiry(&home)?;
    ensure!((now()? + 3000..=now()? + 3600).contains(&end), "{end}");
    for official in [false, true] {
        let (_, lines) = whoami(&home, &config, official)?;
        ensure!(lines.iter().map(Line::seen).eq(WHOAMI), "official {official}: {lines:?}");
    }
    Ok(())
}

#[test]
fn refresh_of_a_token_that_expires_soon_serves_both_clients() -> Result<()> {
    for first_official in [false, true] {
        let home = Home::new()?;
        let config = renewable(&home)?;
        age(&home, 300)?;
        let old = home.token()?;
        let (outcome, lines) = whoami(&home, &config, first_official)?;
        let seen: Vec<_> = lines.iter().map(Line::seen).collect();
        ensure!(seen == [REFRESH, WHOAMI[0], WHOAMI[1]], "official {first_official}: {seen:?} {outcome:?}");
        let token = home.token()?;
        ensure!(token != old && lines[0].token == old && lines[1].token == token, "official {first_official}");
        ensure!(noted_expiry(&home)? > now()? + 3000, "official {first_official}");
        let (outcome, lines) = whoami(&home, &config, !first_official)?;
        ensure!(lines.iter().map(Line::seen).eq(WHOAMI), "official {first_official}: {lines:?} {outcome:?}");
        ensure!(lines.iter().all(|line| line.token == token));
        ensure!(home.token()? == token);
    }
    Ok(())
}

#[test]
fn refresh_of_twenty_processes_happens_once() -> Result<()> {
    let home = Home::new()?;
    let config = renewable(&home)?;
    age(&home, 300)?;
    let (old, agent) = (home.token()?, unique("twenty"));
    let outcomes: Vec<Result<Outcome>> = std::thread::scope(|scope| {
        let start = || home.ours().env("RUCIO_CONFIG", &config).args(["--user-agent", &agent, "whoami"]).run();
        let running: Vec<_> = (0..20).map(|_| scope.spawn(start)).collect();
        running.into_iter().map(|run| run.join().expect("a run does not panic")).collect()
    });
    for outcome in outcomes {
        let outcome = outcome?;
        ensure!(outcome.code == 0 && outcome.stderr.is_empty(), "{outcome:?}");
        ensure!(outcome.stdout.contains("account    : jdoe"), "{outcome:?}");
    }
    let lines = wait_for("the log of all twenty", || {
        let lines = AccessLog::of("apache")?.of_agent(&agent, WHOAMI[1].0)?;
        Ok((lines.iter().filter(|line| line.seen() == WHOAMI[1]).count() == 20).then_some(lines))
    })?;
    let renewals = lines.iter().filter(|line| line.seen() == REFRESH).count();
    ensure!(renewals == 1 && lines.iter().filter(|line| line.is_login()).count() == 1, "{renewals}: {lines:?}");
    let token = home.token()?;
    ensure!(token != old);
    ensure!(lines.iter().filter(|line| !line.is_login()).all(|line| line.token == token));
    ensure!(noted_expiry(&home)? > now()? + 3000);
    let (_, lines) = whoami(&home, &config, false)?;
    ensure!(lines.iter().map(Line::seen).eq(WHOAMI), "the one that is kept is good: {lines:?}");
    let names: Vec<_> =
        fs::read_dir(home.token_folder())?.map(|entry| Ok(entry?.file_name())).collect::<Result<_>>()?;
    ensure!(names.len() == 4, "token, record, expiry and lock, and nothing is left lying about: {names:?}");
    Ok(())
}

#[test]
fn refresh_needs_the_option() -> Result<()> {
    let home = Home::new()?;
    let config = renewable(&home)?;
    age(&home, 300)?;
    let text = fs::read_to_string(&config)?.replace("auth_oidc_refresh_active = yes", "");
    fs::write(&config, text)?;
    let (_, lines) = whoami(&home, &config, false)?;
    ensure!(lines.iter().map(Line::seen).eq(WHOAMI), "{lines:?}");
    Ok(())
}

/// Without offline_access the server has nothing to renew it with.
#[test]
fn refresh_that_is_impossible_leaves_the_token_in_use() -> Result<()> {
    let home = Home::new()?;
    let config = home.testbed_config(
        "auth_type = oidc\noidc_audience = rucio\noidc_polling = yes\nauth_oidc_refresh_active = yes\n\
         auth_oidc_refresh_before_exp = 600",
    )?;
    log_in_well(&home, &config, LINK)?;
    let token = home.token()?;
    let (outcome, lines) = whoami(&home, &config, false)?;
    let seen: Vec<_> = lines.iter().map(Line::seen).collect();
    ensure!(seen == [REFRESH, WHOAMI[0], WHOAMI[1]] && home.token()? == token, "{seen:?} {outcome:?}");
    Ok(())
}

/// A command that takes longer than its token is valid refreshes it meanwhile.
#[test]
fn refresh_happens_during_a_command() -> Result<()> {
    let home = Home::new()?;
    let config = renewable(&home)?;
    let old = home.token()?;
    age(&home, 600)?;
    let agent = unique("long");
    let dids = std::iter::repeat_n("test:mixed", 1000);
    let words = ["--user-agent", &agent, "did", "show"].into_iter().chain(dids);
    let outcome = home.ours().env("RUCIO_CONFIG", &config).args(words).run()?;
    ensure!(outcome.code == 0 && outcome.stderr.is_empty(), "{} {}", outcome.code, outcome.stderr);
    let lines = wait_for("the log of all", || {
        let lines = AccessLog::of("apache")?.of_agent(&agent, "GET /dids/test/mixed?dynamic_depth=DATASET")?;
        Ok((lines.iter().filter(|line| !line.is_login()).count() == 1000).then_some(lines))
    })?;
    ensure!(lines.iter().all(|line| line.status == 200));
    ensure!(lines.iter().filter(|line| line.seen() == REFRESH).count() == 1);
    ensure!(home.token()? != old && lines.last().is_some_and(|line| line.token != old), "the new one is used");
    Ok(())
}
