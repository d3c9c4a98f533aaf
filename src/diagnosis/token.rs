//! Checks the cached token: permissions, origin, expiry.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{Finding, shell, span};
use crate::auth::{Kept, State, kept, of_another_program, trusted};
use crate::clock::now;
use crate::config::Settings;

const CHECK: &str = "token";

/// What a login would need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// No interaction.
    Alone,
    /// Interaction with the user.
    Asking,
    /// The credentials are broken, as another check has reported.
    Broken,
    /// No login is needed: there is another token.
    Needless,
}

/// Checks the available tokens; changes nothing. The second value says whether one can be used. `login` decides whether
/// a missing token is a problem.
pub fn examine(settings: &Settings, login: Login) -> (Vec<Finding>, bool) {
    let foreign = of_another_program(settings).filter(|_| !settings.insecure);
    let foreign = foreign.map(|(source, end)| {
        let end =
            end.map_or_else(|| "until when it does not say".to_owned(), |end| format!("for {}", span(end - now())));
        Finding::ok(CHECK, source, format!("token of another program, used before any of ours, {end}"))
    });
    let (own, usable) = own(settings, if foreign.is_some() { Login::Needless } else { login });
    let has_token = usable || foreign.is_some();
    (foreign.into_iter().chain(own).collect(), has_token)
}

/// Checks the folder and the file of our token.
fn own(settings: &Settings, login: Login) -> (Vec<Finding>, bool) {
    let folder = &settings.token_dir;
    if let Err(error) = trusted(folder) {
        return match error.kind() {
            std::io::ErrorKind::NotFound => (vec![none(folder, login)], false),
            _ => (vec![distrusted_folder(folder, &error.to_string())], false),
        };
    }
    let private = Finding::ok(CHECK, folder.display(), "yours alone");
    let Some(kept) = kept(settings) else { return (vec![private, none(&settings.token_file, login)], false) };
    let usable = matches!(kept.state, State::Good(_)) && !settings.insecure;
    (vec![private, finding(&kept, settings, login)], usable)
}

fn finding(kept: &Kept, settings: &Settings, login: Login) -> Finding {
    let place = kept.file.display();
    let account = settings.account.as_deref().unwrap_or("the default account");
    let ours = format!("token of {account} at {} by {}", settings.rucio_host, settings.auth.name());
    match &kept.state {
        // The token must not reach an unverified server.
        State::Good(_) if settings.insecure => log_in(&kept.file, &format!("{ours}, not used with --insecure"), login),
        State::Good(Some(end)) => Finding::ok(CHECK, place, format!("{ours}, for {}", span(end - now()))),
        State::Good(None) => Finding::ok(CHECK, place, format!("{ours}, until when it does not say")),
        State::Ended(end) => log_in(&kept.file, &format!("{ours}, ended {} ago", span(now() - end)), login),
        State::Another(of) => log_in(&kept.file, &format!("not used here, being the token of {of}"), login),
        State::Distrusted(why) => Finding::failed(CHECK, place, format!("not used: {why}")).hint(mend_file(&kept.file)),
    }
}

fn none(place: &Path, login: Login) -> Finding {
    log_in(place, "no token yet", login)
}

/// Returns the finding for a missing token: no problem if a login needs no interaction.
fn log_in(place: &Path, text: &str, login: Login) -> Finding {
    match login {
        Login::Asking => Finding::failed(CHECK, place.display(), text).wanting_login("rucio login"),
        Login::Alone => Finding::ok(CHECK, place.display(), format!("{text}; the next command logs in by itself")),
        Login::Broken | Login::Needless => Finding::ok(CHECK, place.display(), text),
    }
}

fn distrusted_folder(folder: &Path, why: &str) -> Finding {
    Finding::failed(CHECK, folder.display(), format!("no token is kept there: {why}")).hint(mend_folder(folder))
}

/// Returns the fix: restrict our own folder, or use another one if it belongs to another user.
fn mend_folder(folder: &Path) -> String {
    match is_ours(folder) {
        true => format!("chmod 700 {}", shell(folder)),
        false => "Have tokens kept elsewhere: mkdir -m 700 -p ~/.rucio/tmp && export TMPDIR=~/.rucio/tmp".to_owned(),
    }
}

fn mend_file(file: &Path) -> String {
    match is_ours(file) {
        true => format!("chmod 600 {}", shell(file)),
        false => format!("rm -f {}", shell(file)),
    }
}

fn is_ours(path: &Path) -> bool {
    std::fs::symlink_metadata(path)
        .is_ok_and(|found| !found.is_symlink() && found.uid() == rustix::process::geteuid().as_raw())
}
