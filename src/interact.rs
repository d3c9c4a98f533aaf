//! Interaction with the user at the terminal.

use crate::secret::Secret;

/// The user at the terminal during a login. Prompts return an error if no interaction is possible.
pub(crate) trait Interact: Send + Sync {
    /// Prompts for a password or a pass phrase, without echo.
    fn secret(&self, question: &str) -> std::io::Result<Secret>;
    /// Prompts for a line.
    fn line(&self, question: &str) -> std::io::Result<String>;
    /// Shows the instructions for a login in the browser.
    fn show(&self, text: &str);
    /// Reads the code that the browser showed; it may also come from a pipe.
    fn code(&self) -> std::io::Result<String>;
    /// Opens this URL in a browser, if there is one on this machine that the user can see. Returns whether it did.
    fn browse(&self, url: &str) -> bool;
    /// Whether interaction may be possible.
    fn is_there(&self) -> bool {
        true
    }
}

/// No interaction: every prompt fails.
pub(crate) struct NonInteractive;

impl Interact for NonInteractive {
    fn secret(&self, _question: &str) -> std::io::Result<Secret> {
        Err(std::io::Error::new(std::io::ErrorKind::Unsupported, "this command never prompts"))
    }

    fn line(&self, _question: &str) -> std::io::Result<String> {
        Err(std::io::Error::new(std::io::ErrorKind::Unsupported, "this command never prompts"))
    }

    fn show(&self, _text: &str) {}

    fn code(&self) -> std::io::Result<String> {
        Err(std::io::Error::new(std::io::ErrorKind::Unsupported, "this command never prompts"))
    }

    fn browse(&self, _url: &str) -> bool {
        false
    }

    fn is_there(&self) -> bool {
        false
    }
}
