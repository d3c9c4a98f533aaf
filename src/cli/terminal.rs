//! Prompts on the terminal, for interactive logins.

use std::io::{BufReader, Result, Write, stdin};

use crate::cli::{browser, secret_prompt, tty, ui};
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
        let mut terminal = tty::open()?;
        terminal.write_all(question.as_bytes())?;
        tty::read_line(BufReader::new(terminal)).map(|line| line.trim().to_owned())
    }

    fn show(&self, text: &str) {
        ui::print_message(text);
    }

    fn code(&self) -> Result<String> {
        tty::read_line(stdin().lock()).map(|line| line.trim().to_owned())
    }

    fn browse(&self, url: &str) -> bool {
        browser::open(url, &Env::process())
    }
}
