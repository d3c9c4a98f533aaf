//! How commands end when the reader is gone, nothing can be written, or the user interrupts.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::fixtures::{Answer, Home, PROMPT, Pty, ReceivedRequest, Server, USER, shell_code, wait_for};
use crate::support::{Rucio, without_notice};

/// Our client on pipes of the test's own.
fn command(home: &Home, config: &str, arguments: &[&str]) -> Result<Command> {
    let mut command = home.ours().env("RUCIO_CONFIG", config).args(arguments).command()?;
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(command)
}

/// A server with more rows than a pipe buffers.
fn server() -> Result<Server> {
    let file = |number: u32| {
        format!("{{\"scope\": \"s\", \"name\": \"file-{number}\", \"bytes\": 1, \"adler32\": \"00000001\"}}\n")
    };
    let files: String = (0..20_000).map(file).collect();
    Server::start(move |heard: &ReceivedRequest, _| match heard.request.as_str() {
        "GET /accounts/whoami" => Answer::json(r#"{"account": "jdoe"}"#),
        "GET /scopes/" => Answer::json(r#"["s"]"#),
        "GET /rses/" => Answer::json("{\"rse\": \"DISK\"}\n"),
        request if request.starts_with("GET /dids/s/set/files") => Answer::json(&files),
        _ => Answer::json("{}"),
    })
}

/// The exit code, as a shell shows it, and what was written to standard error.
fn end(child: Child) -> Result<(i32, String)> {
    let output = child.wait_with_output()?;
    Ok((shell_code(output.status), String::from_utf8_lossy(&output.stderr).into_owned()))
}

/// As `rucio list-files … | head -1`, with more rows than a pipe buffers.
#[test]
fn output_reader_that_has_seen_enough_is_no_failure() -> Result<()> {
    let (home, server) = (Home::new()?, server()?);
    let config = config_for(&server, &home)?;
    for arguments in [["list-files", "--csv", "s:set"], ["did", "show", "--help"]] {
        let mut child = command(&home, &config, &arguments)?.spawn()?;
        let mut first = String::new();
        BufReader::new(child.stdout.take().context("piped")?).read_line(&mut first)?;
        ensure!(!first.is_empty(), "{arguments:?}");
        let (code, stderr) = end(child)?;
        ensure!(code == 0 && without_notice(&stderr).is_empty(), "{arguments:?}: {code}, {stderr}");
    }
    Ok(())
}

#[test]
fn output_reader_that_never_was_is_no_failure() -> Result<()> {
    let (home, server) = (Home::new()?, server()?);
    let config = config_for(&server, &home)?;
    for arguments in [vec!["list-rses"], vec!["whoami"], vec!["--help"], vec!["--version"]] {
        let mut child = command(&home, &config, &arguments)?;
        let (reader, writer) = std::io::pipe()?;
        drop(reader);
        let (code, stderr) = end(child.stdout(writer).spawn()?)?;
        ensure!(code == 0 && without_notice(&stderr).is_empty(), "{arguments:?}: {code}, {stderr}");
    }
    Ok(())
}

#[test]
fn output_that_is_closed_is_no_failure() -> Result<()> {
    let (home, server) = (Home::new()?, server()?);
    let config = config_for(&server, &home)?;
    for arguments in ["whoami", "--version", "list-rses"] {
        let script = format!("exec '{}' {arguments} >&-", Rucio::path());
        let shell = Rucio::program("sh").home(home.path()).env("LOGNAME", USER).env("RUCIO_CONFIG", &config);
        let outcome = shell.args(["-c", &script]).run()?;
        ensure!(outcome.code == 0 && outcome.messages().is_empty(), "{arguments}: {outcome:?}");
    }
    Ok(())
}

#[test]
fn output_that_cannot_be_written_is_a_failure() -> Result<()> {
    let (home, server) = (Home::new()?, server()?);
    let config = config_for(&server, &home)?;
    for arguments in
        [vec!["whoami"], vec!["list-rses"], vec!["list-files", "--csv", "s:set"], vec!["--help"], vec!["--version"]]
    {
        let mut child = command(&home, &config, &arguments)?;
        let (code, stderr) = end(child.stdout(File::options().write(true).open("/dev/full")?).spawn()?)?;
        ensure!(code == 1 && stderr.contains("No space left on device"), "{arguments:?}: {code}, {stderr}");
    }
    Ok(())
}

#[test]
fn standard_error_that_cannot_be_written_changes_nothing() -> Result<()> {
    let home = Home::new()?;
    let mut child = command(&home, "/nowhere/rucio.cfg", &["whoami"])?;
    let status = child.stderr(File::options().write(true).open("/dev/full")?).spawn()?.wait()?;
    ensure!(shell_code(status) == 1, "{status}");
    Ok(())
}

/// A server that never responds.
fn silent() -> Result<Server> {
    Server::start(|_: &ReceivedRequest, _| Answer::silence())
}

fn config_for(server: &Server, home: &Home) -> Result<String> {
    server.client(home)?;
    Ok(home.path().join("rucio.cfg").to_string_lossy().into_owned())
}

#[test]
fn signal_ends_a_command_that_waits_for_the_server() -> Result<()> {
    for (signal, wanted) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let (home, server) = (Home::new()?, silent()?);
        let child = command(&home, &config_for(&server, &home)?, &["whoami"])?.spawn()?;
        server.wait_for("GET /accounts/whoami")?;
        let start = Instant::now();
        kill_process(Pid::from_child(&child), signal)?;
        let (code, stderr) = end(child)?;
        ensure!(code == wanted && start.elapsed() < PROMPT, "{signal:?}: {code}, {stderr}");
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
    ensure!(code == 130 && start.elapsed() < PROMPT, "{code} after {:?}: {screen}", start.elapsed());
    Ok(())
}

#[test]
fn ctrl_c_between_two_attempts_does_not_wait_for_the_second() -> Result<()> {
    let home = Home::new()?;
    let server = Server::start(|_: &ReceivedRequest, _| Answer::new(503, "Retry-After: 60\r\n", ""))?;
    let mut child = command(&home, &config_for(&server, &home)?, &["whoami"])?.spawn()?;
    let mut lines = BufReader::new(child.stderr.take().context("piped")?);
    let mut line = String::new();
    wait_for("the notice of the wait", || {
        Ok((lines.read_line(&mut line)? > 0 && line.contains("Waiting")).then_some(()))
    })?;
    let start = Instant::now();
    kill_process(Pid::from_child(&child), Signal::INT)?;
    let (code, _) = end(child)?;
    ensure!(code == 130 && start.elapsed() < PROMPT, "{code} after {:?}", start.elapsed());
    Ok(())
}
