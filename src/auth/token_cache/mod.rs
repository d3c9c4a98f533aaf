//! The token file, shared with the official client, and a record beside it of the server that issued the token.
//!
//! The official client writes the bare token into `auth_token_for_account_<account>` and sends it to any host it
//! is pointed at. We write the same file and, in `<file>.origin`, the host and the authentication method. A token is
//! used only for the host it came from. One without a record (written by the official client) is assumed to belong to
//! the host in the configuration, and a record of that is written before its first use. If the last record names
//! another server, or the file has contained tokens of several, the origin is unknown: the token is not used.
//!
//! With `--insecure` the cache is closed: the server is not verified, so it gets no token that was issued by the real
//! one, and its own token is not saved, because a later command would take it for one of the real server.
//!
//! A token for another server than that of `[client]` has a file of its own beside the shared one, and a valid token
//! that would be overwritten there is moved to such a file: several servers can be used side by side.
//!
//! Credentials given on the command line or in a variable need a token of theirs: the record names the identity. While
//! there is a session of another identity, their token has a file of its own, too; it does not replace that session.

mod inspect;
#[cfg(test)]
mod tests;
mod token_file;

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Result};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, OFlags, flock};
use serde::{Deserialize, Serialize};

use super::identity::RequiredIdentity;
use super::{Claims, Token, TokenSource, clock_skew};
use crate::config::Settings;
use crate::sha256;
use crate::time::unix_time;
pub(crate) use inspect::{CachedToken, TokenState, inspect, trusted};
use token_file::digest;
pub(super) use token_file::{
    EXPIRY_MARGIN_SECONDS, TokenFile, TokenRecord, replace_file, require_private, require_trusted_folder,
    warn_if_readable,
};

/// Suffix of the file name of a record.
pub(super) const RECORD: &str = "origin";
/// Suffix of the file name of a refresh token.
pub(super) const REFRESH: &str = "refresh";
/// Suffix of the file name of the digest of another program's token that was checked.
pub(super) const CHECKED: &str = "checked";
/// Timeout for another process that is obtaining a token.
const LOCK_TIMEOUT: Duration = Duration::from_secs(15);

/// The origin of a token: server, account and authentication method.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TokenOrigin {
    pub(super) host: String,
    pub(super) auth_host: String,
    pub(super) vo: String,
    pub(super) auth_type: String,
    /// The account; `None` if the server chooses it by the identity.
    #[serde(default)]
    pub(super) account: Option<String>,
    /// Whether both hosts are those of `[client]` in the configuration file.
    #[serde(skip)]
    pub(super) configured: bool,
    /// The identity that the token must be of, if credentials were given for this call.
    #[serde(skip)]
    pub(super) required: Option<RequiredIdentity>,
}

impl TokenOrigin {
    /// Returns the origin of a new token under these settings.
    pub(super) fn from_settings(settings: &Settings) -> Self {
        Self {
            host: settings.rucio_host.clone(),
            auth_host: settings.auth_host.clone(),
            vo: settings.vo.clone(),
            auth_type: settings.auth.name().to_owned(),
            account: settings.account.clone(),
            configured: settings.hosts_from_file,
            required: RequiredIdentity::from_settings(settings),
        }
    }

    /// Whether both name the same server and VO.
    pub(super) fn same_server(&self, other: &Self) -> bool {
        (&self.host, &self.auth_host, &self.vo) == (&other.host, &other.auth_host, &other.vo)
    }

    /// Whether a token of one may be used for the other, unless a certain identity is required.
    pub(super) fn is_interchangeable_with(&self, other: &Self) -> bool {
        self.same_server(other) && self.auth_type == other.auth_type && self.account == other.account
    }

    /// Whether a token with this record may be used.
    fn accepts(&self, record: &TokenRecord) -> bool {
        let identity = record.identity.as_deref();
        record.origin.is_interchangeable_with(self) && self.required.as_ref().is_none_or(|one| one.accepts(identity))
    }

    /// Returns a part of a file name: the host, and a digest that makes it unique.
    fn name(&self) -> String {
        let server = url::Url::parse(&self.host).ok();
        let server = server.as_ref().and_then(url::Url::host_str).unwrap_or("server");
        let mut all = format!("{}\n{}\n{}\n{}\n{:?}", self.host, self.auth_host, self.vo, self.auth_type, self.account);
        if let Some(required) = &self.required {
            all.push_str(&format!("\n{:?}", required.name));
        }
        format!("{server}-{}", &sha256::hex(&all)[..8])
    }
}

/// The token files of one account.
#[derive(Debug, Clone)]
pub(super) struct TokenCache {
    /// The file shared with the official client.
    shared: TokenFile,
    /// Whether the configuration names that file.
    is_named: bool,
    /// Whether nothing is read or saved.
    closed: bool,
}

impl TokenCache {
    /// Creates the cache for the token file in the settings.
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            shared: TokenFile(settings.token_file.clone()),
            is_named: settings.auth_token_file_path.is_some(),
            closed: settings.insecure,
        }
    }

    /// Whether nothing is read or saved.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Returns the file for tokens of this origin only, beside the shared one.
    fn own_file(&self, origin: &TokenOrigin) -> TokenFile {
        let mut name = self.shared.0.clone().into_os_string();
        name.push(format!("@{}", origin.name()));
        TokenFile(name.into())
    }

    /// Returns the files that may contain a token of this origin: the shared one, its own, and that of the required
    /// identity.
    pub(super) fn files_for(&self, origin: &TokenOrigin) -> Vec<TokenFile> {
        let mut files = self.files_of_any_identity(origin).to_vec();
        files.extend(origin.required.as_ref().map(|_| self.own_file(origin)));
        files
    }

    /// Returns the files of the session that is used if no identity is required.
    pub(super) fn files_of_any_identity(&self, origin: &TokenOrigin) -> [TokenFile; 2] {
        [self.shared.clone(), self.own_file(&TokenOrigin { required: None, ..origin.clone() })]
    }

    /// Returns the file that a token of this origin and identity is written to.
    pub(super) fn file_for(&self, origin: &TokenOrigin, identity: Option<&str>) -> TokenFile {
        let [shared, own] = self.files_of_any_identity(origin);
        if origin.required.is_some() && [&shared, &own].iter().any(|file| self.is_of_another(file, origin, identity)) {
            self.own_file(origin)
        } else if origin.configured {
            shared
        } else {
            own
        }
    }

    /// Whether the file has a session of this origin, but of another or an unknown identity.
    fn is_of_another(&self, file: &TokenFile, origin: &TokenOrigin, identity: Option<&str>) -> bool {
        let Ok(Some(value)) = file.value() else { return false };
        match file.record() {
            Some(record) if !record.origin.is_interchangeable_with(origin) => false,
            Some(record) if record.belongs_to(&value) => !record.is_expired() && record.identity.as_deref() != identity,
            Some(_) => true,
            None => origin.configured && *file == self.shared,
        }
    }

    /// Creates the folder of all token files, if it does not exist.
    pub(super) fn make_folder(&self) -> Result<()> {
        make_folder(self.shared.folder())
    }

    /// Returns the token, if there is one that belongs to this origin and has not expired.
    pub(super) fn read(&self, origin: &TokenOrigin) -> Option<Token> {
        let warn = |file: &TokenFile, error: &_| {
            tracing::warn!("The saved token {} is not used: {error}", file.0.display());
        };
        let token = self.find(origin, warn)?;
        if let TokenSource::Cache(file) = &token.source {
            warn_if_readable(file);
        }
        tracing::debug!("got token from file");
        Some(token)
    }

    /// Reads the token like `read`, without repeating its warnings.
    pub(super) fn read_again(&self, origin: &TokenOrigin) -> Option<Token> {
        self.find(origin, |_, _| {})
    }

    fn find(&self, origin: &TokenOrigin, tell: impl Fn(&TokenFile, &std::io::Error)) -> Option<Token> {
        if self.closed {
            return None;
        }
        self.files_for(origin).iter().find_map(|file| match self.try_read(file, origin) {
            Ok(token) => token,
            Err(error) => {
                if error.kind() != ErrorKind::NotFound {
                    tell(file, &error);
                }
                None
            }
        })
    }

    fn try_read(&self, file: &TokenFile, origin: &TokenOrigin) -> Result<Option<Token>> {
        let Some(value) = file.value()? else { return Ok(None) };
        let token = |expires| Token::new(&value, expires).from(TokenSource::Cache(file.0.clone()));
        match file.record() {
            Some(record) if record.belongs_to(&value) => {
                let usable = origin.accepts(&record) && !record.is_expired();
                Ok(usable.then(|| token(record.expires).of_identity(record.identity)))
            }
            Some(record) if record.replaces(&value) => Ok(None),
            // Whose token another program has saved is unknown.
            _ if origin.required.is_some() => Ok(None),
            // Another program wrote this token after our record: the official client, most likely for the same server.
            Some(record) if record.origin.is_interchangeable_with(origin) && !record.several => {
                adopt(file, token(None), origin)
            }
            None if origin.configured && *file == self.shared => adopt(file, token(None), origin),
            _ => Ok(None),
        }
    }

    /// Saves a token: folder 0700, files 0600, each replaced atomically. Returns its file.
    /// A closed cache returns an error.
    pub(super) fn write(&self, token: &Token, origin: &TokenOrigin) -> Result<TokenFile> {
        if self.closed {
            return Err(ErrorKind::PermissionDenied.into());
        }
        self.make_folder()?;
        let file = self.file_for(origin, token.identity.as_deref());
        if file == self.shared {
            self.move_out_other_token(origin)?;
        }
        file.save(token, origin, Some(unix_time()))?;
        Ok(file)
    }

    /// Moves a valid token of another server, account or method from the shared file to its own.
    fn move_out_other_token(&self, origin: &TokenOrigin) -> Result<()> {
        let Some(record) = self.shared.record() else { return Ok(()) };
        if record.origin.is_interchangeable_with(origin) || record.is_expired() {
            return Ok(());
        }
        match self.shared.value() {
            Ok(Some(value)) if record.belongs_to(&value) => {
                let own = self.own_file(&record.origin);
                own.save(
                    &Token::new(&value, record.expires).of_identity(record.identity),
                    &record.origin,
                    record.since,
                )?;
                own.take_sibling(&self.shared, REFRESH)
            }
            // A token that is not trusted or missing is not moved.
            _ => Ok(()),
        }
    }

    /// Whether the server has accepted this token of another program for this account before.
    pub(super) fn has_checked(&self, origin: &TokenOrigin, token: &Token) -> bool {
        let file = self.own_file(origin).sibling(CHECKED);
        require_private(&file, 0o022).is_ok()
            && std::fs::read_to_string(file).is_ok_and(|text| text == digest(token.expose()))
    }

    /// Records that it has. A failure does no harm: the server is asked again.
    pub(super) fn record_checked(&self, origin: &TokenOrigin, token: &Token) {
        let file = self.own_file(origin).sibling(CHECKED);
        let _ = self.make_folder().and_then(|()| replace_file(&file, digest(token.expose()).as_bytes()));
    }

    /// Returns the file for the lock: one for all token files in a folder of our own, but one for each file that the
    /// configuration names, which may be anywhere.
    fn lock_file(&self) -> PathBuf {
        if self.is_named { self.shared.sibling("lock") } else { self.shared.folder().join(".lock") }
    }

    /// Waits until no other process is obtaining a token here. Without the lock (timeout, or locking is not possible),
    /// every process obtains its own token, which is only slower.
    pub(super) async fn lock(&self) -> Option<File> {
        if self.closed {
            return None;
        }
        let folder = self.shared.folder();
        make_folder(folder).ok()?;
        let mut options = OpenOptions::new();
        // In a folder like /tmp another user may have put a link there.
        options.create(true).append(true).mode(0o600).custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
        let file = options.open(self.lock_file()).ok()?;
        let start = Instant::now();
        while flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            if start.elapsed() > LOCK_TIMEOUT {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Some(file)
    }
}

/// Returns all token files with a record in this folder, sorted by name.
pub(super) fn recorded_files(folder: &Path) -> Vec<TokenFile> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .filter(|entry| entry.path().extension().is_some_and(|ending| ending == RECORD))
        .map(|entry| entry.path().with_extension(""))
        .collect();
    files.sort();
    files.into_iter().map(TokenFile).collect()
}

/// Returns all token files without a record in this folder, which the official client wrote, sorted by name.
pub(super) fn unrecorded_files(folder: &Path) -> Vec<TokenFile> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let name = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| is_token(&name(path))).collect();
    files.retain(|path| !TokenFile(path.clone()).sibling(RECORD).exists());
    files.sort();
    files.into_iter().map(TokenFile).collect()
}

/// Whether the official client gives token files such a name.
fn is_token(name: &str) -> bool {
    let beside = [RECORD, REFRESH, CHECKED].iter().any(|ending| name.ends_with(&format!(".{ending}")));
    name.starts_with("auth_token_for_") && !beside
}

/// Records that the official client's token belongs here, so that it is never sent elsewhere. Returns `None` for a
/// token that has expired by its own claims, and an error for one that is not valid yet.
fn adopt(file: &TokenFile, token: Token, origin: &TokenOrigin) -> Result<Option<Token>> {
    if let Some(reason) = Claims::parse(token.expose()).as_ref().and_then(clock_skew::not_valid_yet) {
        return Err(std::io::Error::other(reason));
    }
    file.save_record(&token, origin)?;
    let ended = file.record().is_some_and(|record| record.is_expired());
    Ok((!ended).then_some(token))
}

fn make_folder(folder: &Path) -> Result<()> {
    if !folder.exists() {
        tracing::debug!("Rucio token directory '{}' not found. Creating it...", folder.display());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    require_trusted_folder(folder)
}
