//! The person at the terminal, for logins that ask.

use std::fs::File;
use std::io::{BufRead, BufReader, Error, ErrorKind, Result, Write, stdin};
use std::sync::{Mutex, PoisonError};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

use crate::cli::{browser, ui};
use crate::env_vars::Env;
use crate::interact::Interact;
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

/// Who listens to Ctrl-C since a secret was first asked for, until somebody waits for it.
static LISTENING: Mutex<Option<Signal>> = Mutex::new(None);
static FIRST_ASKED: Notify = Notify::const_new();

/// Waits for Ctrl-C, from the first question for a secret on: then the terminal has to be restored before the end.
pub(crate) async fn interrupted() {
    FIRST_ASKED.notified().await;
    let listening = LISTENING.lock().unwrap_or_else(PoisonError::into_inner).take();
    match listening {
        Some(mut interrupt) => _ = interrupt.recv().await,
        None => std::future::pending().await,
    }
}

/// Begins to listen, before the terminal shows nothing any more.
fn listen() {
    // Outside of a runtime nobody could wait.
    if tokio::runtime::Handle::try_current().is_ok()
        && let Ok(interrupt) = signal(SignalKind::interrupt())
    {
        *LISTENING.lock().unwrap_or_else(PoisonError::into_inner) = Some(interrupt);
        FIRST_ASKED.notify_one();
    }
}

/// Asks and tells on the terminal.
pub(crate) struct Terminal;

impl Interact for Terminal {
    fn secret(&self, question: &str) -> Result<Secret> {
        let terminal = terminal()?;
        let before = tcgetattr(&terminal)?;
        listen();
        *ASKED.lock().unwrap_or_else(PoisonError::into_inner) = Some((terminal, before));
        let answer = rpassword::prompt_password(question);
        restore();
        if answer.as_ref().is_err_and(|error| error.kind() == ErrorKind::Interrupted) {
            // The signal that came along ends the command; an error from here could be faster, and end it otherwise.
            loop {
                std::thread::park();
            }
        }
        answer.map(Secret::from)
    }

    fn line(&self, question: &str) -> Result<String> {
        let mut terminal = terminal()?;
        terminal.write_all(question.as_bytes())?;
        read_line(BufReader::new(terminal))
    }

    fn show(&self, text: &str) {
        ui::tell(text);
    }

    fn code(&self) -> Result<String> {
        read_line(stdin().lock())
    }

    fn browse(&self, url: &str) -> bool {
        browser::open(url, &Env::process())
    }
}

/// The terminal this runs on, even where standard input and output lead elsewhere.
fn terminal() -> Result<File> {
    let open = File::options().read(true).write(true).open("/dev/tty");
    open.map_err(|_| Error::new(ErrorKind::NotFound, "there is no terminal"))
}

fn read_line(mut input: impl BufRead) -> Result<String> {
    let mut line = String::new();
    match input.read_line(&mut line)? {
        0 => Err(Error::new(ErrorKind::UnexpectedEof, "nothing was typed")),
        _ => Ok(line.trim().to_owned()),
    }
}
