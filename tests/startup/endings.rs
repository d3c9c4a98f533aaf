//! How commands end when nobody listens, nothing can be written, or somebody has had enough.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::fixtures::{Answer, Home, Pty, ReceivedRequest, SIGNALS, Server, USER, shell_code, wait_for};
use crate::support::{Rucio, Testbed, var};

fn program() -> String {
    var("RUCIO_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_rucio").to_owned())
}

/// Our client on pipes of the test's own.
fn command(home: &Home, config: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("/usr/bin/env");
    command.args([SIGNALS, &program()]).args(arguments).env_clear().env("RUCIO_CONFIG", config).env("LOGNAME", USER);
    command.env("HOME", home.path()).env("TMPDIR", home.path()).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn testbed_config(name: &str) -> Result<String> {
    Ok(Testbed::get()?.config(name)?.to_string_lossy().into_owned())
}

/// The exit code, as a shell shows it, and what was written to standard error.
fn end(child: Child) -> Result<(i32, String)> {
    let output = child.wait_with_output()?;
    Ok((shell_code(output.status), String::from_utf8_lossy(&output.stderr).into_owned()))
}

/// As `rucio list-files … | head -1`, with more rows than any pipe holds.
#[test]
fn a_reader_that_has_seen_enough_is_no_failure() -> Result<()> {
    let home = Home::new()?;
    let config = testbed_config("userpass")?;
    for arguments in [["list-files", "--csv", "bench:small"], ["did", "show", "--help"]] {
        let mut child = command(&home, &config, &arguments).spawn()?;
        let mut first = String::new();
        BufReader::new(child.stdout.take().context("piped")?).read_line(&mut first)?;
        ensure!(!first.is_empty(), "{arguments:?}");
        let (code, stderr) = end(child)?;
        ensure!(code == 0 && stderr.is_empty(), "{arguments:?}: {code}, {stderr}");
    }
    Ok(())
}

#[test]
fn a_reader_that_never_was_is_no_failure() -> Result<()> {
    let home = Home::new()?;
    for arguments in [vec!["list-rses"], vec!["whoami"], vec!["--help"], vec!["--version"]] {
        let mut child = command(&home, &testbed_config("userpass")?, &arguments);
        let (reader, writer) = std::io::pipe()?;
        drop(reader);
        let (code, stderr) = end(child.stdout(writer).spawn()?)?;
        ensure!(code == 0 && stderr.is_empty(), "{arguments:?}: {code}, {stderr}");
    }
    Ok(())
}

#[test]
fn closed_standard_output_is_no_failure() -> Result<()> {
    let home = Home::new()?;
    for arguments in ["whoami", "--version", "list-rses"] {
        let script = format!("exec '{}' {arguments} >&-", program());
        let shell = Rucio::program("sh").home(home.path()).env("LOGNAME", USER).config("userpass")?;
        let outcome = shell.args(["-c", &script]).run()?;
        ensure!(outcome.code == 0 && outcome.stderr.is_empty(), "{arguments}: {outcome:?}");
    }
    Ok(())
}

#[test]
fn output_that_cannot_be_written_is_a_failure() -> Result<()> {
    let home = Home::new()?;
    for arguments in [
        vec!["whoami"],
        vec!["list-rses"],
        vec!["list-files", "--csv", "bench:small"],
        vec!["--help"],
        vec!["--version"],
    ] {
        let mut child = command(&home, &testbed_config("userpass")?, &arguments);
        let (code, stderr) = end(child.stdout(File::options().write(true).open("/dev/full")?).spawn()?)?;
        ensure!(code == 1 && stderr.contains("No space left on device"), "{arguments:?}: {code}, {stderr}");
    }
    Ok(())
}

#[test]
fn standard_error_that_cannot_be_written_changes_nothing() -> Result<()> {
    let home = Home::new()?;
    let mut child = command(&home, "/nowhere/rucio.cfg", &["whoami"]);
    let status = child.stderr(File::options().write(true).open("/dev/full")?).spawn()?.wait()?;
    ensure!(shell_code(status) == 1, "{status}");
    Ok(())
}

/// A server that is asked something and never answers.
fn silent() -> Result<Server> {
    Server::start(|_: &ReceivedRequest, _| Answer::Silence)
}

fn config_for(server: &Server, home: &Home) -> Result<String> {
    server.client(home)?;
    Ok(home.path().join("rucio.cfg").to_string_lossy().into_owned())
}

#[test]
fn a_signal_ends_a_command_that_waits_for_the_server() -> Result<()> {
    for (signal, wanted) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let (home, server) = (Home::new()?, silent()?);
        let child = command(&home, &config_for(&server, &home)?, &["whoami"]).spawn()?;
        server.wait_for("GET /accounts/whoami")?;
        let start = Instant::now();
        kill_process(Pid::from_child(&child), signal)?;
        let (code, stderr) = end(child)?;
        ensure!(code == wanted && start.elapsed() < Duration::from_secs(1), "{signal:?}: {code}, {stderr}");
        ensure!(!stderr.contains("panicked"), "{stderr}");
    }
    Ok(())
}

#[test]
fn ctrl_c_on_the_terminal_ends_a_command_that_waits_for_the_server() -> Result<()> {
    let (home, server) = (Home::new()?, silent()?);
    let config = config_for(&server, &home)?;
    let mut terminal = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], &["whoami"])?;
    server.wait_for("GET /accounts/whoami")?;
    let start = Instant::now();
    terminal.type_in("\x03")?;
    let (code, screen) = terminal.end()?;
    ensure!(code == 130 && start.elapsed() < Duration::from_secs(1), "{code} after {:?}: {screen}", start.elapsed());
    Ok(())
}

#[test]
fn ctrl_c_between_two_tries_does_not_wait_for_the_second() -> Result<()> {
    let home = Home::new()?;
    let server = Server::start(|_: &ReceivedRequest, _| Answer::new(503, "Retry-After: 9\r\n", ""))?;
    let mut child = command(&home, &config_for(&server, &home)?, &["whoami"]).spawn()?;
    let mut lines = BufReader::new(child.stderr.take().context("piped")?);
    let mut line = String::new();
    wait_for("the notice of the wait", || {
        Ok((lines.read_line(&mut line)? > 0 && line.contains("Waiting")).then_some(()))
    })?;
    let start = Instant::now();
    kill_process(Pid::from_child(&child), Signal::INT)?;
    let (code, _) = end(child)?;
    ensure!(code == 130 && start.elapsed() < Duration::from_secs(1), "{code} after {:?}", start.elapsed());
    Ok(())
}
