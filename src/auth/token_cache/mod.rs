//! The token file, shared with the official client, and a record beside it that says which server gave the token.
//!
//! The official client writes the bare token into `auth_token_for_account_<account>` and sends it to whatever host
//! it is pointed at. We write the same file and, in `<file>.origin`, the host and the way of logging in. A token
//! is used only for the host it came from. One without a record (the official client wrote it) is taken to belong
//! to the host that the configuration names, and the record that says so is written before its first use. Where the
//! last record names another server, or this place has held tokens of several, nobody can tell whose it is: it is
//! not used.
//!
//! With `--insecure` the cache is closed: nobody knows who the server is, so it gets no token that was got from the true
//! one, and what it gives is not kept, where a later command would take it for the true one's.
//!
//! A token for another server than that of `[client]` has a file of its own beside the shared one, and a good token
//! that has to make room there moves to such a file: so several servers are in use side by side.

mod kept;
mod place;
#[cfg(test)]
mod tests;

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Result};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::{Claims, Source, Token, clock};
use crate::config::Settings;
use crate::sha256;
pub(crate) use kept::{Kept, State, kept, trusted};
use place::digest;
pub(super) use place::{EXPIRY_MARGIN_SECONDS, Place, Record, replace_file, require_private};

/// The ending of a record's name.
pub(super) const RECORD: &str = "origin";
/// The ending of the name of a refresh token's file.
pub(super) const REFRESH: &str = "refresh";
/// The ending of the name of a file with the digest of another program's token that was checked.
pub(super) const CHECKED: &str = "checked";
/// How long to wait for another process that is getting a token.
const LOCK_PATIENCE: Duration = Duration::from_secs(15);

/// Where a token comes from: server, account, and way of logging in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Origin {
    pub(super) host: String,
    pub(super) auth_host: String,
    pub(super) vo: String,
    pub(super) auth_type: String,
    /// The account; none is the server's choice for the identity.
    #[serde(default)]
    pub(super) account: Option<String>,
    /// Whether both hosts are those of `[client]` in the configuration file.
    #[serde(skip)]
    pub(super) configured: bool,
}

impl Origin {
    /// The origin a new token under these settings would have.
    pub(super) fn of(settings: &Settings) -> Self {
        Self {
            host: settings.rucio_host.clone(),
            auth_host: settings.auth_host.clone(),
            vo: settings.vo.clone(),
            auth_type: settings.auth.name().to_owned(),
            account: settings.account.clone(),
            configured: settings.hosts_from_file,
        }
    }

    /// Whether both speak of the same server and VO.
    pub(super) fn same_server(&self, other: &Self) -> bool {
        (&self.host, &self.auth_host, &self.vo) == (&other.host, &other.auth_host, &other.vo)
    }

    /// Whether a token of the one may be used for the other.
    pub(super) fn same_place(&self, other: &Self) -> bool {
        self.same_server(other) && self.auth_type == other.auth_type && self.account == other.account
    }

    /// A part of a file's name that says whose token it is, and a digest that makes it unique.
    fn name(&self) -> String {
        let server = url::Url::parse(&self.host).ok();
        let server = server.as_ref().and_then(url::Url::host_str).unwrap_or("server");
        let all = format!("{}\n{}\n{}\n{}\n{:?}", self.host, self.auth_host, self.vo, self.auth_type, self.account);
        format!("{server}-{}", &sha256::hex(&all)[..8])
    }
}

/// The places of one account's tokens.
#[derive(Debug)]
pub(super) struct TokenCache {
    /// The file the official client knows.
    shared: Place,
    /// Whether nothing is read or kept.
    closed: bool,
}

impl TokenCache {
    /// The place the settings name.
    pub(super) fn new(settings: &Settings) -> Self {
        Self { shared: Place(settings.token_file.clone()), closed: settings.insecure }
    }

    /// Whether nothing is read or kept.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// The place that a token of this origin has for itself, beside the shared one.
    fn own(&self, origin: &Origin) -> Place {
        let mut name = self.shared.0.clone().into_os_string();
        name.push(format!("@{}", origin.name()));
        Place(name.into())
    }

    /// Where a token of this origin may be: in the shared place, or in its own.
    pub(super) fn places_of(&self, origin: &Origin) -> [Place; 2] {
        [self.shared.clone(), self.own(origin)]
    }

    /// The place where a token of this origin is written.
    pub(super) fn home_of(&self, origin: &Origin) -> Place {
        if origin.configured { self.shared.clone() } else { self.own(origin) }
    }

    /// Makes the folder of all places, if it is not there.
    pub(super) fn make_folder(&self) -> Result<()> {
        make_folder(self.shared.folder())
    }

    /// The token, if there is one that belongs to this origin and has not ended.
    pub(super) fn read(&self, origin: &Origin) -> Option<Token> {
        self.find(origin, |place, error| tracing::warn!("The saved token {} is not used: {error}", place.0.display()))
    }

    /// The same, for a second look: why a token is not used has been said at the first.
    pub(super) fn read_again(&self, origin: &Origin) -> Option<Token> {
        self.find(origin, |_, _| {})
    }

    fn find(&self, origin: &Origin, tell: impl Fn(&Place, &std::io::Error)) -> Option<Token> {
        if self.closed {
            return None;
        }
        self.places_of(origin).iter().find_map(|place| match self.try_read(place, origin) {
            Ok(token) => token,
            Err(error) => {
                if error.kind() != ErrorKind::NotFound {
                    tell(place, &error);
                }
                None
            }
        })
    }

    fn try_read(&self, place: &Place, origin: &Origin) -> Result<Option<Token>> {
        let Some(value) = place.value()? else { return Ok(None) };
        let token = |expires| Token::new(&value, expires).from(Source::Cache(place.0.clone()));
        match place.record() {
            Some(record) if record.is_of(&value) => {
                let usable = record.origin.same_place(origin) && !record.ended();
                Ok(usable.then(|| token(record.expires)))
            }
            Some(record) if record.replaces(&value) => Ok(None),
            // Somebody else wrote this token after our record: the official client, most likely for the same server.
            Some(record) if record.origin.same_place(origin) && !record.several => adopt(place, token(None), origin),
            None if origin.configured && *place == self.shared => adopt(place, token(None), origin),
            _ => Ok(None),
        }
    }

    /// Keeps a token: folder 0700, files 0600, each replaced at one stroke. Gives its place.
    /// A closed cache keeps none, which is an error.
    pub(super) fn write(&self, token: &Token, origin: &Origin) -> Result<Place> {
        if self.closed {
            return Err(ErrorKind::PermissionDenied.into());
        }
        self.make_folder()?;
        let place = self.home_of(origin);
        if place == self.shared {
            self.make_room(origin)?;
        }
        place.keep(token, origin)?;
        Ok(place)
    }

    /// Moves the good token of another server, account or way out of the shared place, to its own.
    fn make_room(&self, origin: &Origin) -> Result<()> {
        let Some(record) = self.shared.record() else { return Ok(()) };
        if record.origin.same_place(origin) || record.ended() {
            return Ok(());
        }
        match self.shared.value() {
            Ok(Some(value)) if record.is_of(&value) => {
                let own = self.own(&record.origin);
                own.keep(&Token::new(&value, record.expires), &record.origin)?;
                own.take_beside(&self.shared, REFRESH)
            }
            // What cannot be trusted or is not there needs no other place.
            _ => Ok(()),
        }
    }

    /// Whether the server has taken this token of another program for this account before.
    pub(super) fn has_checked(&self, origin: &Origin, token: &Token) -> bool {
        let file = self.own(origin).beside(CHECKED);
        require_private(&file, 0o022).is_ok()
            && std::fs::read_to_string(file).is_ok_and(|text| text == digest(token.expose()))
    }

    /// Puts down that it has. Nothing is lost where that fails: it is asked again.
    pub(super) fn note_checked(&self, origin: &Origin, token: &Token) {
        let file = self.own(origin).beside(CHECKED);
        let _ = self.make_folder().and_then(|()| replace_file(&file, digest(token.expose()).as_bytes()));
    }

    /// Waits until no other process is getting a token here. Without a lock in time, or where none is to be had,
    /// everyone gets a token of their own, which is only slower.
    pub(super) async fn lock(&self) -> Option<File> {
        if self.closed {
            return None;
        }
        let folder = self.shared.folder();
        make_folder(folder).ok()?;
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(folder.join(".lock")).ok()?;
        let start = Instant::now();
        while flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            if start.elapsed() > LOCK_PATIENCE {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Some(file)
    }
}

/// All places with a record in this folder, sorted by name.
pub(super) fn places(folder: &Path) -> Vec<Place> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .filter(|entry| entry.path().extension().is_some_and(|ending| ending == RECORD))
        .map(|entry| entry.path().with_extension(""))
        .collect();
    files.sort();
    files.into_iter().map(Place).collect()
}

/// All tokens in this folder without a record, which the official client wrote, sorted by name.
pub(super) fn unrecorded(folder: &Path) -> Vec<Place> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let name = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| is_token(&name(path))).collect();
    files.retain(|path| !Place(path.clone()).beside(RECORD).exists());
    files.sort();
    files.into_iter().map(Place).collect()
}

/// Whether the official client names tokens like this.
fn is_token(name: &str) -> bool {
    let beside = [RECORD, REFRESH, CHECKED].iter().any(|ending| name.ends_with(&format!(".{ending}")));
    name.starts_with("auth_token_for_") && !beside
}

/// Puts down that the official client's token belongs here, so that it never goes elsewhere. One that says itself that
/// it has ended is none, and one that is not valid yet is not sent before its time.
fn adopt(place: &Place, token: Token, origin: &Origin) -> Result<Option<Token>> {
    if let Some(reason) = Claims::of(token.expose()).as_ref().and_then(clock::not_yet) {
        return Err(std::io::Error::other(reason));
    }
    place.keep_record(&token, origin)?;
    let ended = place.record().is_some_and(|record| record.ended());
    Ok((!ended).then_some(token))
}

fn make_folder(folder: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    require_private(folder, 0o022)
}
