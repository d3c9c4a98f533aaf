//! Signals at a prompt for a password: the terminal is as it was before, whatever ends or stops the command.

use anyhow::{Result, ensure};
use rustix::process::Signal;

use crate::fixtures::{Answer, Home, Pty, Server};

const PROMPT: &str = "Password of jdoe: ";

fn server() -> Result<Server> {
    Server::start(|_, _| Answer::json(r#"{"account": "jdoe"}"#))
}

/// A command that waits for a password.
fn prompting(server: &Server, home: &Home) -> Result<Pty> {
    let url = server.url();
    let login = "auth_type = userpass\nusername = jdoe\naccount = jdoe";
    let config = home.config(&format!("rucio_host = {url}\nauth_host = {url}\n{login}"))?;
    let terminal = Pty::ours(home, &[("RUCIO_CONFIG", &config)], &["whoami"])?;
    terminal.wait_for(PROMPT)?;
    terminal.wait_for_secrecy()?;
    Ok(terminal)
}

#[test]
fn prompt_for_a_password_restores_the_terminal_before_a_signal_ends_the_command() -> Result<()> {
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::QUIT, 131)] {
        let (home, server) = (Home::new()?, server()?);
        let terminal = prompting(&server, &home)?;
        terminal.signal(signal)?;
        terminal.wait_for_echo()?;
        let (ended, screen) = terminal.end()?;
        ensure!(ended == code, "{signal:?}: {ended}: {screen}");
        ensure!(server.heard_in_all().is_empty(), "{signal:?}: something was sent");
    }
    Ok(())
}

#[test]
fn prompt_for_a_password_leaves_keys_that_send_signals_alone() -> Result<()> {
    for (key, code) in [("secr\x03", 130), ("secr\x1c", 131)] {
        let (home, server) = (Home::new()?, server()?);
        let mut terminal = prompting(&server, &home)?;
        terminal.type_in(key)?;
        terminal.wait_for_echo()?;
        let (ended, screen) = terminal.end()?;
        ensure!(ended == code && !screen.contains("secr"), "{key:?}: {ended}: {screen}");
        ensure!(server.heard_in_all().is_empty(), "{key:?}: something was sent");
    }
    Ok(())
}

#[test]
fn prompt_for_a_password_can_be_stopped_and_resumed() -> Result<()> {
    let (home, server) = (Home::new()?, server()?);
    let mut terminal = prompting(&server, &home)?;
    terminal.type_in("\x1a")?;
    terminal.wait_for_echo()?;
    terminal.signal(Signal::CONT)?;
    terminal.wait_for_secrecy()?;
    terminal.wait_for(&format!("(?s){PROMPT}.*{PROMPT}"))?;
    terminal.type_in(" pass word \n")?;
    let (code, screen) = terminal.end()?;
    ensure!(code == 0 && screen.contains("account    : jdoe") && !screen.contains("pass word"), "{code}: {screen}");
    // What is typed counts, blanks at its ends, too; HTTP does not transmit those.
    ensure!(server.heard_in_all()[0].header("x-rucio-password") == Some("pass word"));
    Ok(())
}
