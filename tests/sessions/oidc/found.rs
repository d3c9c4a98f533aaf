//! Tokens of other programs: in variables and files (WLCG bearer token discovery), at the path the configuration
//! names.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{LINK, config, log_in_well, no_secret_of, whoami};
use crate::fixtures::{AccessLog, Home, Line, WHOAMI, browse};
use crate::support::{Outcome, Rucio, Testbed, unique};

/// A token of jdoe that the server accepts; one for all tests.
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

/// A token with these claims that no server accepts.
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

/// Runs whoami. Also returns the requests to the first server.
fn run(client: Rucio) -> Result<(Outcome, Vec<Line>)> {
    let agent = unique("found");
    let outcome = client.args(["--user-agent", &agent, "-v", "whoami"]).run()?;
    ensure!(outcome.code == 0 && outcome.stdout.contains("account    : jdoe"), "{outcome:?}");
    Ok((outcome, AccessLog::of("apache")?.of_agent(&agent, WHOAMI[1].0)?))
}

fn oidc(home: &Home) -> Result<Rucio> {
    Ok(home.ours().env("RUCIO_CONFIG", &config("oidc_code")?))
}

/// The token was used, and is neither shown nor saved.
fn used(home: &Home, (outcome, lines): &(Outcome, Vec<Line>), source: &str) -> Result<()> {
    ensure!(
        lines.iter().filter(|line| !line.request.starts_with("GET /auth/")).map(Line::seen).eq(WHOAMI),
        "{source}: {lines:?}"
    );
    ensure!(lines.iter().all(|line| line.token == good().unwrap_or_default()), "{source}");
    ensure!(outcome.stderr.contains(&format!("using the token of {source}")), "{source}: {}", outcome.stderr);
    let signature = good()?.rsplit('.').next().unwrap_or_default();
    ensure!(!outcome.stderr.contains(signature) && !home.token_file().exists(), "{source}");
    Ok(())
}

#[test]
fn found_token_is_searched_in_the_official_order() -> Result<()> {
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

/// The server selects the account by the identity, regardless of the request.
#[test]
fn found_token_of_another_account_is_skipped_after_one_request() -> Result<()> {
    let home = Home::new()?;
    let client = || Ok::<_, anyhow::Error>(oidc(&home)?.env("BEARER_TOKEN", good()?));
    for asked in [&[("GET /auth/validate", 200), WHOAMI[0], WHOAMI[1]][..], &WHOAMI[..]] {
        let (_, lines) = run(client()?)?;
        ensure!(lines.iter().map(Line::seen).eq(asked.iter().copied()), "{lines:?}");
    }
    let outcome = client()?.args(["--account", "root", "whoami"]).run()?;
    let expected = "The token of the variable BEARER_TOKEN is not used: it is for the account jdoe, not for root";
    ensure!(outcome.code == 1 && outcome.stderr.contains(expected), "{outcome:?}");
    ensure!(outcome.stderr.contains("nothing was typed"), "a login comes next: {outcome:?}");
    Ok(())
}

#[test]
fn found_token_that_expired_or_is_none_is_skipped_by_name() -> Result<()> {
    let home = Home::new()?;
    let named = keep(&home, "named", good()?)?;
    let later = made_up(&json!({"exp": ending_in(9000), "nbf": ending_in(4000)}));
    for (variable, expected) in [
        (ended(), "it ended at"),
        ("jdoe-secret-opaque".to_owned(), "not a JSON web token"),
        (later, "Check the clock"),
    ] {
        let client = oidc(&home)?.env("BEARER_TOKEN", &variable).env("BEARER_TOKEN_FILE", &named);
        let run = run(client)?;
        let line = format!(
            "The token of the variable BEARER_TOKEN is not used: {}",
            if expected.starts_with("it") { expected } else { "" }
        );
        ensure!(run.0.stderr.matches(&line).count() == 1 && run.0.stderr.contains(expected), "{}", run.0.stderr);
        ensure!(!run.0.stderr.contains(variable.rsplit(['.', '-']).next().unwrap_or_default()), "{}", run.0.stderr);
        used(&home, &run, &named)?;
    }
    Ok(())
}

#[test]
fn found_tokens_that_all_expired_lead_to_a_login() -> Result<()> {
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

/// Valid, but not mapped to an account.
fn foreign_token() -> String {
    static TOKEN: OnceLock<String> = OnceLock::new();
    let claims = || json!({"sub": "kim", "iss": "https://i", "exp": ending_in(900), "aud": "rucio"});
    TOKEN.get_or_init(|| made_up(&claims())).clone()
}

fn told_once(outcome: &Outcome) -> Result<()> {
    for text in ["refuses the token of the variable BEARER_TOKEN (SUB=kim, ISS=https://i)", "add this OIDC identity"] {
        ensure!(outcome.stderr.matches(text).count() == 1, "{text}: {}", outcome.stderr);
    }
    Ok(())
}

#[test]
fn found_token_that_the_server_refuses_is_replaced_by_the_cached_one() -> Result<()> {
    let home = Home::new()?;
    log_in_well(&home, &config("oidc")?, LINK)?;
    let (outcome, lines) = run(oidc(&home)?.env("BEARER_TOKEN", &foreign_token()))?;
    let seen: Vec<_> = lines.iter().map(Line::seen).collect();
    ensure!(seen == [("GET /auth/validate", 500), WHOAMI[0], WHOAMI[1]], "{seen:?}");
    told_once(&outcome)
}

#[test]
fn found_token_in_the_cache_does_not_prevent_a_login() -> Result<()> {
    let home = Home::new()?;
    home.keep_token(&made_up(&json!({"exp": ending_in(600)})))?;
    let outcome = oidc(&home)?.env("BEARER_TOKEN", &foreign_token()).args(["whoami"]).run()?;
    ensure!(outcome.code == 1 && outcome.stderr.contains("nothing was typed"), "{outcome:?}");
    told_once(&outcome)
}

/// That the server took it once does not mean that it always will.
#[test]
fn found_token_that_is_refused_later_is_replaced() -> Result<()> {
    let home = Home::new()?;
    run(oidc(&home)?.env("BEARER_TOKEN", good()?))?;
    let files = fs::read_dir(home.token_folder())?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let noted = files.iter().find(|path| path.extension().is_some_and(|ending| ending == "checked"));
    let digest = rucio::sha256::hex(foreign_token());
    fs::write(noted.context("a note of the token that was checked")?, digest)?;
    home.keep_token(good()?)?;
    let (outcome, lines) = run(oidc(&home)?.env("BEARER_TOKEN", &foreign_token()))?;
    let seen: Vec<_> = lines.iter().map(Line::seen).collect();
    let asked = "GET /auth/validate";
    ensure!(seen == [(WHOAMI[0].0, 401), (asked, 500), (asked, 200), WHOAMI[0], WHOAMI[1]], "{seen:?}");
    told_once(&outcome)
}

/// What a token endpoint or its like answers.
fn post(path: &str, form: &[&str]) -> Result<Value> {
    let testbed = Testbed::get()?;
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--cacert", &format!("{}/ca.pem", testbed.value("CERTS")?)]);
    curl.arg(format!("{}{path}", testbed.value("OIDC")?))
        .args(form.iter().flat_map(|field| ["--data-urlencode", field]));
    Ok(serde_json::from_slice(&curl.output()?.stdout)?)
}

/// A token of jdoe that no Rucio server has seen.
fn unseen() -> Result<String> {
    let client = ["client_id=rucio-cli", "scope=openid profile", "audience=rucio"];
    let device = post("/device/auth", &client)?;
    browse(device["verification_uri_complete"].as_str().context("a link")?, "jdoe")?;
    let code = format!("device_code={}", device["device_code"].as_str().context("a code")?);
    let answer = post("/token", &[client[0], "grant_type=urn:ietf:params:oauth:grant-type:device_code", &code])?;
    Ok(answer["access_token"].as_str().context("a token")?.to_owned())
}

/// A server that gets to know a token from several processes at once refuses it to some of them.
#[test]
fn found_token_is_used_by_twenty_processes() -> Result<()> {
    let (home, token, agent) = (Home::new()?, unseen()?, unique("found"));
    let outcomes: Vec<Result<Outcome>> = std::thread::scope(|scope| {
        let start = || oidc(&home)?.env("BEARER_TOKEN", &token).args(["--user-agent", &agent, "whoami"]).run();
        let running: Vec<_> = (0..20).map(|_| scope.spawn(start)).collect();
        running.into_iter().map(|run| run.join().expect("a run does not panic")).collect()
    });
    for outcome in outcomes {
        let outcome = outcome?;
        ensure!(outcome.code == 0 && outcome.stderr.is_empty(), "{outcome:?}");
    }
    let lines = AccessLog::of("apache")?.of_agent(&agent, WHOAMI[1].0)?;
    ensure!(lines.iter().filter(|line| line.request == "GET /auth/validate").count() == 1, "{lines:?}");
    ensure!(lines.iter().all(|line| line.token == token && line.status < 400), "{lines:?}");
    Ok(())
}

#[test]
fn found_token_in_a_file_that_others_may_write_is_not_used() -> Result<()> {
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
    let outcome = client()?.args(["whoami"]).run()?;
    ensure!(outcome.code == 0 && outcome.stderr.contains("is open to others (mode 644)"), "{outcome:?}");
    fs::set_permissions(&named, fs::Permissions::from_mode(0o622))?;
    refused("is open to others (mode 622)")?;
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
fn found_token_is_not_sent_to_a_server_outside_its_audience() -> Result<()> {
    let (home, second) = (Home::new()?, Testbed::get()?.value("SECOND_URL")?);
    let options = ["-H", second, "--auth-host", second];
    let outcome = oidc(&home)?.env("BEARER_TOKEN", good()?).args(options).args(["whoami"]).run()?;
    ensure!(outcome.code == 1 && outcome.stderr.contains(&format!("does not name {second}")), "{outcome:?}");
    ensure!(outcome.stderr.contains("oidc_audience"), "{outcome:?}");
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
fn found_token_may_be_assigned_to_a_server_by_the_user() -> Result<()> {
    let (home, url) = (Home::new()?, Testbed::get()?.value("URL")?);
    let bare = home.config(&format!("ca_cert = {}\naccount = jdoe", Home::certificate("ca.pem")?.display()))?;
    let options = ["-H", url, "--auth-host", url, "-S", "oidc", "--oidc-audience", "rucio"];
    let client = home.ours().env("RUCIO_CONFIG", &bare).env("BEARER_TOKEN", good()?).args(options);
    used(&home, &run(client)?, "the variable BEARER_TOKEN")
}

#[test]
fn found_token_is_ignored_by_other_authentication_methods() -> Result<()> {
    let home = Home::new()?;
    let (outcome, lines) = run(home.ours().config("userpass")?.env("BEARER_TOKEN", good()?))?;
    ensure!(lines.iter().all(|line| line.token != good().unwrap_or_default()), "{outcome:?}");
    Ok(())
}

/// A file that another program fills: used while its token is valid.
#[test]
fn found_token_may_be_in_the_configured_file() -> Result<()> {
    let home = Home::new()?;
    let file = keep(&home, "from-elsewhere", good()?)?;
    let config =
        home.testbed_config(&format!("auth_type = oidc\noidc_audience = rucio\nauth_token_file_path = {file}"))?;
    let (_, lines) = whoami(&home, &config, false)?;
    ensure!(lines.iter().map(Line::seen).eq(WHOAMI) && lines[0].token == good()?, "{lines:?}");
    no_secret_of(&home, "")?;
    for (claims, expected) in [
        (json!({"exp": ending_in(-60)}), None),
        (json!({"exp": ending_in(9000), "nbf": ending_in(4000)}), Some("Check the clock")),
    ] {
        fs::write(Path::new(&file), made_up(&claims))?;
        let agent = unique("elsewhere");
        let outcome = home.ours().env("RUCIO_CONFIG", &config).args(["--user-agent", &agent, "whoami"]).run()?;
        ensure!(outcome.code == 1 && outcome.stderr.contains("nothing was typed"), "{outcome:?}");
        ensure!(expected.is_none_or(|expected| outcome.stderr.contains(expected)), "{outcome:?}");
        let lines = AccessLog::of("apache")?.of_agent(&agent, "GET /auth/oidc")?;
        ensure!(lines.iter().all(|line| line.token.is_empty()), "{lines:?}");
    }
    Ok(())
}
