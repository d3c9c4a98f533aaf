//! OpenID Connect: all logins, refreshing, tokens of other programs; end to end, with the test as the browser.

mod direct;
mod failures;
mod found;
mod loopback;
mod refresh;
mod rucio;

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::fixtures::{AccessLog, Home, Line, Pty, WHOAMI, browse};
use crate::support::{Outcome, Testbed, unique};

/// The link of a login through the Rucio server.
const LINK: &str = r"(https://\S+/auth/oidc_redirect\?\S+)\s";
/// The address of the device flow that has the code in it.
const DEVICE_LINK: &str = r"(https://\S+/device\?user_code=\S+)\s";
/// The provider's own page, for a browser on this machine.
const PROVIDER_LINK: &str = r"(https://\S+/auth\?\S+)\s";

/// The testbed's configuration of this name.
fn config(name: &str) -> Result<String> {
    Ok(Testbed::get()?.config(name)?.to_string_lossy().into_owned())
}

/// `[client]` for a login at the provider itself.
fn direct(way: &str, client_id: &str) -> Result<String> {
    let provider = Testbed::get()?.value("OIDC")?;
    Ok(format!(
        "auth_type = oidc\noidc_scope = openid profile offline_access\noidc_audience = rucio\noidc_login = {way}\n\
         oidc_provider = {provider}\noidc_client_id = {client_id}"
    ))
}

/// Runs whoami in a terminal up to the link, which `user` follows. Returns exit code and screen.
fn log_in(home: &Home, config: &str, link: &str, user: &str) -> Result<(i32, String)> {
    let terminal = Pty::ours(home, &[("RUCIO_CONFIG", config)], &["-v", "whoami"])?;
    browse(&terminal.wait_for(link)?, user)?;
    let (code, screen) = terminal.end()?;
    no_secret_of(home, &screen)?;
    Ok((code, screen))
}

/// The same as jdoe, who gets in.
fn log_in_well(home: &Home, config: &str, link: &str) -> Result<()> {
    let (code, screen) = log_in(home, config, link, "jdoe")?;
    ensure!(code == 0 && screen.contains("account    : jdoe"), "{screen}");
    ensure!(home.token()?.split('.').count() == 3, "a token of the provider");
    Ok(())
}

/// Runs whoami, as jdoe. Returns the requests to the server.
fn whoami(home: &Home, config: &str, official: bool) -> Result<(Outcome, Vec<Line>)> {
    let agent = unique("oidc");
    let client = if official { home.official()? } else { home.ours() };
    let outcome = client.env("RUCIO_CONFIG", config).args(["--user-agent", &agent, "-v", "whoami"]).run()?;
    ensure!(outcome.code == 0 && outcome.stdout.contains("account    : jdoe"), "{outcome:?}");
    if !official {
        no_secret_of(home, &outcome.stderr)?;
    }
    Ok((outcome, AccessLog::of("apache")?.of_agent(&agent, WHOAMI[1].0)?))
}

/// Both clients use the token that is there, and leave it there.
fn both_use_it(home: &Home, config: &str) -> Result<()> {
    let token = home.token()?;
    for official in [false, true, false] {
        let (outcome, lines) = whoami(home, config, official)?;
        let asked: Vec<_> = lines.iter().map(Line::seen).collect();
        ensure!(asked == WHOAMI, "official {official}: {asked:?} {outcome:?}");
        ensure!(lines.iter().all(|line| line.token == token), "official {official}: another token");
    }
    ensure!(home.token()? == token);
    Ok(())
}

/// The output contains no token or refresh token of this home.
fn no_secret_of(home: &Home, shown: &str) -> Result<()> {
    for entry in fs::read_dir(home.token_folder()).into_iter().flatten() {
        let path = entry?.path();
        for secret in secrets(&path)? {
            ensure!(!shown.contains(&secret), "a secret of {} is shown:\n{shown}", path.display());
        }
    }
    Ok(())
}

/// A token, and of one with three parts the signature, which makes it good; a refresh token.
fn secrets(path: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(path)?;
    Ok(match path.extension().and_then(|ending| ending.to_str()) {
        Some("refresh") => vec![refresh_token(path)?],
        None if text.len() > 20 => vec![text.rsplit('.').next().unwrap_or(&text).trim().to_owned(), text],
        _ => Vec::new(),
    })
}

fn refresh_token(path: &Path) -> Result<String> {
    let kept: serde_json::Value = serde_json::from_slice(&fs::read(path)?)?;
    Ok(kept["refresh_token"].as_str().context("a refresh token")?.to_owned())
}

/// Queries the database of the first server, or changes a row of ours in it.
fn sql(text: &str) -> Result<String> {
    let output = Command::new("psql").args(["-qAtX", Testbed::get()?.value("PG")?, "-c", text]).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}
