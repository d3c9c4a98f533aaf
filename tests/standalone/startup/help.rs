//! Help, version and mistakes need neither configuration nor network, and touch neither.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use regex::Regex;

use crate::fixtures::{Answer, Home, Server, WAIT_TIMEOUT};
use crate::support::{Outcome, Rucio};

/// A home with traps: a configuration that never ends to be opened, and a server that remembers who called.
struct Trap {
    home: Home,
    server: Server,
    fifo: String,
}

impl Trap {
    fn new() -> Result<Self> {
        let (home, server) = (Home::new()?, Server::start(|_, _| Answer::json("{}"))?);
        let path = home.path().join("never.cfg");
        let name = CString::new(path.to_string_lossy().as_bytes())?;
        rustix::fs::mknodat(rustix::fs::CWD, name, rustix::fs::FileType::Fifo, 0o600.into(), 0)?;
        Ok(Self { home, server, fifo: path.to_string_lossy().into_owned() })
    }

    /// Runs this; opening the configuration would outlast the limit.
    fn run(&self, arguments: &[&str]) -> Result<Outcome> {
        let client = self.home.ours().env("RUCIO_CONFIG", &self.fifo).env("HTTPS_PROXY", self.server.url());
        let hosts = ["--config", &self.fifo, "-H", self.server.url(), "--auth-host", self.server.url()];
        let outcome = client.args(hosts).args(arguments).limit(WAIT_TIMEOUT).run()?;
        ensure!(outcome.code >= 0, "{arguments:?} waits for something: {outcome:?}");
        Ok(outcome)
    }

    /// Asserts that the server was not contacted and nothing was written.
    fn untouched(&self) -> Result<()> {
        ensure!(self.server.heard_in_all().is_empty(), "{:?}", self.server.heard_in_all());
        let names: Vec<_> =
            fs::read_dir(self.home.path())?.map(|entry| Ok(entry?.file_name())).collect::<Result<_>>()?;
        ensure!(names == ["never.cfg"], "{names:?}");
        Ok(())
    }
}

/// The trap snaps: otherwise it would prove nothing.
#[test]
fn help_trap_catches_a_command_that_reads_its_configuration() -> Result<()> {
    let trap = Trap::new()?;
    let client = trap.home.ours().env("RUCIO_CONFIG", &trap.fifo).args(["ping"]);
    let outcome = client.limit(Duration::from_millis(500)).run()?;
    ensure!(outcome.code == -1 && outcome.stderr.contains("ended after"), "{outcome:?}");
    Ok(())
}

/// The commands that a help text lists.
fn listed(help: &str) -> Result<Vec<String>> {
    let list = help.split_once("Commands:\n").map(|(_, rest)| rest.split("\n\n").next().unwrap_or_default());
    let name = Regex::new(r"(?m)^  ([a-z][\w-]*)")?;
    let names = name.captures_iter(list.unwrap_or_default()).map(|found| found[1].to_owned());
    Ok(names.filter(|name| name != "help").collect())
}

/// Requests help for this command and all its subcommands; collects the leaves.
fn walk(trap: &Trap, words: &[&str], leaves: &mut BTreeSet<String>) -> Result<()> {
    for option in ["--help", "-h"] {
        let outcome = trap.run(&[words, &[option]].concat())?;
        ensure!(outcome.code == 0 && outcome.messages().is_empty(), "{words:?} {option}: {outcome:?}");
        ensure!(outcome.stdout.contains("Usage: rucio"), "{words:?} {option}: {outcome:?}");
        if option == "-h" {
            continue;
        }
        let below = listed(&outcome.stdout)?;
        if below.is_empty() {
            leaves.insert(words.join(" "));
        }
        for name in below {
            walk(trap, &[words, &[name.as_str()]].concat(), leaves)?;
        }
    }
    Ok(())
}

/// Scripts read the commands from the end of the text.
#[test]
fn help_lists_commands_last_one_a_line() -> Result<()> {
    let trap = Trap::new()?;
    let line = Regex::new(r"^  [a-z][\w-]*(  +\S.*)?$")?;
    for words in [&["--help"][..], &["did", "--help"], &["rse", "attribute", "-h"], &["--legacy", "--help"]] {
        let help = trap.run(words)?.stdout;
        ensure!(help.starts_with("Usage: rucio"), "{words:?}: {help}");
        let (_, commands) = help.split_once("\nCommands:\n").context("no commands")?;
        let odd = commands.lines().find(|text| !line.is_match(text));
        ensure!(odd.is_none() && commands.lines().count() > 2, "{words:?}: {odd:?} in {commands}");
    }
    Ok(())
}

#[test]
fn help_exists_for_every_new_command() -> Result<()> {
    let (trap, mut leaves) = (Trap::new()?, BTreeSet::new());
    walk(&trap, &[], &mut leaves)?;
    for command in ["download", "whoami", "did list", "did content add", "replica list file", "rule add", "rse list"] {
        ensure!(leaves.contains(command), "{command} is not among {leaves:?}");
    }
    trap.untouched()
}

#[test]
fn help_exists_for_every_legacy_command() -> Result<()> {
    let (trap, mut leaves) = (Trap::new()?, BTreeSet::new());
    walk(&trap, &["--legacy"], &mut leaves)?;
    for command in ["download", "list-dids", "add-rule", "list-file-replicas", "attach", "whoami"] {
        let command = format!("--legacy {command}");
        ensure!(leaves.contains(&command), "{command} is not among {leaves:?}");
    }
    // and without being forced to; the names that both trees know show the new one
    let names = leaves.iter().map(|leaf| leaf.trim_start_matches("--legacy "));
    for command in names.chain(["add-rules", "get"]) {
        let outcome = trap.run(&[command, "--help"])?;
        ensure!(outcome.code == 0 && outcome.stdout.contains("Usage: rucio"), "{command}: {outcome:?}");
    }
    trap.untouched()
}

#[test]
fn help_exists_for_every_admin_command() -> Result<()> {
    let (trap, mut leaves) = (Trap::new()?, BTreeSet::new());
    walk(&trap, &["admin"], &mut leaves)?;
    ensure!(leaves.len() >= 51, "{leaves:?}");
    for command in ["admin rse add-protocol", "admin data export", "admin replicas declare-bad"] {
        ensure!(leaves.contains(command), "{command} is not among {leaves:?}");
    }
    trap.untouched()
}

#[test]
fn version_is_that_of_the_release_it_reproduces() -> Result<()> {
    let trap = Trap::new()?;
    for option in ["--version", "-V"] {
        let outcome = trap.run(&[option])?;
        ensure!(outcome.code == 0 && outcome.stdout == "rucio 41.5.1\n" && outcome.stderr.is_empty(), "{outcome:?}");
    }
    trap.untouched()
}

#[test]
fn usage_errors_are_reported_at_once() -> Result<()> {
    let trap = Trap::new()?;
    for (arguments, code, expected) in [
        (vec!["--no-such-option", "whoami"], 2, "--no-such-option"),
        (vec!["-S", "telepathy", "whoami"], 2, "telepathy"),
        (vec!["--timeout", "soon", "whoami"], 2, "soon"),
        (vec!["whoami", "--no-such-option"], 1, "--no-such-option"),
        (vec!["did", "list", "--no-such-option"], 1, "--no-such-option"),
        (vec!["list-dids", "--no-such-option"], 2, "--no-such-option"),
        (vec!["no-such-command"], 2, "no-such-command"),
        (vec!["did", "no-such-command"], 1, "no-such-command"),
        (vec![], 1, "requires a subcommand"),
        (vec!["did"], 1, "Usage: rucio did"),
        (vec!["rule", "show"], 2, "RULE"),
        (vec!["rule-info"], 2, "RULE"),
    ] {
        let outcome = trap.run(&arguments)?;
        ensure!(outcome.code == code && outcome.stdout.is_empty(), "{arguments:?}: {outcome:?}");
        ensure!(outcome.stderr.to_lowercase().contains(&expected.to_lowercase()), "{arguments:?}: {outcome:?}");
    }
    trap.untouched()
}

/// The library is loaded when it is needed, so that the program runs where there is none.
#[test]
fn gss_library_is_not_linked() -> Result<()> {
    let output = std::process::Command::new("ldd").arg(Rucio::path()).output()?;
    let needed = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success() && needed.contains("libc.so"), "{output:?}");
    ensure!(!needed.contains("gssapi") && !needed.contains("krb5"), "{needed}");
    Ok(())
}
