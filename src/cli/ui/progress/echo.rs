//! Suppresses the `^C` echo of the terminal: it would move the progress bars up a line, where they are not redrawn.

use std::io::stderr;

use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

/// The terminal does not echo `^C` until this is dropped.
#[derive(Debug)]
pub(super) struct Echo(Termios);

impl Echo {
    /// Turns the echo off. `None` if standard error is not a terminal, if the echo is off already, or in a background
    /// job, which would be stopped.
    pub(super) fn off() -> Option<Self> {
        let before = tcgetattr(stderr()).ok()?;
        let in_front = tcgetpgrp(stderr()).is_ok_and(|group| group == getpgrp());
        if !in_front || !before.local_modes.contains(LocalModes::ECHOCTL) {
            return None;
        }
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHOCTL);
        tcsetattr(stderr(), OptionalActions::Now, &quiet).ok()?;
        Some(Self(before))
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        // A background job would be stopped; a terminal that is gone needs no restoring.
        if tcgetpgrp(stderr()).is_ok_and(|group| group == getpgrp()) {
            let _ = tcsetattr(stderr(), OptionalActions::Now, &self.0);
        }
    }
}
