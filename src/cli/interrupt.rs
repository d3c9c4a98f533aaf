//! Ctrl-C and SIGTERM: the command ends itself, and if it cannot, it is ended.

use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

use super::exit::INTERRUPTED;
use crate::error::{Error, Result};

/// How long the command has for an end of its own.
const GRACE: Duration = Duration::from_secs(2);

/// Does some work, until the user presses Ctrl-C, or the batch system wants us to go.
pub(super) async fn unless_interrupted<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    // Both are listened to before the work begins, which may turn off the terminal's echo as its first act.
    let listen = |kind| signal(kind).map_err(|error| Error::io("Cannot start", error));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    tokio::select! {
        outcome = work => outcome,
        _ = interrupt.recv() => Err(Error::Interrupted),
        _ = terminate.recv() => Err(Error::Interrupted),
    }
}

/// From now on Ctrl-C and SIGTERM end the program, if the command itself does not: whoever watches its events and does not
/// read them holds up the one thread there is, which then does not notice a signal either; so does a disk that was quick
/// and answers no more.
pub(super) fn end_if_stuck() {
    // Without it everything works as long as somebody reads.
    let _ = thread::Builder::new().name("stuck".to_owned()).spawn(|| {
        if Builder::new_current_thread().enable_all().build().is_ok_and(|runtime| runtime.block_on(signalled())) {
            end();
        }
    });
}

/// Waits for a signal, and for the grace. False if none can be waited for.
async fn signalled() -> bool {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return false;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tokio::time::sleep(GRACE).await;
    true
}

#[expect(clippy::exit, reason = "the thread that would return from main is in the midst of a write that does not end")]
fn end() -> ! {
    std::process::exit(INTERRUPTED.into())
}
