//! Opens a browser for logins, if this machine has a display.

use crate::env_vars::{self, Env};

/// Opens the address, unless the session has no display or runs over SSH, where the browser would open on another
/// screen. Returns whether it was opened.
pub(super) fn open(url: &str, env: &Env) -> bool {
    is_seen(env) && webbrowser::open(url).is_ok()
}

fn is_seen(env: &Env) -> bool {
    let graphics = [env_vars::DISPLAY, env_vars::WAYLAND_DISPLAY];
    let remote = [env_vars::SSH_CONNECTION, env_vars::SSH_TTY];
    (cfg!(target_os = "macos") || env.first(&graphics).is_some()) && env.first(&remote).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browser_needs_a_display_of_this_machine() {
        assert!(is_seen(&Env::fixed([("DISPLAY", ":0")])));
        assert!(is_seen(&Env::fixed([("WAYLAND_DISPLAY", "wayland-0")])));
        assert!(!is_seen(&Env::fixed([("DISPLAY", ":0"), ("SSH_CONNECTION", "10.0.0.1 22 10.0.0.2 22")])));
        assert!(!is_seen(&Env::fixed([("SSH_TTY", "/dev/pts/1"), ("DISPLAY", "localhost:10.0")])));
        assert!(cfg!(target_os = "macos") || !is_seen(&Env::fixed([])));
    }
}
