//! Checks the cached token: permissions, origin, expiry.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{Finding, format_duration, shell};
use crate::auth::{CachedToken, TokenState, external_token, inspect, trusted};
use crate::config::Settings;
use crate::hint::Hint;
use crate::time::unix_time;

const CHECK: &str = "token";

/// What a login would need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoginRequirement {
    /// No interaction.
    Unattended,
    /// Interaction with the user.
    Interactive,
    /// The credentials are broken, as another check has reported.
    Broken,
    /// No login is needed: there is another token.
    NotNeeded,
}

/// Checks the available tokens; changes nothing. The second value says whether one can be used. `login` decides whether
/// a missing token is a problem.
pub(crate) fn examine(settings: &Settings, login: LoginRequirement) -> (Vec<Finding>, bool) {
    let foreign = if settings.insecure { None } else { external_token(settings) };
    let foreign = foreign.map(|(source, end)| {
        let end = end.map_or_else(
            || "expiry unknown".to_owned(),
            |end| format!("valid for {}", format_duration(end - unix_time())),
        );
        Finding::ok(CHECK, source, format!("token of another program, takes precedence over ours, {end}"))
    });
    let (own, usable) = check_token(settings, if foreign.is_some() { LoginRequirement::NotNeeded } else { login });
    let has_token = usable || foreign.is_some();
    (foreign.into_iter().chain(own).collect(), has_token)
}

/// Checks the folder and the file of our token.
fn check_token(settings: &Settings, login: LoginRequirement) -> (Vec<Finding>, bool) {
    let folder = &settings.token_dir;
    if let Err(error) = trusted(folder) {
        return match error.kind() {
            std::io::ErrorKind::NotFound => (vec![none(folder, login)], false),
            _ => (vec![distrusted_folder(folder, &error.to_string())], false),
        };
    }
    let private = Finding::ok(CHECK, folder.display(), "permissions ok");
    let Some(token) = inspect(settings) else { return (vec![private, none(&settings.token_file, login)], false) };
    let usable = matches!(token.state, TokenState::Valid(_)) && !settings.insecure;
    (vec![private, finding(&token, settings, login)], usable)
}

fn finding(token: &CachedToken, settings: &Settings, login: LoginRequirement) -> Finding {
    let path = token.file.display();
    let account = settings.account.as_deref().unwrap_or("the default account");
    let ours = format!("token of {account} at {} with {}", settings.rucio_host, settings.auth.name());
    match &token.state {
        // The token must not reach an unverified server.
        TokenState::Valid(_) if settings.insecure => {
            log_in(&token.file, &format!("{ours}, not used since the server is not verified"), login)
        }
        TokenState::Valid(_) if token.open_mode.is_some() => {
            let mode = token.open_mode.unwrap_or_default();
            Finding::warning(CHECK, path, format!("{ours}, open to others (mode {mode:o})"))
                .hint(fix_file_command(&token.file))
        }
        TokenState::Valid(Some(end)) => {
            Finding::ok(CHECK, path, format!("{ours}, valid for {}", format_duration(end - unix_time())))
        }
        TokenState::Valid(None) => Finding::ok(CHECK, path, format!("{ours}, expiry unknown")),
        TokenState::Expired(end) => {
            log_in(&token.file, &format!("{ours}, expired {} ago", format_duration(unix_time() - end)), login)
        }
        TokenState::OtherOrigin(of) => log_in(&token.file, &format!("not used: it is the token of {of}"), login),
        TokenState::OtherCredentials => {
            log_in(&token.file, "not used: it was not obtained with the given credentials", login)
        }
        TokenState::Untrusted(why) => {
            Finding::failed(CHECK, path, format!("not used: {why}")).hint(fix_file_command(&token.file))
        }
    }
}

fn none(path: &Path, login: LoginRequirement) -> Finding {
    log_in(path, "no token yet", login)
}

/// Returns the finding for a missing token: no problem if a login needs no interaction.
fn log_in(path: &Path, text: &str, login: LoginRequirement) -> Finding {
    match login {
        LoginRequirement::Interactive => {
            Finding::failed(CHECK, path.display(), text).requires_login(Hint::LogIn { force: false })
        }
        LoginRequirement::Unattended => {
            Finding::ok(CHECK, path.display(), format!("{text}; the next command logs in automatically"))
        }
        LoginRequirement::Broken | LoginRequirement::NotNeeded => Finding::ok(CHECK, path.display(), text),
    }
}

fn distrusted_folder(folder: &Path, why: &str) -> Finding {
    Finding::failed(CHECK, folder.display(), format!("no token can be saved there: {why}"))
        .hint(fix_folder_command(folder))
}

/// Returns the fix: restrict our own folder, or use another one if it belongs to another user.
fn fix_folder_command(folder: &Path) -> Hint {
    if is_ours(folder) {
        Hint::run("", format!("chmod 700 {}", shell(folder)))
    } else {
        Hint::run("Save tokens in another folder", "mkdir -m 700 -p ~/.rucio/tmp && export TMPDIR=~/.rucio/tmp")
    }
}

fn fix_file_command(file: &Path) -> Hint {
    let program = if is_ours(file) { "chmod 600" } else { "rm -f" };
    Hint::run("", format!("{program} {}", shell(file)))
}

fn is_ours(path: &Path) -> bool {
    std::fs::symlink_metadata(path)
        .is_ok_and(|found| !found.is_symlink() && found.uid() == rustix::process::geteuid().as_raw())
}
