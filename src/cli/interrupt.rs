//! Ctrl-C and SIGTERM: the command stops on its own; if it is stuck, the process is ended. SIGXFSZ does not end it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

use super::exit_code::ExitCode;
use crate::error::{Error, Result};

/// Time for the command to stop on its own after a signal.
const GRACE: Duration = Duration::from_secs(2);

/// Whether the command handles SIGTERM itself.
static HANDLES_TERMINATION: AtomicBool = AtomicBool::new(false);

/// Returns whether the command handles SIGTERM itself.
pub(super) fn handles_termination() -> bool {
    HANDLES_TERMINATION.load(Ordering::Relaxed)
}

/// Runs `work`; fails with `Interrupted` on Ctrl-C, and with `Terminated` on SIGTERM, which batch systems send.
pub(super) async fn unless_interrupted<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    // The handlers are installed before the work starts, because its first step may turn off the terminal's echo.
    let listen = |kind| signal(kind).map_err(|error| Error::io("Cannot start", error));
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    HANDLES_TERMINATION.store(true, Ordering::Relaxed);
    tokio::select! {
        outcome = work => outcome,
        _ = interrupt.recv() => Err(Error::interrupted()),
        _ = terminate.recv() => Err(Error::terminated()),
    }
}

/// Makes a write beyond the size limit of the process (`ulimit -f`) an error, instead of the end of the process. A handler, which
/// does nothing, because an ignored signal would be ignored by the programs that are started, too.
pub(super) fn survive_file_size_limit() {
    // Without the handler, only such a write ends differently.
    let _ = signal(SignalKind::from_raw(Signal::XFSZ.as_raw()));
}

/// Makes Ctrl-C and SIGTERM end the process after [`GRACE`] if the command does not stop. Its only thread may be
/// blocked, by a reader of its events that stops reading or by a disk that stops responding, and miss the signal.
pub(super) fn exit_if_stuck() {
    // Without this thread, only a stuck command cannot be interrupted.
    let _ = thread::Builder::new().name("stuck".to_owned()).spawn(|| {
        let runtime = Builder::new_current_thread().enable_all().build();
        if let Some(code) = runtime.ok().and_then(|runtime| runtime.block_on(wait_for_signal())) {
            exit_interrupted(code);
        }
    });
}

/// Waits for a signal and then for [`GRACE`]. Returns its exit code, `None` if the handlers cannot be installed.
async fn wait_for_signal() -> Option<ExitCode> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt()).ok()?, signal(SignalKind::terminate()).ok()?);
    let code = tokio::select! {
        _ = interrupt.recv() => ExitCode::Interrupted,
        _ = terminate.recv() => ExitCode::Terminated,
    };
    tokio::time::sleep(GRACE).await;
    Some(code)
}

#[expect(clippy::exit, reason = "the thread that would return from main is in the midst of a write that does not end")]
fn exit_interrupted(code: ExitCode) -> ! {
    std::process::exit(code.number().into())
}
