//! What a person at a terminal sees: no text of strangers moves their cursor, and colours are drawn only for them.

mod rich;

use anyhow::{Result, ensure};

use crate::fixtures::{Answer, Home, Pty, ReceivedRequest, Server};

/// The screen is cleared, painted, the title changed and a line overwritten, if it gets through.
const NASTY: &str = r"evil\u001b[2J\u001b[31m\u001b]0;title\u0007\r\u009b1mname";
/// The same, harmless. (A table takes a carriage return as the end of a line, so the name has a second one there.)
const TAMED: [&str; 2] = ["evil␛[2J␛[31m␛]0;title␇", "\u{fffd}1mname"];

fn is_tamed(screen: &str) -> bool {
    TAMED.iter().all(|part| screen.contains(part))
}

/// A server full of such names.
fn nasty() -> Result<Server> {
    Server::start(|heard: &ReceivedRequest, _| match heard.request.as_str() {
        "GET /scopes/" => Answer::json(r#"["s"]"#),
        "GET /accounts/whoami" => Answer::json(&format!("{{\"account\": \"{NASTY}\"}}")),
        request if request.starts_with("GET /dids/s/dids/search") => {
            Answer::json(&format!("{{\"scope\": \"s\", \"name\": \"{NASTY}\", \"did_type\": \"DATASET\"}}\n"))
        }
        _ => Answer::new(404, "", &format!("{{\"ExceptionClass\": \"{NASTY}\", \"ExceptionMessage\": \"{NASTY}\"}}")),
    })
}

/// Runs a command against the server on a terminal. Returns exit code and screen.
fn on_terminal(server: &Server, variables: &[(&str, &str)], arguments: &[&str]) -> Result<(i32, String)> {
    let home = Home::new()?;
    server.client(&home)?;
    let config = home.path().join("rucio.cfg").to_string_lossy().into_owned();
    let variables = [variables, &[("RUCIO_CONFIG", config.as_str())]].concat();
    Pty::ours(&home, &variables, arguments)?.end()
}

/// Without the line ends, which the terminal itself makes of newlines.
fn controls(screen: &str) -> String {
    screen.replace("\r\n", "").chars().filter(|c| c.is_control() && *c != '\t').collect()
}

#[test]
fn terminal_shows_escape_sequences_in_names() -> Result<()> {
    let server = nasty()?;
    let formats = ["json", "jsonl", "csv", "tsv", "name"].map(|format| vec!["did", "list", "s:*", "-o", format]);
    let texts = [vec!["whoami"], vec!["list-dids", "s:*"], vec!["list-dids", "--short", "s:*"]];
    for arguments in texts.into_iter().chain(formats) {
        let (code, screen) = on_terminal(&server, &[("NO_COLOR", "1")], &arguments)?;
        // a record passes as the server wrote it: its JSON has such characters in ASCII
        let in_ascii = screen.contains(r"\u001b[2J");
        ensure!(code == 0 && (in_ascii || is_tamed(&screen)), "{arguments:?}: {screen:?}");
        ensure!(controls(&screen).is_empty(), "{arguments:?}: {screen:?}");
    }
    Ok(())
}

#[test]
fn terminal_shows_escape_sequences_in_messages_of_the_server() -> Result<()> {
    let (code, screen) = on_terminal(&nasty()?, &[("NO_COLOR", "1")], &["list-rses"])?;
    ensure!(code == 1 && is_tamed(&screen), "{screen:?}");
    ensure!(controls(&screen).is_empty(), "{screen:?}");
    Ok(())
}

/// Output in a pipe is for programs, and stays unchanged.
#[test]
fn pipe_gets_names_as_they_are() -> Result<()> {
    let (server, home) = (nasty()?, Home::new()?);
    let outcome = server.client(&home)?.args(["list-dids", "--short", "s:*"]).run()?;
    let name: String = serde_json::from_str(&format!("\"{NASTY}\""))?;
    ensure!(outcome.code == 0 && outcome.stdout == format!("s:{name}\n"), "{outcome:?}");
    Ok(())
}

#[test]
fn messages_are_for_people_on_a_terminal_and_log_lines_elsewhere() -> Result<()> {
    let server = Server::start(|_, _| Answer::new(404, "", ""))?;
    let (code, screen) = on_terminal(&server, &[], &["whoami"])?;
    let phrase = "An unknown exception occurred. no error information passed";
    ensure!(code == 1 && screen.contains(&format!("\x1b[31;1merror:\x1b[0m {phrase}")), "{screen:?}");
    for (variables, arguments) in [
        (&[][..], &["-v", "whoami"][..]),
        (&[("RUCIO_LOGGING_FORMAT", "%(levelname)s\t%(message)s")][..], &["whoami"][..]),
        (&[("CI", "true")][..], &["whoami"][..]),
    ] {
        let (_, screen) = on_terminal(&server, variables, arguments)?;
        ensure!(screen.contains("ERROR\t") && !screen.contains("error:"), "{arguments:?} {variables:?}: {screen:?}");
    }
    let outcome = server.client(&Home::new()?)?.args(["whoami"]).run()?;
    ensure!(
        outcome.code == 1 && outcome.stderr.contains("\tERROR\t") && controls(&outcome.stderr) == "\n".repeat(2),
        "{outcome:?}"
    );
    Ok(())
}

#[test]
fn no_color_is_respected() -> Result<()> {
    let server = Server::start(|_, _| Answer::new(404, "", ""))?;
    for arguments in [vec!["whoami"], vec!["whoami", "--help"], vec!["--no-such-option"]] {
        let (_, screen) = on_terminal(&server, &[("NO_COLOR", "1")], &arguments)?;
        ensure!(!screen.is_empty() && !screen.contains('\x1b'), "{arguments:?}: {screen:?}");
    }
    Ok(())
}
