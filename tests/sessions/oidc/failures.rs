//! Logins that fail: the reason as far as it can be known, what to do about it, and the exit code.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::{LINK, config, direct, log_in, log_in_well, no_secret_of};
use crate::fixtures::{Answer, Home, Pty, REFUSING, ReceivedRequest, Server, browse};
use crate::support::{Outcome, Testbed, unique};

const OIDC: &str = "auth_type = oidc\noidc_scope = openid profile offline_access\noidc_audience = rucio";

/// Runs whoami, without anybody who types, with these lines in `[client]`.
fn run(lines: &str, options: &[&str]) -> Result<Outcome> {
    let home = Home::new()?;
    let config = home.testbed_config(lines)?;
    let outcome = home.ours().env("RUCIO_CONFIG", &config).args(options).args(["-v", "whoami"]).run()?;
    ensure!(outcome.code == 1 && outcome.stdout.is_empty() && !home.token_file().exists(), "{outcome:?}");
    Ok(outcome)
}

fn says(outcome: &Outcome, texts: &[&str]) -> Result<()> {
    for text in texts {
        ensure!(outcome.stderr.contains(text), "it does not say {text:?}:\n{}", outcome.stderr);
    }
    ensure!(!outcome.stderr.contains("Traceback") || outcome.stderr.contains("DEBUG"), "{}", outcome.stderr);
    Ok(())
}

#[test]
fn oidc_provider_that_the_server_does_not_know() -> Result<()> {
    let outcome = run(&format!("{OIDC}\noidc_issuer = elsewhere"), &[])?;
    says(&outcome, &["The server knows no identity provider 'elsewhere'", "oidc_issuer"])?;
    let outcome = run(OIDC, &["--oidc-issuer", "Faraway"])?;
    says(&outcome, &["The server knows no identity provider 'faraway'", "--oidc-issuer"])
}

#[test]
fn oidc_account_that_does_not_exist() -> Result<()> {
    let outcome = run(OIDC, &["--account", "ghost"])?;
    says(&outcome, &["for account ghost", "Check that there is an account ghost"])
}

/// In every tree, also where failures have codes of their own.
#[test]
fn oidc_exit_code_is_that_of_the_official_client() -> Result<()> {
    let home = Home::new()?;
    let config = home.testbed_config(OIDC)?;
    for options in [["--oidc-issuer", "elsewhere"], ["--account", "ghost"], ["--oidc-scope", "email"]] {
        for command in ["whoami", "list-scopes"] {
            let [ours, official] = [home.ours(), home.official()?]
                .map(|client| client.env("RUCIO_CONFIG", &config).args(options).args([command]).run());
            let (ours, official) = (ours?, official?);
            ensure!(ours.code == 1 && official.code == 1, "{options:?} {command}: {ours:?} {official:?}");
        }
    }
    Ok(())
}

#[test]
fn oidc_scopes_and_audiences_that_the_server_refuses() -> Result<()> {
    for options in [["--oidc-scope", "email"], ["--oidc-audience", "elsewhere"]] {
        let outcome = run(OIDC, &options)?;
        says(&outcome, &["scope and audience", "--oidc-scope 'openid profile' --oidc-audience rucio"])?;
    }
    Ok(())
}

#[test]
fn oidc_polling_that_times_out() -> Result<()> {
    let outcome = run(&format!("{OIDC}\noidc_polling = yes\noidc_polling_timeout = 1"), &[])?;
    says(&outcome, &["No login in the browser within 1 second", "oidc_polling_timeout"])?;
    ensure!(outcome.took < Duration::from_secs(20), "{outcome:?}");
    Ok(())
}

/// The server reports a failed login only to the browser, not to the client: so the client says before what to do
/// about an error there, and afterwards what it may have been.
#[test]
fn oidc_polling_with_a_refused_consent_or_an_identity_without_account() -> Result<()> {
    for user in [REFUSING, "nobodys"] {
        let home = Home::new()?;
        let config = home.testbed_config(&format!("{OIDC}\noidc_polling = yes\noidc_polling_timeout = 4"))?;
        let (code, screen) = log_in(&home, &config, LINK, user)?;
        ensure!(code == 1 && screen.contains("If the browser shows an error, press Ctrl-C"), "{user}: {screen}");
        for text in ["No login in the browser", "may not belong to jdoe", "rucio account identity add --type OIDC"] {
            ensure!(screen.contains(text), "{user}: it does not say {text:?}: {screen}");
        }
    }
    Ok(())
}

#[test]
fn oidc_consent_that_is_refused_shows_no_code() -> Result<()> {
    let (home, config) = (Home::new()?, config("oidc_code")?);
    let mut terminal = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], &["whoami"])?;
    let page = browse(&terminal.wait_for(LINK)?, REFUSING)?;
    ensure!(!page.contains("<b>"), "{page}");
    for again in ["was not accepted", "was not accepted.*\n(.*\n)*.*was not accepted"] {
        terminal.type_in("guessed\n")?;
        terminal.wait_for(again)?;
    }
    terminal.type_in("guessed\n")?;
    let (code, screen) = terminal.end()?;
    ensure!(code == 1 && screen.contains("No valid login code was entered"), "{screen}");
    ensure!(screen.contains("rucio account identity add"), "{screen}");
    Ok(())
}

#[test]
fn oidc_login_ends_at_ctrl_c() -> Result<()> {
    for (name, shown) in [
        ("oidc", "Waiting up to"),
        ("oidc_code", "Copy the code"),
        ("oidc_device", "Waiting for"),
        ("oidc_browser", "copy this address"),
    ] {
        let (home, config) = (Home::new()?, config(name)?);
        let mut terminal = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], &["whoami"])?;
        terminal.wait_for(shown)?;
        terminal.type_in("\u{3}")?;
        let (code, screen) = terminal.end()?;
        ensure!(code == 130, "{name}: {code} {screen}");
    }
    Ok(())
}

#[test]
fn oidc_provider_that_is_down_or_none() -> Result<()> {
    let lines = direct("device", "rucio-cli")?;
    let at = |provider: &str| {
        let real = Testbed::get()?.value("OIDC")?;
        run(&lines.replace(real, provider), &[])
    };
    says(
        &at("https://localhost:9")?,
        &["The identity provider https://localhost:9 cannot be reached", "oidc_provider"],
    )?;
    says(&at(Testbed::get()?.value("URL")?)?, &["is not an OpenID Connect provider: it answers 404", "oidc_provider"])?;
    says(&at("http://idp.example.org")?, &["is not reached over TLS"])?;
    says(&at("idp")?, &["idp is not a URL"])
}

/// A provider of the test's own, whose description of itself is `metadata` with its address in place of `{url}`.
fn provider(
    metadata: &'static str,
    answer: impl Fn(&ReceivedRequest) -> Answer + Send + Sync + 'static,
) -> Result<(Server, String)> {
    let server = Server::start(move |heard, _| match heard.request.as_str() {
        "GET /.well-known/openid-configuration" => {
            let host = heard.header("host").unwrap_or_default();
            Answer::json(&metadata.replace("{url}", &format!("http://{host}")))
        }
        _ => answer(heard),
    })?;
    let lines = direct("device", "rucio-cli")?.replace(Testbed::get()?.value("OIDC")?, server.url());
    Ok((server, lines))
}

const METADATA: &str =
    r#"{"issuer": "{url}", "token_endpoint": "{url}/token", "device_authorization_endpoint": "{url}/device"}"#;
const DEVICE: &str = r#"{"device_code": "d", "user_code": "U", "verification_uri": "https://idp/device", "expires_in": 60, "interval": 1}"#;

#[test]
fn oidc_provider_with_another_issuer() -> Result<()> {
    let (_server, lines) =
        provider(r#"{"issuer": "https://evil", "token_endpoint": "{url}/token"}"#, |_| Answer::json("{}"))?;
    says(&run(&lines, &[])?, &["it says that it is https://evil"])
}

#[test]
fn oidc_provider_with_hostile_or_senseless_responses() -> Result<()> {
    let elsewhere = METADATA.replace("{url}/token", "http://idp.example.org/token").leak();
    let (server, lines) = provider(elsewhere, |_| Answer::json(DEVICE))?;
    says(&run(&lines, &[])?, &["http://idp.example.org/token is not reached over TLS"])?;
    ensure!(server.heard().len() == 1);
    let (server, lines) = provider(METADATA, |_| Answer::new(307, "Location: /elsewhere\r\n", ""))?;
    says(&run(&lines, &[])?, &["The answer of http://127.0.0.1", "is not valid"])?;
    ensure!(server.heard().iter().all(|heard| !heard.request.contains("elsewhere")), "a redirect is not followed");
    let (_server, lines) = provider(METADATA, |_| Answer::json(&format!("\"{}\"", "x".repeat(2 << 20))))?;
    says(&run(&lines, &[])?, &["is too long"])?;
    let (_server, lines) = provider(METADATA, |_| Answer::json("<html>secret</html>"))?;
    let outcome = run(&lines, &[])?;
    ensure!(!outcome.stderr.contains("secret"), "{outcome:?}");
    says(&outcome, &["is not valid"])
}

#[test]
fn oidc_provider_without_the_flow_names_the_other_one() -> Result<()> {
    let bare = r#"{"issuer": "{url}", "token_endpoint": "{url}/token"}"#;
    let (_server, lines) = provider(bare, |_| Answer::json("{}"))?;
    says(&run(&lines, &[])?, &["offers no login by the device flow", "oidc_login = browser"])?;
    let lines = lines.replace("oidc_login = device", "oidc_login = browser");
    says(&run(&lines, &[])?, &["offers no login in a browser", "oidc_login = device"])
}

#[test]
fn oidc_device_code_that_expires_and_token_that_rucio_refuses() -> Result<()> {
    let answer = |body: &'static str| {
        move |heard: &ReceivedRequest| match heard.request.as_str() {
            "POST /device" => Answer::json(DEVICE),
            _ if body.contains("error") => Answer::new(400, "Content-Type: application/json\r\n", body),
            _ => Answer::json(body),
        }
    };
    let (_server, lines) = provider(METADATA, answer(r#"{"error": "expired_token"}"#))?;
    says(&run(&lines, &[])?, &["expired_token", "before it expires"])?;
    let (_server, lines) =
        provider(METADATA, answer(r#"{"access_token": "opaque-token-of-2", "token_type": "Bearer"}"#))?;
    let outcome = run(&lines, &[])?;
    ensure!(!outcome.stderr.contains("opaque-token"), "{outcome:?}");
    says(&outcome, &["not a JSON web token", "oidc_audience"])
}

/// The clock of a server or provider is the only other one there is to compare with.
#[test]
fn oidc_clock_that_is_wrong_is_reported() -> Result<()> {
    let (_server, lines) = provider(METADATA, |_| Answer::new(400, "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n", ""))?;
    let outcome = run(&lines, &[])?;
    says(&outcome, &["The clock of this machine is", "ahead of that of http://127.0.0.1", "set the clock"])?;
    let outcome = run(&format!("{OIDC}\noidc_issuer = elsewhere"), &[])?;
    ensure!(!outcome.stderr.contains("The clock"), "{outcome:?}");
    Ok(())
}

/// All the while the token is good at the server: nothing of a failure elsewhere shows it.
#[test]
fn oidc_refusal_of_the_server_shows_no_token() -> Result<()> {
    let (home, config) = (Home::new()?, config("oidc")?);
    log_in_well(&home, &config, LINK)?;
    let outcome =
        home.ours().env("RUCIO_CONFIG", &config).args(["-v", "did", "show", &unique("user.jdoe:none")]).run()?;
    ensure!(outcome.code == 1 && outcome.stderr.contains("DEBUG"), "{outcome:?}");
    no_secret_of(&home, &outcome.stderr)
}
