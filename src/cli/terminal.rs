//! The person at the terminal, for logins that ask.

use std::fs::File;
use std::io::{BufRead, Error, ErrorKind, Result, stdin};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::auth::Interact;
use crate::cli::ui;
use crate::secret::Secret;

/// The terminal and its modes before a question for a secret, while one is open.
static ASKED: Mutex<Option<(File, Termios)>> = Mutex::new(None);

/// Shows again what is typed, if the command ends in the midst of a question for a secret.
pub(crate) fn restore() {
    if let Some((terminal, before)) = ASKED.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // The terminal may be gone, and then there is nothing to restore.
        let _ = tcsetattr(&terminal, OptionalActions::Now, &before);
    }
}

/// Asks and tells on the terminal.
pub(crate) struct Terminal;

impl Interact for Terminal {
    fn passphrase(&self, key: &Path) -> Result<Secret> {
        let Ok(terminal) = File::open("/dev/tty") else {
            return Err(Error::new(ErrorKind::NotFound, "there is no terminal"));
        };
        let before = tcgetattr(&terminal)?;
        *ASKED.lock().unwrap_or_else(PoisonError::into_inner) = Some((terminal, before));
        let phrase = rpassword::prompt_password(format!("Pass phrase for {}: ", key.display()));
        restore();
        phrase.map(Secret::from)
    }

    fn show(&self, text: &str) {
        ui::tell(text);
    }

    fn code(&self) -> Result<String> {
        let mut code = String::new();
        match stdin().lock().read_line(&mut code)? {
            0 => Err(Error::new(ErrorKind::UnexpectedEof, "nothing was typed")),
            _ => Ok(code),
        }
    }
}
