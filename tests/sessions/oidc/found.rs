//! Tokens that other programs left: in variables and files (WLCG bearer token discovery), in the place the configuration
//! names.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::OnceLock;

use anyhow::{Result, anyhow, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{LINK, config, log_in_well, no_secret_of, whoami};
use crate::props::{AccessLog, Home, Line, Pty, WHOAMI, browse};
use crate::support::{Outcome, Rucio, Testbed, unique};

/// A token of jdoe that the server takes; one for all tests.
fn good() -> Result<&'static str> {
    static TOKEN: OnceLock<std::result::Result<String, String>> = OnceLock::new();
    let get = || {
        let home = Home::new()?;
        log_in_well(&home, &config("oidc")?, LINK)?;
        home.token()
    };
    let token = TOKEN.get_or_init(|| get().map_err(|error| format!("{error:#}")));
    token.as_deref().map_err(|text| anyhow!("{text}"))
}

/// A token with these claims that no server takes.
fn made_up(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2lnbmF0dXJl", part(&json!({"alg": "RS256"})), part(claims))
}

fn ending_in(seconds: i64) -> Value {
    json!(chrono_now() + seconds)
}

fn chrono_now() -> i64 {
    let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    elapsed.map_or(0, |elapsed| elapsed.as_secs().try_into().unwrap_or_default())
}

fn ended() -> String {
    made_up(&json!({"sub": "jdoe", "exp": ending_in(-60), "aud": "rucio"}))
}

fn keep(home: &Home, name: &str, token: &str) -> Result<String> {
    let path = home.path().join(name);
    fs::write(&path, format!("{token}\n"))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    Ok(path.to_string_lossy().into_owned())
}

/// The name of the file in a run-time folder.
fn usual() -> String {
    format!("bt_u{}", rustix::process::geteuid().as_raw())
}

/// Runs whoami; gives also what the first server was asked.
fn run(client: Rucio) -> Result<(Outcome, Vec<Line>)> {
    let agent = unique("found");
    let outcome = client.args(["--user-agent", &agent, "-v", "whoami"]).run()?;
    ensure!(outcome.code == 0 && outcome.stdout.contains("account    : jdoe"), "{outcome:?}");
    Ok((outcome, AccessLog::of("apache")?.of_agent(&agent, WHOAMI[1].0)?))
}

fn oidc(home: &Home) -> Result<Rucio> {
    Ok(home.ours().env("RUCIO_CONFIG", &config("oidc_code")?))
}

/// The token was used, and is neither shown nor kept.
fn used(home: &Home, (outcome, lines): &(Outcome, Vec<Line>), source: &str) -> Result<()> {
    ensure!(lines.iter().filter(|line| !line.is_login()).map(Line::seen).eq(WHOAMI), "{source}: {lines:?}");
    ensure!(lines.iter().all(|line| line.token == good().unwrap_or_default()), "{source}");
    ensure!(outcome.stderr.contains(&format!("using the token of {source}")), "{source}: {}", outcome.stderr);
    let signature = good()?.rsplit('.').next().unwrap_or_default();
    ensure!(!outcome.stderr.contains(signature) && !home.token_file().exists(), "{source}");
    Ok(())
}

#[test]
fn each_place_is_looked_in_in_the_order_of_the_official_client() -> Result<()> {
    let home = Home::new()?;
    let (named, run_time) = (keep(&home, "named", good()?)?, home.path().join(usual()).to_string_lossy().into_owned());
    keep(&home, &usual(), good()?)?;
    let folder = home.path().to_string_lossy().into_owned();
    let client = || Ok::<_, anyhow::Error>(oidc(&home)?.env("XDG_RUNTIME_DIR", &folder));
    used(&home, &run(client()?)?, &run_time)?;
    used(&home, &run(client()?.env("BEARER_TOKEN_FILE", &named))?, &named)?;
    let all = client()?.env("BEARER_TOKEN_FILE", &named).env("BEARER_TOKEN", &format!(" {} ", good()?));
    used(&home, &run(all)?, "the variable BEARER_TOKEN")
}

/// The server chooses the account by the identity, whatever is asked for.
#[test]
fn one_of_another_account_is_passed_over_and_each_is_asked_about_once() -> Result<()> {
    let home = Home::new()?;
    let client = || Ok::<_, anyhow::Error>(oidc(&home)?.env("BEARER_TOKEN", good()?));
    for asked in [&[("GET /auth/validate", 200), WHOAMI[0], WHOAMI[1]][..], &WHOAMI[..]] {
        let (_, lines) = run(client()?)?;
        ensure!(lines.iter().map(Line::seen).eq(asked.iter().copied()), "{lines:?}");
    }
    let outcome = client()?.args(["--account", "root", "whoami"]).run()?;
    let told = "The token of the variable BEARER_TOKEN is not used: it is good for the account jdoe, not for root";
    ensure!(outcome.code == 1 && outcome.stderr.contains(told), "{outcome:?}");
    ensure!(outcome.stderr.contains("nothing was typed"), "a login comes next: {outcome:?}");
    Ok(())
}

#[test]
fn one_that_has_ended_or_is_none_is_passed_over_by_name() -> Result<()> {
    let home = Home::new()?;
    let named = keep(&home, "named", good()?)?;
    let later = made_up(&json!({"exp": ending_in(9000), "nbf": ending_in(4000)}));
    for (variable, told) in
        [(ended(), "it ended at"), ("jdoe-secret-opaque".to_owned(), "no JSON web token"), (later, "Check the clock")]
    {
        let client = oidc(&home)?.env("BEARER_TOKEN", &variable).env("BEARER_TOKEN_FILE", &named);
        let run = run(client)?;
        let line = format!(
            "The token of the variable BEARER_TOKEN is not used: {}",
            if told.starts_with("it") { told } else { "" }
        );
        ensure!(run.0.stderr.matches(&line).count() == 1 && run.0.stderr.contains(told), "{}", run.0.stderr);
        ensure!(!run.0.stderr.contains(variable.rsplit(['.', '-']).next().unwrap_or_default()), "{}", run.0.stderr);
        used(&home, &run, &named)?;
    }
    Ok(())
}

#[test]
fn a_token_that_has_ended_everywhere_leads_to_a_login() -> Result<()> {
    let home = Home::new()?;
    let (named, ended) = (keep(&home, "named", &ended())?, ended());
    keep(&home, &usual(), &ended)?;
    home.keep_token(&ended)?;
    let folder = home.path().to_string_lossy().into_owned();
    let client =
        oidc(&home)?.env("BEARER_TOKEN", &ended).env("BEARER_TOKEN_FILE", &named).env("XDG_RUNTIME_DIR", &folder);
    let agent = unique("ended");
    let outcome = client.args(["--user-agent", &agent, "whoami"]).run()?;
    ensure!(outcome.code == 1 && outcome.stderr.contains("nothing was typed"), "{outcome:?}");
    ensure!(outcome.stderr.matches("is not used: it ended at").count() == 3, "{outcome:?}");
    ensure!(regex::Regex::new(LINK)?.is_match(&outcome.stderr), "{outcome:?}");
    let lines = AccessLog::of("apache")?.of_agent(&agent, "GET /auth/oidc")?;
    ensure!(lines.iter().all(|line| line.token.is_empty()), "no ended token is sent: {lines:?}");
    Ok(())
}

/// Good by its dates, and nobody's.
fn nobodys() -> String {
    made_up(&json!({"sub": "kim", "iss": "https://i", "exp": ending_in(600), "aud": "rucio"}))
}

fn told_once(outcome: &Outcome) -> Result<()> {
    for text in ["refuses the token of the variable BEARER_TOKEN (SUB=kim, ISS=https://i)", "identity add --account"] {
        ensure!(outcome.stderr.matches(text).count() == 1, "{text}: {}", outcome.stderr);
    }
    Ok(())
}

#[test]
fn one_that_the_server_refuses_gives_way_to_that_of_the_cache() -> Result<()> {
    let home = Home::new()?;
    log_in_well(&home, &config("oidc")?, LINK)?;
    let (outcome, lines) = run(oidc(&home)?.env("BEARER_TOKEN", &nobodys()))?;
    let seen: Vec<_> = lines.iter().map(Line::seen).collect();
    ensure!(seen == [("GET /auth/validate", 500), WHOAMI[0], WHOAMI[1]], "{seen:?}");
    told_once(&outcome)
}

/// Where no account is named, there is nothing to ask first.
#[test]
fn one_that_is_refused_later_gives_way_too_and_a_bad_cache_to_a_login() -> Result<()> {
    let home = Home::new()?;
    let text = fs::read_to_string(config("oidc")?)?.replace("account = jdoe\n", "");
    let own = home.path().join("own.cfg").to_string_lossy().into_owned();
    fs::write(&own, text.replace("oidc_polling = true", ""))?;
    let client = || home.ours().env("RUCIO_CONFIG", &own);
    let polling = ["--oidc-polling", "whoami"];
    let terminal = Pty::ours(&home, &[("RUCIO_CONFIG", &own)], &polling)?;
    browse(&terminal.wait_for(LINK)?, "jdoe")?;
    let (code, screen) = terminal.end()?;
    ensure!(code == 0, "{screen}");
    let (outcome, lines) = run(client().env("BEARER_TOKEN", &nobodys()))?;
    let seen: Vec<_> = lines.iter().map(Line::seen).collect();
    ensure!(seen == [(WHOAMI[0].0, 401), ("GET /auth/validate", 200), WHOAMI[0], WHOAMI[1]], "{seen:?}");
    told_once(&outcome)?;
    let cached = home.token_folder().join("auth_token_for_default_account");
    fs::write(cached, made_up(&json!({"exp": ending_in(600)})))?;
    let outcome = client().env("BEARER_TOKEN", &nobodys()).args(["whoami"]).run()?;
    ensure!(outcome.code == 1 && outcome.stderr.contains("nothing was typed"), "{outcome:?}");
    told_once(&outcome)
}

#[test]
fn others_who_could_write_the_file_are_not_trusted() -> Result<()> {
    let home = Home::new()?;
    let open = home.path().join("open");
    fs::create_dir(&open)?;
    fs::set_permissions(&open, fs::Permissions::from_mode(0o1777))?;
    let named = keep(&home, "open/bt", good()?)?;
    let client = || Ok::<_, anyhow::Error>(oidc(&home)?.env("BEARER_TOKEN_FILE", &named));
    used(&home, &run(client()?)?, &named)?;
    let refused = |reason: &str| {
        let outcome = client()?.args(["whoami"]).run()?;
        ensure!(outcome.code == 1 && outcome.stderr.contains(reason), "{reason}: {outcome:?}");
        ensure!(outcome.stderr.contains(&format!("The token of {named} is not used")), "{outcome:?}");
        Ok(())
    };
    fs::set_permissions(&named, fs::Permissions::from_mode(0o644))?;
    refused("is open to others")?;
    fs::rename(&named, home.path().join("mine"))?;
    std::os::unix::fs::symlink(home.path().join("mine"), &named)?;
    refused("is a symbolic link")?;
    fs::remove_file(&named)?;
    keep(&home, "open/bt", good()?)?;
    std::os::unix::fs::chown(&named, Some(65534), None)?;
    refused("belongs to user 65534")
}

/// A server that an option names gets only tokens which name it.
#[test]
fn a_token_is_not_sent_to_a_server_it_is_not_for() -> Result<()> {
    let (home, second) = (Home::new()?, Testbed::get()?.value("SECOND_URL")?);
    let options = ["-H", second, "--auth-host", second];
    let outcome = oidc(&home)?.env("BEARER_TOKEN", good()?).args(options).args(["whoami"]).run()?;
    ensure!(outcome.code == 1 && outcome.stderr.contains(&format!("does not name {second}")), "{outcome:?}");
    ensure!(outcome.stderr.contains("--oidc-audience"), "{outcome:?}");
    let other = config("oidc")?;
    let text = fs::read_to_string(&other)?.replace("oidc_audience = rucio", "oidc_audience = elsewhere");
    let own = home.path().join("own.cfg");
    fs::write(&own, text)?;
    let client = home.ours().env("RUCIO_CONFIG", &own.to_string_lossy()).env("BEARER_TOKEN", good()?);
    let outcome = client.args(["whoami"]).run()?;
    ensure!(
        outcome.code == 1 && outcome.stderr.contains("it is for rucio, and oidc_audience asks for elsewhere"),
        "{outcome:?}"
    );
    Ok(())
}

#[test]
fn the_user_can_say_that_it_is_for_that_server() -> Result<()> {
    let (home, url) = (Home::new()?, Testbed::get()?.value("URL")?);
    let bare = home.config(&format!("ca_cert = {}\naccount = jdoe", Home::certificate("ca.pem")?.display()))?;
    let options = ["-H", url, "--auth-host", url, "-S", "oidc", "--oidc-audience", "rucio"];
    let client = home.ours().env("RUCIO_CONFIG", &bare).env("BEARER_TOKEN", good()?).args(options);
    used(&home, &run(client)?, "the variable BEARER_TOKEN")
}

#[test]
fn other_ways_to_log_in_do_not_look_for_them() -> Result<()> {
    let home = Home::new()?;
    let (outcome, lines) = run(home.ours().config("userpass")?.env("BEARER_TOKEN", good()?))?;
    ensure!(lines.iter().all(|line| line.token != good().unwrap_or_default()), "{outcome:?}");
    Ok(())
}

/// A file that another program fills: used while its token is valid.
#[test]
fn the_configured_file_may_hold_a_token_from_elsewhere() -> Result<()> {
    let home = Home::new()?;
    let file = keep(&home, "from-elsewhere", good()?)?;
    let config =
        home.testbed_config(&format!("auth_type = oidc\noidc_audience = rucio\nauth_token_file_path = {file}"))?;
    let (_, lines) = whoami(&home, &config, false)?;
    ensure!(lines.iter().map(Line::seen).eq(WHOAMI) && lines[0].token == good()?, "{lines:?}");
    no_secret_of(&home, "")?;
    for (claims, told) in [
        (json!({"exp": ending_in(-60)}), None),
        (json!({"exp": ending_in(9000), "nbf": ending_in(4000)}), Some("Check the clock")),
    ] {
        fs::write(Path::new(&file), made_up(&claims))?;
        let agent = unique("elsewhere");
        let outcome = home.ours().env("RUCIO_CONFIG", &config).args(["--user-agent", &agent, "whoami"]).run()?;
        ensure!(outcome.code == 1 && outcome.stderr.contains("nothing was typed"), "{outcome:?}");
        ensure!(told.is_none_or(|told| outcome.stderr.contains(told)), "{outcome:?}");
        let lines = AccessLog::of("apache")?.of_agent(&agent, "GET /auth/oidc")?;
        ensure!(lines.iter().all(|line| line.token.is_empty()), "{lines:?}");
    }
    Ok(())
}
