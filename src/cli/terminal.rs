//! The person at the terminal, for logins that ask.

use std::fs::File;
use std::io::{BufRead, Error, ErrorKind, Result, stdin};
use std::path::Path;

use crate::auth::Interact;
use crate::cli::ui;
use crate::secret::Secret;

/// Asks and tells on the terminal.
pub(crate) struct Terminal;

impl Interact for Terminal {
    fn passphrase(&self, key: &Path) -> Result<Secret> {
        if File::open("/dev/tty").is_err() {
            return Err(Error::new(ErrorKind::NotFound, "there is no terminal"));
        }
        rpassword::prompt_password(format!("Pass phrase for {}: ", key.display())).map(Secret::from)
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
