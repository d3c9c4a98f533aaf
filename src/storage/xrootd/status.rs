//! Error codes of the XRootD protocol, and the metadata of files.

use crate::storage::{StorageError, StorageErrorKind};

/// Codes that decide what the client does next.
pub(super) const LOCKED: i32 = 3003;
pub(super) const NOT_FOUND: i32 = 3011;
pub(super) const OVERLOADED: i32 = 3024;
pub(super) const NOT_AUTHORIZED: i32 = 3010;
pub(super) const TLS_REQUIRED: i32 = 3028;
const FILE_SYSTEM_ERROR: i32 = 3005;
const INVALID_REQUEST: i32 = 3006;
const IO_ERROR: i32 = 3007;
const NO_MEMORY: i32 = 3008;
const ALREADY_EXISTS: i32 = 3018;
const SERVER_ERROR: i32 = 3012;

/// Reason of an error with `INVALID_REQUEST`, in upper or lower case: XRootD before 5.0 uses that code for EEXIST
/// (`mapError` in `XProtocol.hh`).
const FILE_EXISTS: &str = "file exists";

/// Maximum length of a reason in characters. Chosen: a path and some words.
const MAX_REASON: usize = 1000;

/// Flags in the metadata: a directory, or neither a directory nor a file.
const NOT_A_FILE: u32 = 2 | 4;

/// Error that a server returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServerError {
    pub(super) code: i32,
    pub(super) text: String,
}

impl ServerError {
    pub(super) fn new(code: i32, text: &str) -> Self {
        Self { code, text: text.trim().chars().take(MAX_REASON).collect() }
    }

    pub(super) fn kind(&self) -> StorageErrorKind {
        match self.code {
            NOT_FOUND => StorageErrorKind::NotFound,
            // Not authorised, TLS required, authentication failed.
            NOT_AUTHORIZED | TLS_REQUIRED | 3030 => StorageErrorKind::Denied,
            ALREADY_EXISTS => StorageErrorKind::AlreadyExists,
            INVALID_REQUEST if self.text.to_ascii_lowercase().contains(FILE_EXISTS) => StorageErrorKind::AlreadyExists,
            // Locked, no memory, in progress.
            LOCKED | NO_MEMORY | 3020 | OVERLOADED => StorageErrorKind::Overloaded,
            // Also: not open, no server, cancelled, timed out, timer expired.
            3004 | FILE_SYSTEM_ERROR | IO_ERROR | SERVER_ERROR | 3014 | 3017 | 3034 | 3035 => {
                StorageErrorKind::Transient
            }
            _ => StorageErrorKind::Refused,
        }
    }

    /// Returns why another server of the same cluster may have the file, in the words of the protocol; `None` if the
    /// error is the same everywhere.
    pub(super) fn reason_to_try_another(&self) -> Option<&'static str> {
        match self.code {
            NOT_FOUND => Some("enoent"),
            IO_ERROR => Some("ioerr"),
            FILE_SYSTEM_ERROR => Some("fserr"),
            NO_MEMORY | SERVER_ERROR | OVERLOADED => Some("srverr"),
            _ => None,
        }
    }
}

impl From<ServerError> for StorageError {
    fn from(error: ServerError) -> Self {
        let ServerError { code, text } = &error;
        let text = if text.is_empty() { "the server gave no reason" } else { text };
        Self::new(error.kind(), format!("root: [{code}] {text}"))
    }
}

/// Metadata of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileInfo {
    pub(super) bytes: u64,
    flags: u32,
    modified: i64,
}

impl FileInfo {
    /// Parses `id size flags mtime ...`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace().skip(1);
        let mut next = || words.next();
        Some(Self { bytes: next()?.parse().ok()?, flags: next()?.parse().ok()?, modified: next()?.parse().ok()? })
    }

    /// Returns what identifies the content. The id is not part of it: it differs between the servers of a cluster.
    pub(super) fn version(&self) -> String {
        format!("{}-{}", self.bytes, self.modified)
    }

    pub(super) fn is_file(&self) -> bool {
        self.flags & NOT_A_FILE == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xrootd_errors_have_a_kind_and_the_text_of_the_server() {
        for (code, kind) in [
            (3011, StorageErrorKind::NotFound),
            (3010, StorageErrorKind::Denied),
            (3024, StorageErrorKind::Overloaded),
            (3007, StorageErrorKind::Transient),
            (3009, StorageErrorKind::Refused),
            (-1, StorageErrorKind::Refused),
        ] {
            let error = StorageError::from(ServerError::new(code, " Unable to open /x; why "));
            assert_eq!((error.kind, error.message), (kind, format!("root: [{code}] Unable to open /x; why")));
        }
    }

    #[test]
    fn xrootd_metadata_is_parsed() {
        let info = FileInfo::parse("94489 5000 48 1700000000 1700000001 1700000002 0644 me us").unwrap();
        assert_eq!((info.bytes, info.version(), info.is_file()), (5000, "5000-1700000000".to_owned(), true));
        assert!(!FileInfo::parse("1 4096 19 0").unwrap().is_file(), "a directory");
        for bad in ["", "1 2 3", "1 -2 3 4", "1 2 x 4", "1 99999999999999999999 3 4"] {
            assert_eq!(FileInfo::parse(bad), None, "{bad}");
        }
    }
}
