//! The `^C` that a terminal shows where the cursor is: behind the bars it would push them up a line, out of reach.

use std::io::stderr;

use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

/// The terminal shows no `^C` as long as this lives.
#[derive(Debug)]
pub(super) struct Echo(Termios);

impl Echo {
    /// Turns it off; none where there is nothing to turn off, or where it is not for us to do: a job in the background
    /// would be stopped.
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
        // Nobody is at a terminal that is gone.
        if tcgetpgrp(stderr()).is_ok_and(|group| group == getpgrp()) {
            let _ = tcsetattr(stderr(), OptionalActions::Now, &self.0);
        }
    }
}
