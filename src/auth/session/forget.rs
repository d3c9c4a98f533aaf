//! Deletes sessions. Rucio cannot revoke a token: it remains valid on the server until it expires.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::Session;
use crate::auth::Login;
use crate::auth::token_cache::{
    CHECKED, RECORD, REFRESH, TokenFile, TokenOrigin, recorded_files, require_private, require_trusted_folder,
    unrecorded_files,
};
use crate::error::{Error, Result};

/// Deletes the sessions of this server and account, of all authentication methods. Returns the deleted sessions.
///
/// # Errors
/// The first file that could not be removed; the others are removed regardless.
pub(crate) fn forget(login: &Login) -> Result<Vec<Session>> {
    let [shared, own] = login.cache.files_of_any_identity(&login.origin);
    let mine = files_of(login);
    let (sessions, mut outcomes) = remove_all(&mine);
    outcomes.push(remove(&own.sibling(CHECKED)));
    if mine.contains(&shared) {
        outcomes.push(remove(&login.settings().token_exp_epoch_file));
    }
    outcomes.into_iter().collect::<Result<Vec<_>>>().map(|_| sessions)
}

/// Returns the sessions of this server and account, of all authentication methods.
pub(crate) fn of_account(login: &Login) -> Vec<Session> {
    files_of(login).iter().map(Session::from_file).filter(Session::has_content).collect()
}

fn files_of(login: &Login) -> Vec<TokenFile> {
    let settings = login.settings();
    let origin = &login.origin;
    let [shared, _] = login.cache.files_of_any_identity(origin);
    let same = |other: &TokenOrigin| other.same_server(origin) && other.account == origin.account;
    let of_it = |file: &TokenFile| file.record().is_some_and(|record| same(&record.origin));
    let mut mine: Vec<_> = recorded_files(&settings.token_dir).into_iter().filter(of_it).collect();
    // The official client's token, in the same file. A file that the user named may be another program's.
    if shared.record().is_none() && origin.configured && settings.auth_token_file_path.is_none() {
        mine.push(shared);
    }
    mine
}

/// Deletes all sessions in these folders.
///
/// # Errors
/// The first file that could not be removed; the others are removed regardless.
pub(crate) fn forget_all(folders: &[PathBuf]) -> Result<Vec<Session>> {
    let found: Vec<_> =
        folders.iter().flat_map(|folder| [recorded_files(folder), unrecorded_files(folder)].concat()).collect();
    let (sessions, mut outcomes) = remove_all(&found);
    let entries = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let left = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("auth_token_"));
    outcomes.extend(left.map(|entry| remove(&entry.path())));
    outcomes.into_iter().collect::<Result<Vec<_>>>().map(|_| sessions)
}

/// Removes tokens and the files that belong to them. The record is last: without it, a remaining token would count as
/// the official client's.
fn remove_all(files: &[TokenFile]) -> (Vec<Session>, Vec<Result<bool>>) {
    let mut sessions = Vec::new();
    let outcomes = files.iter().flat_map(|file| {
        let session = Session::from_file(file);
        let [refresh, checked] = [REFRESH, CHECKED].map(|ending| remove(&file.sibling(ending)));
        let token = remove(file.file());
        let record = if token.is_ok() { remove(&file.sibling(RECORD)) } else { Ok(false) };
        let outcomes = [refresh, checked, token, record];
        if session.has_content() && outcomes.iter().any(|outcome| matches!(outcome, Ok(true))) {
            sessions.push(session);
        }
        outcomes
    });
    let outcomes = outcomes.collect();
    (sessions, outcomes)
}

/// Removes one of the user's own files; returns whether it existed. Links and files of other users are refused.
fn remove(path: &Path) -> Result<bool> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let removed = require_trusted_folder(folder)
        .and_then(|()| require_private(path, 0))
        .and_then(|()| std::fs::remove_file(path))
        .map(|()| true);
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        outcome => outcome.map_err(|error| Error::io(format!("{} is not removed", path.display()), error)),
    }
}
