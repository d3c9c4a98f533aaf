//! What the tests of sessions, start-up and terminal act with: a home of one's own, the servers' access logs, a
//! server that misbehaves on request, a terminal.

mod access_log;
mod home;
mod party;
mod provider;
mod pty;
mod server;
mod tls_front;
mod tmux;
mod watched;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

pub(crate) use access_log::{AccessLog, Line};
pub(crate) use home::{Home, USER};
pub(crate) use party::{Party, TODAY, Use, keep, open_to};
pub(crate) use provider::{REFUSING, browse};
pub(crate) use pty::{Pty, shell_code};
pub(crate) use server::{Answer, Heard, Server};
pub(crate) use tls_front::TlsFront;
pub(crate) use tmux::Tmux;
pub(crate) use watched::Watched;

/// An option of `env`: who ran the tests in the background of a script had signals ignored, which is inherited.
pub(crate) const SIGNALS: &str = "--default-signal=INT,TERM,HUP";

/// What whoami takes: the server redirects it to the account.
pub(crate) const WHOAMI: [(&str, u16); 2] = [("GET /accounts/whoami", 303), ("GET /accounts/jdoe", 200)];

/// How long a test waits for something that should happen at once.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Looks again and again until there is something to see.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(seen) = look()? {
            return Ok(seen);
        }
        if start.elapsed() > PATIENCE {
            bail!("waited {PATIENCE:?} in vain for {what}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
