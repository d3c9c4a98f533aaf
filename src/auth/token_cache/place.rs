//! One place where a token is kept: its file, and beside it a record of where it belongs.

use std::fs::Permissions;
use std::io::{Error, ErrorKind, Result, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::{Origin, RECORD};
use crate::auth::Token;
use crate::clock::now;
use crate::sha256;

/// A token that ends sooner than this is not used any more.
pub(in crate::auth) const EXPIRY_MARGIN_SECONDS: i64 = 10;

/// What stands beside a token file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::auth) struct Record {
    #[serde(flatten)]
    pub(in crate::auth) origin: Origin,
    /// When it ends, in seconds since 1970, UTC.
    pub(in crate::auth) expires: Option<i64>,
    /// When it was got or first seen, in seconds since 1970, UTC.
    #[serde(default)]
    pub(in crate::auth) since: Option<i64>,
    /// SHA-256 of the token this record speaks of.
    pub(super) digest: String,
    /// SHA-256 of the token that stood here before, which may still stand here for a moment.
    #[serde(default)]
    before: Option<String>,
    /// Whether tokens of more than one server have been in this place.
    #[serde(default)]
    pub(super) several: bool,
}

impl Record {
    /// Whether this is the record of that token.
    pub(in crate::auth) fn is_of(&self, value: &str) -> bool {
        self.digest == digest(value)
    }

    /// Whether that token is about to be replaced, at this moment, by the one this record speaks of.
    pub(super) fn replaces(&self, value: &str) -> bool {
        self.before.as_deref() == Some(digest(value).as_str())
    }

    /// Whether the token ended, or is about to.
    pub(in crate::auth) fn ended(&self) -> bool {
        self.expires.is_some_and(|end| end.saturating_sub(EXPIRY_MARGIN_SECONDS) < now())
    }
}

/// A token file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::auth) struct Place(pub(super) PathBuf);

impl Place {
    /// The file of the token.
    pub(in crate::auth) fn file(&self) -> &Path {
        &self.0
    }

    /// The folder it is in.
    pub(in crate::auth) fn folder(&self) -> &Path {
        self.0.parent().unwrap_or(Path::new("."))
    }

    /// A file beside it: the same name and an ending.
    pub(in crate::auth) fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.0.clone().into_os_string();
        name.push(".");
        name.push(ending);
        name.into()
    }

    /// Takes over what stands beside another place, if anything does.
    pub(super) fn take_beside(&self, other: &Self, ending: &str) -> Result<()> {
        match std::fs::rename(other.beside(ending), self.beside(ending)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// What is kept here, if it may be trusted and looks like a token.
    pub(in crate::auth) fn value(&self) -> Result<Option<String>> {
        require_private(&self.0, 0o077)?;
        require_private(self.folder(), 0o022)?;
        let text = std::fs::read_to_string(&self.0)?;
        let value = text.trim();
        // A token names its identity, so that of a certificate may well hold blanks.
        let usable = !value.is_empty() && !value.contains(char::is_control);
        Ok(usable.then(|| value.to_owned()))
    }

    /// The record beside the token.
    pub(in crate::auth) fn record(&self) -> Option<Record> {
        serde_json::from_slice(&std::fs::read(self.beside(RECORD)).ok()?).ok()
    }

    /// Keeps a token. The record comes first, so that a token never stands there with a record that is wrong about it.
    pub(super) fn keep(&self, token: &Token, origin: &Origin) -> Result<()> {
        let before = self.value().ok().flatten().filter(|before| before != token.expose());
        self.write_record(token, origin, before.as_deref().map(digest))?;
        replace_file(&self.0, token.expose().as_bytes())
    }

    /// Puts down where the token of this place belongs.
    pub(super) fn keep_record(&self, token: &Token, origin: &Origin) -> Result<()> {
        self.write_record(token, origin, None)
    }

    fn write_record(&self, token: &Token, origin: &Origin, before: Option<String>) -> Result<()> {
        let several = self.record().is_some_and(|last| last.several || !last.origin.same_server(origin));
        let (expires, since) = (token.expires, Some(now()));
        let digest = digest(token.expose());
        let record = Record { origin: origin.clone(), expires, since, digest, before, several };
        replace_file(&self.beside(RECORD), &serde_json::to_vec(&record)?)
    }
}

/// Writes a file of ours alone, at one stroke.
pub(in crate::auth) fn replace_file(path: &Path, content: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(folder)?;
    file.as_file().set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(content)?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Refuses what belongs to somebody else or is open to others by these permission bits.
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

/// SHA-256, in hexadecimal digits.
pub(super) fn digest(token: &str) -> String {
    sha256::hex(token)
}
