//! Reads a secret from the terminal without echo. Whatever signal ends or stops the command meanwhile, the terminal is
//! restored before.

use std::fs::File;
use std::io::{BufReader, Result, Write};
use std::sync::{Mutex, Once};
use std::thread;

use rustix::process::{Signal as Sent, getpid, kill_process};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::low_level::emulate_default_handler;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

use super::{interrupt, tty};
use crate::lock::lock;
use crate::secret::Secret;

/// A prompt that waits for a secret.
struct Prompt {
    terminal: File,
    /// The modes of the terminal before.
    before: Termios,
    question: String,
}

/// The current prompt.
static PROMPT: Mutex<Option<Prompt>> = Mutex::new(None);

/// SIGINT handler, installed by the first prompt and taken by [`interrupted`].
static LISTENING: Mutex<Option<Signal>> = Mutex::new(None);
static FIRST_PROMPT: Notify = Notify::const_new();

/// Prompts for a secret.
pub(super) fn ask(question: &str) -> Result<Secret> {
    let terminal = tty::open()?;
    let input = BufReader::new(terminal.try_clone()?);
    let before = tcgetattr(&terminal)?;
    listen();
    lock(&PROMPT).insert(Prompt { terminal, before, question: question.to_owned() }).show()?;
    let answer = tty::read_line(input);
    if let Some(mut prompt) = lock(&PROMPT).take() {
        prompt.restore();
        prompt.terminal.write_all(b"\n")?;
    }
    answer.map(Secret::from)
}

/// Restores the terminal if the command ends during a prompt.
pub(super) fn restore() {
    if let Some(prompt) = lock(&PROMPT).take() {
        prompt.restore();
    }
}

/// Waits for Ctrl-C, once a secret has been prompted for: from then on the terminal must be restored at exit.
pub(super) async fn interrupted() {
    FIRST_PROMPT.notified().await;
    let listening = lock(&LISTENING).take();
    match listening {
        Some(mut interrupt) => _ = interrupt.recv().await,
        None => std::future::pending().await,
    }
}

impl Prompt {
    /// Turns the echo off and writes the question. Keys that send signals keep doing so.
    fn show(&mut self) -> Result<()> {
        let mut modes = self.before.clone();
        modes.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL);
        modes.local_modes.insert(LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(&self.terminal, OptionalActions::Now, &modes)?;
        self.terminal.write_all(self.question.as_bytes())
    }

    fn restore(&self) {
        // The terminal may be gone, and then there is nothing to restore.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}

/// Installs the signal handlers, before the echo is turned off.
fn listen() {
    static WATCHING: Once = Once::new();
    // Outside a runtime no task could wait for the signal.
    if tokio::runtime::Handle::try_current().is_ok()
        && let Ok(interrupt) = signal(SignalKind::interrupt())
    {
        *lock(&LISTENING) = Some(interrupt);
        FIRST_PROMPT.notify_one();
    }
    WATCHING.call_once(|| {
        // Without this thread, other signals act at once, and the terminal stays without echo.
        if let Ok(runtime) = Builder::new_current_thread().enable_all().build()
            && let Ok(signals) = Signals::install(&runtime)
        {
            let _ = thread::Builder::new().name("signals".to_owned()).spawn(move || runtime.block_on(signals.watch()));
        }
    });
}

/// The signals other than SIGINT that end or stop a command.
struct Signals {
    terminate: Signal,
    hang_up: Signal,
    quit: Signal,
    stop: Signal,
    resume: Signal,
}

impl Signals {
    fn install(runtime: &Runtime) -> Result<Self> {
        let _context = runtime.enter();
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            quit: signal(SignalKind::quit())?,
            stop: signal(SignalKind::from_raw(Sent::TSTP.as_raw()))?,
            resume: signal(SignalKind::from_raw(Sent::CONT.as_raw()))?,
        })
    }

    async fn watch(mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => {
                    // Otherwise the command ends itself, and cleans up before.
                    if !interrupt::handles_termination() {
                        end(SignalKind::terminate());
                    }
                }
                _ = self.hang_up.recv() => end(SignalKind::hangup()),
                _ = self.quit.recv() => end(SignalKind::quit()),
                _ = self.stop.recv() => suspend(),
                _ = self.resume.recv() => resume(),
            }
        }
    }
}

/// Ends the process by this signal.
fn end(kind: SignalKind) {
    restore();
    // Fails only for signals that have no default action.
    let _ = emulate_default_handler(kind.as_raw_value());
}

/// Stops the process until the shell continues it. This thread may run on for a moment.
fn suspend() {
    if let Some(prompt) = lock(&PROMPT).as_ref() {
        prompt.restore();
    }
    let _ = kill_process(getpid(), Sent::STOP);
}

/// Prompts again.
fn resume() {
    if let Some(prompt) = lock(&PROMPT).as_mut() {
        let _ = prompt.show();
    }
}
