//! Pages output with `less`, or with the program of `PAGER`.

use std::io::{self, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use tokio::signal::unix::{SignalKind, signal};

/// In this order: quit if all fits on the screen, show colours, scroll sideways, leave the text on the screen, quit on
/// Ctrl-C, show the position.
const OPTIONS: &str = "-FRSXKM";

/// The pager of tables: `less` that ends if all fits on the screen, shows colours and leaves the text on the screen.
pub(in crate::cli) const LESS: &str = "less -FRX";

/// A running pager. Dropping it waits until the pager exits.
#[derive(Debug)]
pub(super) struct Pager {
    pager: Child,
    input: Option<ChildStdin>,
}

impl Pager {
    /// Starts `less` for all output of a command; `None` if that fails.
    pub(super) fn start() -> Option<Self> {
        Self::spawn(Command::new("less").arg(OPTIONS))
    }

    /// Starts a pager by its command line; `None` if that fails.
    pub(super) fn start_command(line: &str) -> Option<Self> {
        let words = shlex::split(line)?;
        let (program, arguments) = words.split_first()?;
        Self::spawn(Command::new(program).args(arguments))
    }

    fn spawn(command: &mut Command) -> Option<Self> {
        let mut pager = command.stdin(Stdio::piped()).spawn().ok()?;
        let input = pager.stdin.take();
        // Ctrl-C is for the pager now. Without a handler it would end this process and leave pager and shell competing.
        if tokio::runtime::Handle::try_current().is_ok() {
            drop(signal(SignalKind::interrupt()));
        }
        Some(Self { pager, input })
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
        // It exits when the user presses q; its exit status is ignored.
        let _ = self.pager.wait();
    }
}
