//! A token file, and beside it the record of the token's origin.

use std::fs::Permissions;
use std::io::{Error, ErrorKind, Result, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::{RECORD, TokenOrigin};
use crate::auth::Token;
use crate::input_file;
use crate::sha256;
use crate::time::unix_time;

/// Permission of other users to write.
const WRITABLE: u32 = 0o022;
/// A token that expires within this time is not used any more.
pub(in crate::auth) const EXPIRY_MARGIN_SECONDS: i64 = 10;

/// The record beside a token file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::auth) struct TokenRecord {
    #[serde(flatten)]
    pub(in crate::auth) origin: TokenOrigin,
    /// Expiry of the token, in seconds since 1970, UTC.
    pub(in crate::auth) expires: Option<i64>,
    /// When the token was obtained, in seconds since 1970, UTC. Unknown for a token of another program.
    #[serde(default)]
    pub(in crate::auth) since: Option<i64>,
    /// The user name or the subject of the certificate that it was obtained with, if that is known.
    #[serde(default)]
    pub(in crate::auth) identity: Option<String>,
    /// SHA-256 of the token.
    pub(super) digest: String,
    /// SHA-256 of the previous token, which may still be in the file for a moment.
    #[serde(default)]
    before: Option<String>,
    /// Whether the file has contained tokens of more than one server.
    #[serde(default)]
    pub(super) several: bool,
}

impl TokenRecord {
    /// Whether this is the record of that token.
    pub(in crate::auth) fn belongs_to(&self, value: &str) -> bool {
        self.digest == digest(value)
    }

    /// Whether that token is being replaced, at this moment, by the token of this record.
    pub(super) fn replaces(&self, value: &str) -> bool {
        self.before.as_deref() == Some(digest(value).as_str())
    }

    /// Whether the token has expired, or is about to.
    pub(in crate::auth) fn is_expired(&self) -> bool {
        self.expires.is_some_and(|end| end.saturating_sub(EXPIRY_MARGIN_SECONDS) < unix_time())
    }
}

/// A token file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::auth) struct TokenFile(pub(super) PathBuf);

impl TokenFile {
    /// Returns the token file.
    pub(in crate::auth) fn file(&self) -> &Path {
        &self.0
    }

    /// Returns its folder.
    pub(in crate::auth) fn folder(&self) -> &Path {
        self.0.parent().unwrap_or(Path::new("."))
    }

    /// Returns a file beside it: the same name with this suffix.
    pub(in crate::auth) fn sibling(&self, ending: &str) -> PathBuf {
        let mut name = self.0.clone().into_os_string();
        name.push(".");
        name.push(ending);
        name.into()
    }

    /// Moves the file with this suffix from beside another token file, if it exists.
    pub(super) fn take_sibling(&self, other: &Self, ending: &str) -> Result<()> {
        match std::fs::rename(other.sibling(ending), self.sibling(ending)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Returns the token, if the file can be trusted and its content looks like one. Other users may be able to read
    /// it, as they may with a proxy certificate ([`warn_if_readable`]).
    pub(in crate::auth) fn value(&self) -> Result<Option<String>> {
        require_private(&self.0, WRITABLE)?;
        require_trusted_folder(self.folder())?;
        let text = input_file::read_to_string(&self.0)?;
        let value = text.trim();
        // A token contains its identity, so that of a certificate may well contain blanks.
        let usable = !value.is_empty() && !value.contains(char::is_control);
        Ok(usable.then(|| value.to_owned()))
    }

    /// Returns the record beside the token. In a folder like /tmp another user may have written one.
    pub(in crate::auth) fn record(&self) -> Option<TokenRecord> {
        let file = self.sibling(RECORD);
        require_private(&file, WRITABLE).ok()?;
        serde_json::from_slice(&std::fs::read(file).ok()?).ok()
    }

    /// Saves a token that was obtained at `since`. The record is written first, so that a token never has a wrong record.
    pub(super) fn save(&self, token: &Token, origin: &TokenOrigin, since: Option<i64>) -> Result<()> {
        let before = self.value().ok().flatten().filter(|before| before != token.expose());
        self.write_record(token, origin, since, before.as_deref().map(digest))?;
        replace_file(&self.0, token.expose().as_bytes())
    }

    /// Writes the record of the token in this file, which another program obtained at an unknown time.
    pub(super) fn save_record(&self, token: &Token, origin: &TokenOrigin) -> Result<()> {
        self.write_record(token, origin, None, None)
    }

    fn write_record(
        &self,
        token: &Token,
        origin: &TokenOrigin,
        since: Option<i64>,
        before: Option<String>,
    ) -> Result<()> {
        let several = self.record().is_some_and(|last| last.several || !last.origin.same_server(origin));
        let expires = token.expires;
        let (identity, digest) = (token.identity.clone(), digest(token.expose()));
        let record = TokenRecord { origin: origin.clone(), expires, since, identity, digest, before, several };
        replace_file(&self.sibling(RECORD), &serde_json::to_vec(&record)?)
    }
}

/// Writes a private file (0600) atomically.
pub(in crate::auth) fn replace_file(path: &Path, content: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(folder)?;
    file.as_file().set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(content)?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Refuses symbolic links, files of other users, and files that have one of these permission bits.
pub(in crate::auth) fn require_private(path: &Path, forbidden: u32) -> Result<()> {
    let metadata = std::fs::symlink_metadata(path)?;
    let refuse = |why: String| Err(Error::new(ErrorKind::PermissionDenied, format!("{} {why}", path.display())));
    match metadata.mode() & 0o777 {
        _ if metadata.uid() != geteuid().as_raw() => refuse(format!("belongs to user {}", metadata.uid())),
        _ if metadata.is_symlink() => refuse("is a symbolic link".to_owned()),
        mode if mode & forbidden != 0 => refuse(format!("is open to others (mode {mode:o})")),
        _ => Ok(()),
    }
}

/// Refuses folders in which other users could replace a file: those that they can write to, unless only the owner can
/// remove a file there (the sticky bit, as on /tmp), and those of other users except root.
pub(in crate::auth) fn require_trusted_folder(folder: &Path) -> Result<()> {
    const STICKY: u32 = 0o1000;
    let metadata = std::fs::symlink_metadata(folder)?;
    let is_of_root = metadata.uid() == 0 && metadata.is_dir();
    if is_of_root && (metadata.mode() & WRITABLE == 0 || metadata.mode() & STICKY != 0) {
        return Ok(());
    }
    require_private(folder, WRITABLE)
}

/// Returns the mode of a file that other users can read.
pub(in crate::auth) fn mode_if_readable(file: &Path) -> Option<u32> {
    let mode = std::fs::metadata(file).ok()?.mode() & 0o777;
    (mode & 0o044 != 0).then_some(mode)
}

/// Warns about a token that other users can read. It is used nevertheless: existing set-ups rely on that.
pub(in crate::auth) fn warn_if_readable(file: &Path) {
    if let Some(mode) = mode_if_readable(file) {
        let place = file.display();
        tracing::warn!("The token {place} is open to others (mode {mode:o}). Run `chmod 600 {place}`.");
    }
}

/// Returns the SHA-256 in hexadecimal digits.
pub(super) fn digest(token: &str) -> String {
    sha256::hex(token)
}
