//! Tab pressed in real shells, in a terminal.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use crate::fixtures::{Answer, Home, ReceivedRequest, Server, Tmux};
use crate::support::Testbed;

/// A shell without anybody's settings, and how it loads our script.
struct Shell {
    start: &'static str,
    load: &'static str,
}

const BASH: Shell = Shell { start: "bash --norc", load: "PS1='$ '; source <(rucio completion bash)" };
const ZSH: Shell = Shell {
    start: "zsh -f",
    load: "PS1='$ '; unsetopt menu_complete; setopt no_auto_menu; autoload -U compinit; compinit -D; \
           source <(rucio completion zsh)",
};
const FISH: Shell = Shell {
    start: "fish --no-config",
    load: "function fish_prompt; echo '$ '; end; set -g fish_autosuggestion_enabled 0; rucio completion fish | source",
};
const SHELLS: [Shell; 3] = [BASH, ZSH, FISH];

/// A shell with the script loaded, at an empty screen.
fn ready(home: &Home, variables: &[(&str, &str)], shell: &Shell) -> Result<Tmux> {
    let tmux = Tmux::start(home, variables, shell.start)?;
    tmux.type_text(shell.load)?;
    tmux.press("Enter")?;
    tmux.type_text(" printf '%s\\n' rea''dy")?;
    tmux.press("Enter")?;
    tmux.wait_until("the script", |screen| screen.lines().any(|line| line == "ready"))?;
    clear(&tmux)?;
    Ok(tmux)
}

/// How often Tab is pressed: a shell lists candidates at the second, and on a busy machine the server's values may come
/// too late for the first.
const PRESSES: u32 = 8;

/// Types this, presses Tab, and sees this line, whose last blank tells that the word is whole.
fn complete(tmux: &Tmux, typed: &str, line: &str) -> Result<()> {
    tmux.type_text(typed)?;
    press_tab_until(tmux, typed, |screen| screen.contains(line.trim_end()))?;
    tmux.type_text("x")?;
    tmux.wait_for(&format!("{line}x"))?;
    clear(tmux)
}

/// Types this, presses Tab, and sees all of these.
fn offers(tmux: &Tmux, typed: &str, candidates: &[&str]) -> Result<()> {
    tmux.type_text(typed)?;
    press_tab_until(tmux, typed, |screen| candidates.iter().all(|text| screen.contains(text)))?;
    clear(tmux)
}

fn press_tab_until(tmux: &Tmux, typed: &str, fits: impl Fn(&str) -> bool) -> Result<()> {
    for _ in 0..PRESSES {
        tmux.press("Tab")?;
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(2) {
            if fits(&tmux.screen()?) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    bail!("Tab behind {typed:?} does not bring what it should; the screen:\n{}", tmux.screen()?)
}

/// Takes the line away. A shell busy with drawing may miss a key, so they are pressed again. Ctrl-C, which overtakes other
/// keys and may meet what is typed next, is only for a shell that asks something.
fn clear(tmux: &Tmux) -> Result<()> {
    for turn in 0..200 {
        tmux.press(if turn < 20 { "C-u" } else { "C-c" })?;
        tmux.press("C-l")?;
        std::thread::sleep(Duration::from_millis(100));
        if ["", "$"].contains(&tmux.screen()?.as_str()) {
            return Ok(());
        }
    }
    bail!("the screen does not get empty:\n{}", tmux.screen()?)
}

#[test]
fn words_are_completed_without_configuration_and_network() -> Result<()> {
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
        complete(&tmux, "rucio rse attribute list D", "rucio rse attribute list D")?;
    }
    Ok(())
}

#[test]
fn values_are_those_of_the_server() -> Result<()> {
    let config = Testbed::get()?.config("userpass")?.to_string_lossy().into_owned();
    for shell in SHELLS {
        let home = Home::new()?;
        let login = home.ours().env("RUCIO_CONFIG", &config).args(["whoami"]).run()?;
        ensure!(login.code == 0, "{login:?}");
        let tmux = ready(&home, &[("RUCIO_CONFIG", &config)], &shell)?;
        complete(&tmux, "rucio rse attribute list POSIX_", "list POSIX_SCRATCHDISK ")?;
        complete(&tmux, "rucio list-account-usage ali", "list-account-usage alice ")?;
        complete(&tmux, "rucio did show mock", "rucio did show mock:")?;
        complete(&tmux, "rucio did show test:one-mul", "rucio did show test:one-multi.dat ")?;
        complete(&tmux, "rucio did show test:davsf", "rucio did show test:davsfile")?;
        complete(&tmux, "rucio did list --parent test:threew", "rucio did list --parent test:threeways ")?;
        offers(&tmux, "rucio list-rses --rses 'tier=1&country=c", &["'tier=1&country=ch"])?;
        offers(&tmux, "rucio list-rses --rses coun", &["country", "country_name"])?;
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
fn a_server_that_is_slow_or_sends_nonsense_costs_a_moment_and_shows_nothing() -> Result<()> {
    let nasty = || Answer::json("{\"rse\": \"EVIL\\u001b[2J\\nNAME\"}\n{\"rse\": \"GOOD\"}\n");
    let servers = [moody(|| Answer::Silence)?, moody(|| Answer::new(500, "", "<html>"))?, moody(nasty)?];
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
            ensure!(start.elapsed() < Duration::from_secs(5), "{}: {:?}", shell.start, start.elapsed());
            ensure!(screen.contains(expected) && screen.lines().count() <= 2, "{}: {screen}", shell.start);
        }
    }
    Ok(())
}

#[test]
fn without_a_token_nobody_is_asked_and_nobody_logs_in() -> Result<()> {
    let server = moody(|| Answer::json("{\"rse\": \"GOOD\"}\n"))?;
    let home = Home::new()?;
    let ask = |server: &Server| {
        server.client(&home)?.env("RUCIO_COMPLETE", "zsh").args(["rucio", "rse", "attribute", "list", "G"]).run()
    };
    let outcome = ask(&server)?;
    ensure!(outcome.code == 0 && outcome.stdout.is_empty() && outcome.stderr.is_empty(), "{outcome:?}");
    ensure!(server.heard_in_all().is_empty(), "{:?}", server.heard_in_all());
    // with one, the server is asked once and its answer kept
    ensure!(server.client(&home)?.args(["whoami"]).run()?.code == 0, "no login");
    for _ in 0..2 {
        ensure!(ask(&server)?.stdout == "GOOD\t\n", "no value");
    }
    ensure!(server.heard().iter().filter(|heard| heard.request == "GET /rses/").count() == 1, "{:?}", server.heard());
    Ok(())
}

#[test]
fn a_server_that_is_down_shows_nothing() -> Result<()> {
    let home = Home::new()?;
    let url = "http://127.0.0.1:9";
    let config = home.config(&format!(
        "rucio_host = {url}\nauth_host = {url}\nauth_type = userpass\nusername = jdoe\npassword = x\naccount = jdoe"
    ))?;
    home.keep_token("jdoe-jdoe-unknown-0123456789abcdef")?;
    let command = home.ours().env("RUCIO_CONFIG", &config).env("RUCIO_COMPLETE", "fish");
    let outcome = command.args(["rucio", "rse", "attribute", "list", ""]).run()?;
    ensure!(outcome.code == 0 && !outcome.stdout.contains("DAVS") && outcome.stderr.is_empty(), "{outcome:?}");
    ensure!(outcome.took < Duration::from_secs(1), "{:?}", outcome.took);
    Ok(())
}

/// What the package installs is what the program prints.
#[test]
fn the_scripts_are_those_in_the_package() -> Result<()> {
    for (shell, file) in [("bash", "rucio.bash"), ("zsh", "_rucio"), ("fish", "rucio.fish")] {
        let printed = Home::new()?.ours().args(["completion", shell]).run()?;
        let text = fs::read_to_string(crate::support::project().join("completions").join(file))?;
        ensure!(printed.code == 0 && printed.stdout == text, "{file}");
    }
    Ok(())
}
