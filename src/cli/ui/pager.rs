//! Pages output with `less`.

use std::io::{self, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use tokio::signal::unix::{SignalKind, signal};

/// In this order: quit if all fits on the screen, show colours, scroll sideways, leave the text on the screen, quit on
/// Ctrl-C, show the position.
const OPTIONS: &str = "-FRSXKM";

/// A running `less`. Dropping it waits until `less` exits.
#[derive(Debug)]
pub(super) struct Pager {
    less: Child,
    input: Option<ChildStdin>,
}

impl Pager {
    /// Starts `less`; `None` if that fails.
    pub(super) fn start() -> Option<Self> {
        let mut less = Command::new("less").arg(OPTIONS).stdin(Stdio::piped()).spawn().ok()?;
        let input = less.stdin.take();
        // Ctrl-C is for less now. Without a handler it would end this process and leave less and the shell competing.
        if tokio::runtime::Handle::try_current().is_ok() {
            drop(signal(SignalKind::interrupt()));
        }
        Some(Self { less, input })
    }
}

impl Write for Pager {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.input.as_mut().ok_or(io::ErrorKind::BrokenPipe)?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.input.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Pager {
    fn drop(&mut self) {
        drop(self.input.take());
        // less exits when the user presses q; its exit status is ignored.
        let _ = self.less.wait();
    }
}
