//! The person at the terminal, if there is one.

use crate::secret::Secret;

/// Whoever sits at the terminal during a login. Whatever asks errors when nobody can be asked.
pub trait Interact: Send + Sync {
    /// Asks for a password or a pass phrase, without showing what is typed.
    fn secret(&self, question: &str) -> std::io::Result<Secret>;
    /// Asks for a line.
    fn line(&self, question: &str) -> std::io::Result<String>;
    /// Shows what to do for a login in the browser.
    fn show(&self, text: &str);
    /// Reads the code the browser showed; it may also come from a pipe.
    fn code(&self) -> std::io::Result<String>;
    /// Opens this address in a browser, if there is one on this machine and somebody who sees it.
    fn browse(&self, url: &str) -> bool;
    /// Whether there may be somebody at all.
    fn is_there(&self) -> bool {
        true
    }
}

/// Nobody sits at the terminal.
pub(crate) struct Nobody;

impl Interact for Nobody {
    fn secret(&self, _question: &str) -> std::io::Result<Secret> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn line(&self, _question: &str) -> std::io::Result<String> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn show(&self, _text: &str) {}

    fn code(&self) -> std::io::Result<String> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn browse(&self, _url: &str) -> bool {
        false
    }

    fn is_there(&self) -> bool {
        false
    }
}
