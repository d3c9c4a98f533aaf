//! The runtime of a command.

use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;

use rustix::io::Errno;
use tokio::runtime::{Builder, Runtime};

use crate::error::{Error, Result};

/// Longer than any command.
const FOREVER: Duration = Duration::from_secs(10 * 365 * 86_400);

/// Starts a runtime whose one thread does all network I/O, also for downloads: with several, half the time of a download
/// is spent on waking threads. Disk I/O, checksums and name resolution have threads of their own. One of them is started
/// here and never ends: if no other thread can be started later, their work waits for it.
///
/// # Errors
/// An I/O error if no thread can be started.
pub(super) fn start() -> Result<Runtime> {
    let mut builder = Builder::new_current_thread();
    let runtime = builder.enable_all().thread_keep_alive(FOREVER).build();
    let runtime = runtime.map_err(|error| Error::io("Cannot start", error))?;
    // tokio panics if it has no thread at all for such work.
    let report = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let started = panic::catch_unwind(AssertUnwindSafe(|| runtime.spawn_blocking(|| ())));
    panic::set_hook(report);
    match started {
        Ok(_) => Ok(runtime),
        Err(_) => Err(Error::io("Cannot start a thread", Errno::AGAIN.into())
            .with_hint("The number of processes is limited: see `ulimit -u`, and the limits of the batch system.")),
    }
}
