//! Tab pressed in real shells, in a terminal.

use std::fs;
use std::time::Instant;

use anyhow::{Result, ensure};

use crate::fixtures::shell::{SHELLS, complete, offers, ready};
use crate::fixtures::{Answer, Home, PROMPT, ReceivedRequest, Server};

#[test]
fn completion_of_words_needs_neither_configuration_nor_network() -> Result<()> {
    for shell in SHELLS {
        let home = Home::new()?;
        let tmux = ready(&home, &[], &shell)?;
        complete(&tmux, "rucio who", "rucio whoami ")?;
        complete(&tmux, "rucio list-account-u", "rucio list-account-usage ")?;
        complete(&tmux, "rucio did con", "rucio did content ")?;
        complete(&tmux, "rucio rse list --rs", "rucio rse list --rses ")?;
        complete(&tmux, "rucio -S userp", "rucio -S userpass ")?;
        offers(&tmux, "rucio rse ", &["attribute", "list"])?;
        complete(&tmux, "rucio-admin ident", "rucio-admin identity ")?;
        complete(&tmux, "rucio admin subs", "rucio admin subscription ")?;
        complete(&tmux, "rucio rse list --output jsonl --cs", "--output jsonl --csv ")?;
        complete(&tmux, "rucio rse list --prof", "rucio rse list --profile ")?;
        complete(&tmux, "rucio rse list -S x509_", "rucio rse list -S x509_proxy ")?;
        complete(&tmux, "rucio settings get upload.t", "rucio settings get upload.transfer_timeout ")?;
        complete(&tmux, "rucio rse attribute list D", "rucio rse attribute list D")?;
    }
    Ok(())
}

/// A server that knows jdoe and then does this for all else.
fn moody(answer: impl Fn() -> Answer + Send + Sync + 'static) -> Result<Server> {
    Server::start(move |heard: &ReceivedRequest, _| match heard.request.as_str() {
        "GET /ping" => Answer::json(r#"{"version": "41.5.1"}"#),
        "GET /accounts/whoami" => Answer::json(r#"{"account": "jdoe"}"#),
        _ => answer(),
    })
}

#[test]
fn completion_with_a_slow_or_broken_server_is_quick_and_empty() -> Result<()> {
    let nasty = || Answer::json("{\"rse\": \"EVIL\\u001b[2J\\nNAME\"}\n{\"rse\": \"GOOD\"}\n");
    let servers = [moody(Answer::silence)?, moody(|| Answer::new(500, "", "<html>"))?, moody(nasty)?];
    let expected = ["list Gx", "list Gx", "list GOOD x"];
    for (server, expected) in servers.iter().zip(expected) {
        for shell in SHELLS {
            let home = Home::new()?;
            ensure!(server.client(&home)?.args(["whoami"]).run()?.code == 0, "no login");
            let config = home.path().join("rucio.cfg").to_string_lossy().into_owned();
            let tmux = ready(&home, &[("RUCIO_CONFIG", &config)], &shell)?;
            tmux.type_text("rucio rse attribute list G")?;
            tmux.press("Tab")?;
            tmux.type_text("x")?;
            let start = Instant::now();
            let screen = tmux.wait_until("the letter", |screen| screen.ends_with('x'))?;
            ensure!(start.elapsed() < PROMPT, "{}: {:?}", shell.start, start.elapsed());
            ensure!(screen.contains(expected) && screen.lines().count() <= 2, "{}: {screen}", shell.start);
        }
    }
    Ok(())
}

#[test]
fn completion_without_a_token_asks_no_server() -> Result<()> {
    let server = moody(|| Answer::json("{\"rse\": \"GOOD\"}\n"))?;
    let home = Home::new()?;
    let ask = |server: &Server| {
        server.client(&home)?.env("RUCIO_COMPLETE", "zsh").args(["rucio", "rse", "attribute", "list", "G"]).run()
    };
    let outcome = ask(&server)?;
    ensure!(outcome.code == 0 && outcome.stdout.is_empty() && outcome.stderr.is_empty(), "{outcome:?}");
    ensure!(server.heard_in_all().is_empty(), "{:?}", server.heard_in_all());
    // with one, the server is queried once and its response cached
    ensure!(server.client(&home)?.args(["whoami"]).run()?.code == 0, "no login");
    for _ in 0..2 {
        ensure!(ask(&server)?.stdout == "GOOD\t\n", "no value");
    }
    ensure!(server.heard().iter().filter(|heard| heard.request == "GET /rses/").count() == 1, "{:?}", server.heard());
    Ok(())
}

#[test]
fn completion_with_a_server_that_is_down_is_empty() -> Result<()> {
    let home = Home::new()?;
    let url = "http://127.0.0.1:9";
    let config = home.config(&format!(
        "rucio_host = {url}\nauth_host = {url}\nauth_type = userpass\nusername = jdoe\npassword = x\naccount = jdoe"
    ))?;
    home.keep_token("jdoe-jdoe-unknown-0123456789abcdef")?;
    let command = home.ours().env("RUCIO_CONFIG", &config).env("RUCIO_COMPLETE", "fish");
    let outcome = command.args(["rucio", "rse", "attribute", "list", ""]).run()?;
    ensure!(outcome.code == 0 && !outcome.stdout.contains("DAVS") && outcome.stderr.is_empty(), "{outcome:?}");
    ensure!(outcome.took < PROMPT, "{:?}", outcome.took);
    Ok(())
}

/// What the package installs is what the program prints.
#[test]
fn completion_scripts_are_those_in_the_package() -> Result<()> {
    for (shell, file) in [("bash", "rucio.bash"), ("zsh", "_rucio"), ("fish", "rucio.fish")] {
        let printed = Home::new()?.ours().args(["completion", shell]).run()?;
        let text = fs::read_to_string(crate::support::project().join("completions").join(file))?;
        ensure!(printed.code == 0 && printed.stdout == text, "{file}");
    }
    Ok(())
}
