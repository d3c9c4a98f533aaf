//! `rucio token`.

use anyhow::{Result, ensure};
use serde_json::Value;

use super::{alone, asked_for, change_record, json, run, shell, shown, without_password};
use crate::fixtures::{AccessLog, Home, Pty};
use crate::support::{Testbed, unique};

#[test]
fn session_token_prints_the_token_and_nothing_else() -> Result<()> {
    let home = Home::new()?;
    let text = shown(&home, "userpass", &["token"])?;
    ensure!(text == format!("{}\n", home.token()?), "{text}");
    let header = shown(&home, "userpass", &["token", "--header"])?;
    ensure!(header == format!("X-Rucio-Auth-Token: {}\n", home.token()?), "{header}");
    ensure!(json(&home, "userpass", &["token"])?["token"] == home.token()?);
    ensure!(shown(&home, "userpass", &["token", "-o", "name"])? == text);
    ensure!(shown(&home, "userpass", &["token", "--header", "-o", "name"])? == header);
    ensure!(json(&home, "userpass", &["token"])?["header"] == header.trim_end());
    let verbose = run(&home, "userpass", &["-v", "token"])?;
    ensure!(verbose.stdout == text && verbose.stderr.contains("Completed in "), "{verbose:?}");
    ensure!(!verbose.stderr.contains(&home.token()?), "{verbose:?}");
    Ok(())
}

#[test]
fn session_token_works_with_curl() -> Result<()> {
    let home = Home::new()?;
    let call = "curl -sS -L --cacert $CERTS/ca.pem";
    let outcome = shell(&home, "x509", &format!("{call} -H \"$(rucio token --header)\" $URL/accounts/whoami"))?;
    let whoami: Value = serde_json::from_str(&outcome.stdout)?;
    ensure!(outcome.code == 0 && whoami["account"] == "jdoe", "{outcome:?}");
    let outcome =
        shell(&home, "userpass", &format!("{call} -H \"X-Rucio-Auth-Token: $(rucio token)\" $URL/accounts/jdoe"))?;
    ensure!(outcome.stdout.contains("jdoe@testbed.local"), "{outcome:?}");
    Ok(())
}

#[test]
fn session_token_is_replaced_when_expired_short_or_refused() -> Result<()> {
    let home = Home::new()?;
    shown(&home, "userpass", &["token"])?;
    let first = home.token()?;
    ensure!(shown(&home, "userpass", &["token", "--min-life", "600"])?.trim() == first, "it lives longer");
    change_record(&home, |record| record["expires"] = 1_000_000_000.into())?;
    let second = shown(&home, "userpass", &["token"])?;
    ensure!(second.trim() != first);
    let soon = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs() + 300;
    change_record(&home, |record| record["expires"] = soon.into())?;
    let third = shown(&home, "userpass", &["token", "--min-life", "600"])?;
    ensure!(third != second);
    ensure!(third.trim() == home.token()?);
    home.keep_token("jdoe-jdoe-unknown-00000000000000000000000000000000")?;
    let fourth = shown(&home, "userpass", &["token"])?;
    ensure!(fourth != third && !fourth.contains("00000000"), "{fourth}");
    Ok(())
}

#[test]
fn session_token_with_an_impossible_lifetime_is_refused() -> Result<()> {
    let outcome = run(&Home::new()?, "userpass", &["token", "--min-life", "1000000"])?;
    ensure!(outcome.code == 4 && outcome.stdout.is_empty(), "{outcome:?}");
    ensure!(outcome.stderr.contains("new token expires in 3") && outcome.stderr.contains("--min-life"), "{outcome:?}");
    Ok(())
}

#[test]
fn session_token_in_the_cache_costs_one_request() -> Result<()> {
    let (home, agent) = (Home::new()?, unique("token"));
    shown(&home, "userpass", &["token"])?;
    let token = home.token()?;
    shown(&home, "userpass", &["--user-agent", &agent, "token"])?;
    let lines = AccessLog::of("apache")?.of_agent(&agent, "GET /auth/validate")?;
    ensure!(lines.len() == 1 && lines[0].token == token, "{lines:?}");
    Ok(())
}

/// Also on a terminal, where a question would be lost in `$(rucio token)`.
#[test]
fn session_token_asks_nothing() -> Result<()> {
    let home = Home::new()?;
    let config = without_password(&home)?;
    let outcome = alone(&home, config.as_ref(), &["token"])?;
    ensure!(outcome.code == 4 && outcome.stdout.is_empty(), "{outcome:?}");
    ensure!(asked_for(&outcome.stderr)? == "rucio login", "{outcome:?}");
    let (code, screen) = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], &["token"])?.end()?;
    ensure!(code == 4 && !screen.contains("Password of"), "{code}: {screen}");
    let oidc = Testbed::get()?.config("oidc")?.to_string_lossy().into_owned();
    let (code, screen) = Pty::ours(&home, &[("RUCIO_CONFIG", &oidc)], &["token"])?.end()?;
    ensure!(code == 4 && screen.contains("needs a browser") && !screen.contains("https://"), "{screen}");
    ensure!(asked_for(&screen)? == "rucio login", "{screen}");
    Ok(())
}
