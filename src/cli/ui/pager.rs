//! `less` between the program and the terminal.

use std::io::{self, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use tokio::signal::unix::{SignalKind, signal};

/// Quit if all fits on the screen, show colours, scroll sideways, leave the text on the screen, end at Ctrl-C, say where
/// one is.
const OPTIONS: &str = "-FRSXKM";

/// A running `less`. Dropping it waits until the person has read.
#[derive(Debug)]
pub(super) struct Pager {
    less: Child,
    input: Option<ChildStdin>,
}

impl Pager {
    /// Starts it; none where there is no `less`.
    pub(super) fn start() -> Option<Self> {
        let mut less = Command::new("less").arg(OPTIONS).stdin(Stdio::piped()).spawn().ok()?;
        let input = less.stdin.take();
        // Ctrl-C is for less now. Without a handler of ours it would end us, and leave less alone with the shell.
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
        // It ends when the person presses q, however it then says it ended.
        let _ = self.less.wait();
    }
}
