//! The way out of a program that is stuck: whoever watches the events of a long command and does not read them holds up the one
//! thread there is, which then does not notice Ctrl-C either.

use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

use super::exit::INTERRUPTED;

/// How long the command has for an end of its own.
const GRACE: Duration = Duration::from_secs(2);

/// From now on Ctrl-C and SIGTERM end the program, if the command itself does not.
pub(super) fn watch() {
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
