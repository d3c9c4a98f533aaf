//! Prompts on the terminal, for interactive logins.

use std::fs::File;
use std::io::{BufRead, BufReader, Error, ErrorKind, Result, Write, stdin};

use crate::cli::{browser, secret_prompt, ui};
use crate::env_vars::Env;
use crate::interact::Interact;
use crate::secret::Secret;

/// Prompts and prints on the terminal.
pub(crate) struct Terminal;

impl Interact for Terminal {
    fn secret(&self, question: &str) -> Result<Secret> {
        secret_prompt::ask(question)
    }

    fn line(&self, question: &str) -> Result<String> {
        let mut terminal = open()?;
        terminal.write_all(question.as_bytes())?;
        read_line(BufReader::new(terminal)).map(|line| line.trim().to_owned())
    }

    fn show(&self, text: &str) {
        ui::print_message(text);
    }

    fn code(&self) -> Result<String> {
        read_line(stdin().lock()).map(|line| line.trim().to_owned())
    }

    fn browse(&self, url: &str) -> bool {
        browser::open(url, &Env::process())
    }
}

/// Opens the controlling terminal, also if standard input and output are redirected.
pub(super) fn open() -> Result<File> {
    let open = File::options().read(true).write(true).open("/dev/tty");
    open.map_err(|_| Error::new(ErrorKind::NotFound, "there is no terminal"))
}

/// Reads a line, without its end.
pub(super) fn read_line(mut input: impl BufRead) -> Result<String> {
    let mut line = String::new();
    match input.read_line(&mut line)? {
        0 => Err(Error::new(ErrorKind::UnexpectedEof, "nothing was typed")),
        _ => Ok(line.trim_end_matches(['\r', '\n']).to_owned()),
    }
}
