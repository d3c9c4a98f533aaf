//! A program whose events are read while it runs.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{shell_code, wait_for};

/// The program, and the lines it has written by now.
#[derive(Debug)]
pub(crate) struct Watched {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Watched {
    /// Starts it.
    pub(crate) fn start(mut command: Command) -> Result<Self> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let (output, lines) =
            (child.stdout.take().context("no standard output")?, Arc::<Mutex<Vec<String>>>::default());
        let shared = lines.clone();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                shared.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        Ok(Self { child, lines })
    }

    /// The events that were written by now.
    pub(crate) fn events(&self) -> Result<Vec<Value>> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let event = |line: &String| serde_json::from_str(line).with_context(|| format!("no event: {line}"));
        lines.iter().map(event).collect()
    }

    /// Waits for an event of this kind about the file of this name, while the program runs.
    pub(crate) fn wait_for(&mut self, event: &str, name: &str) -> Result<Value> {
        let seen = wait_for(&format!("{event} of {name}"), || {
            let found = self.events()?.into_iter().find(|one| one["event"] == event && one["name"] == name);
            let has_ended = found.is_none() && self.child.try_wait()?.is_some();
            ensure!(!has_ended, "the program has ended without {event} of {name}: {:?}", self.events()?);
            Ok(found)
        })?;
        match self.child.try_wait()? {
            None => Ok(seen),
            Some(status) => bail!("{event} of {name} was there when the program had ended: {status}"),
        }
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), signal)?)
    }

    /// Waits for its end; gives the exit code and all that was written.
    pub(crate) fn end(mut self) -> Result<(i32, Vec<String>)> {
        let code = shell_code(wait_for("the end of the program", || Ok(self.child.try_wait()?))?);
        // The reader is done when it lets go of its share.
        wait_for("the last line", || Ok((Arc::strong_count(&self.lines) == 1).then_some(())))?;
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok((code, lines))
    }
}

/// Ends what a failed test leaves behind.
impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
