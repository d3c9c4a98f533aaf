//! Prompts on the terminal, for interactive logins.

use std::fs::File;
use std::io::{BufRead, BufReader, Error, ErrorKind, Result, Write, stdin};
use std::sync::Mutex;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

use crate::cli::{browser, ui};
use crate::env_vars::Env;
use crate::interact::Interact;
use crate::lock::lock;
use crate::secret::Secret;

/// The terminal and its original modes, while it prompts for a secret.
static ASKED: Mutex<Option<(File, Termios)>> = Mutex::new(None);

/// Turns the echo on again if the command ends during a prompt for a secret.
pub(crate) fn restore() {
    if let Some((terminal, before)) = lock(&ASKED).take() {
        // The terminal may be gone, and then there is nothing to restore.
        let _ = tcsetattr(&terminal, OptionalActions::Now, &before);
    }
}

/// SIGINT handler, installed by the first prompt for a secret and taken by [`interrupted`].
static LISTENING: Mutex<Option<Signal>> = Mutex::new(None);
static FIRST_ASKED: Notify = Notify::const_new();

/// Waits for Ctrl-C, once a secret has been prompted for: from then on the terminal must be restored at exit.
pub(crate) async fn interrupted() {
    FIRST_ASKED.notified().await;
    let listening = lock(&LISTENING).take();
    match listening {
        Some(mut interrupt) => _ = interrupt.recv().await,
        None => std::future::pending().await,
    }
}

/// Installs the SIGINT handler, before the echo is turned off.
fn listen() {
    // Outside a runtime no task could wait for the signal.
    if tokio::runtime::Handle::try_current().is_ok()
        && let Ok(interrupt) = signal(SignalKind::interrupt())
    {
        *lock(&LISTENING) = Some(interrupt);
        FIRST_ASKED.notify_one();
    }
}

/// Prompts and prints on the terminal.
pub(crate) struct Terminal;

impl Interact for Terminal {
    fn secret(&self, question: &str) -> Result<Secret> {
        let terminal = terminal()?;
        let before = tcgetattr(&terminal)?;
        listen();
        *lock(&ASKED) = Some((terminal, before));
        let answer = rpassword::prompt_password(question);
        restore();
        if answer.as_ref().is_err_and(|error| error.kind() == ErrorKind::Interrupted) {
            // The signal ends the command; an error returned here could come first and change the exit code.
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
        ui::print_message(text);
    }

    fn code(&self) -> Result<String> {
        read_line(stdin().lock())
    }

    fn browse(&self, url: &str) -> bool {
        browser::open(url, &Env::process())
    }
}

/// Opens the controlling terminal, also if standard input and output are redirected.
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
