//! The token file, shared with the official client, and a record beside it that says which server gave the token.
//!
//! The official client writes the bare token into `auth_token_for_account_<account>` and sends it to whatever host
//! it is pointed at. We write the same file and, in `<file>.origin`, the host and the way of logging in. A token
//! is used only for the host it came from. One without a record (the official client wrote it) is taken to belong
//! to the host that the configuration names, and the record that says so is written before its first use. Where the
//! last record names another server, or this place has held tokens of several, nobody can tell whose it is: it is
//! not used.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{Error, ErrorKind, Result, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::fs::{FlockOperation, flock};
use rustix::process::geteuid;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::Token;
use crate::config::Settings;

/// A token that ends sooner than this is not used any more.
const EXPIRY_MARGIN_SECONDS: i64 = 10;
/// How long to wait for another process that is getting a token.
const LOCK_PATIENCE: Duration = Duration::from_secs(15);

/// Where a token comes from: server and way of logging in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Origin {
    host: String,
    auth_host: String,
    vo: String,
    auth_type: String,
    /// Whether both hosts are those of the configuration file, not of an option.
    #[serde(skip)]
    configured: bool,
}

impl Origin {
    /// The origin a new token under these settings would have.
    pub(super) fn of(settings: &Settings) -> Self {
        Self {
            host: settings.rucio_host.clone(),
            auth_host: settings.auth_host.clone(),
            vo: settings.vo.clone(),
            auth_type: settings.auth.name().to_owned(),
            configured: settings.hosts_from_file,
        }
    }

    fn same_server(&self, other: &Self) -> bool {
        (&self.host, &self.auth_host, &self.vo) == (&other.host, &other.auth_host, &other.vo)
    }

    fn same_place(&self, other: &Self) -> bool {
        self.same_server(other) && self.auth_type == other.auth_type
    }
}

/// What stands beside a token file.
#[derive(Serialize, Deserialize)]
struct Record {
    #[serde(flatten)]
    origin: Origin,
    /// Seconds since 1970, UTC.
    expires: Option<i64>,
    /// SHA-256 of the token this record speaks of.
    digest: String,
    /// Whether tokens of more than one server have been in this place.
    #[serde(default)]
    several: bool,
}

/// The place of one account's token.
#[derive(Debug)]
pub(super) struct TokenCache {
    folder: PathBuf,
    file: PathBuf,
}

impl TokenCache {
    /// The place the settings name.
    pub(super) fn new(settings: &Settings) -> Self {
        let file = settings.token_file.clone();
        let folder = file.parent().map_or_else(|| settings.token_dir.clone(), Path::to_owned);
        Self { folder, file }
    }

    /// The token, if there is one that belongs to this origin and has not ended.
    pub(super) fn read(&self, origin: &Origin) -> Option<Token> {
        match self.try_read(origin) {
            Ok(token) => token,
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!("The saved token {} is not used: {error}", self.file.display());
                None
            }
        }
    }

    /// The same, for a second look: why a token is not used has been said at the first.
    pub(super) fn read_again(&self, origin: &Origin) -> Option<Token> {
        self.try_read(origin).ok().flatten()
    }

    fn try_read(&self, origin: &Origin) -> Result<Option<Token>> {
        require_private(&self.file, 0o077)?;
        require_private(&self.folder, 0o022)?;
        let text = std::fs::read_to_string(&self.file)?;
        let value = text.trim();
        // A token names its identity, so that of a certificate may well hold blanks.
        if value.is_empty() || value.contains(char::is_control) {
            return Ok(None);
        }
        match self.record() {
            Some(record) if record.digest == digest(value) => {
                let ended = record.expires.is_some_and(|end| end - EXPIRY_MARGIN_SECONDS < now());
                let usable = record.origin.same_place(origin) && !ended;
                Ok(usable.then(|| Token::new(value, record.expires)))
            }
            // Somebody else wrote this token after our record: the official client, most likely for the same server.
            Some(record) if record.origin.same_place(origin) && !record.several => self.adopt(value, origin).map(Some),
            None if origin.configured => self.adopt(value, origin).map(Some),
            _ => Ok(None),
        }
    }

    /// Puts down that the official client's token belongs here, so that it never goes elsewhere.
    fn adopt(&self, value: &str, origin: &Origin) -> Result<Token> {
        let token = Token::new(value, None);
        self.write_record(&token, origin)?;
        Ok(token)
    }

    fn record(&self) -> Option<Record> {
        serde_json::from_slice(&std::fs::read(self.record_file()).ok()?).ok()
    }

    fn record_file(&self) -> PathBuf {
        let mut name = self.file.clone().into_os_string();
        name.push(".origin");
        name.into()
    }

    /// Keeps a token: folder 0700, files 0600, each replaced at one stroke. The record comes first, so that a token
    /// never stands there with a record that is wrong about it.
    pub(super) fn write(&self, token: &Token, origin: &Origin) -> Result<()> {
        self.make_folder()?;
        self.write_record(token, origin)?;
        replace_file(&self.file, token.expose().as_bytes())
    }

    fn write_record(&self, token: &Token, origin: &Origin) -> Result<()> {
        let several = self.record().is_some_and(|last| last.several || !last.origin.same_server(origin));
        let record = Record { origin: origin.clone(), expires: token.expires, digest: digest(token.expose()), several };
        replace_file(&self.record_file(), &serde_json::to_vec(&record)?)
    }

    fn make_folder(&self) -> Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        require_private(&self.folder, 0o022)
    }

    /// Waits until no other process is getting a token here. Without a lock in time, or where none is to be had,
    /// everyone gets a token of their own, which is only slower.
    pub(super) async fn lock(&self) -> Option<File> {
        self.make_folder().ok()?;
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(self.folder.join(".lock")).ok()?;
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

fn replace_file(path: &Path, content: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(folder)?;
    file.as_file().set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(content)?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Refuses what belongs to somebody else or is open to others by these permission bits.
fn require_private(path: &Path, forbidden: u32) -> Result<()> {
    let metadata = std::fs::symlink_metadata(path)?;
    let refuse = |why: String| Err(Error::new(ErrorKind::PermissionDenied, format!("{} {why}", path.display())));
    match metadata.mode() & 0o777 {
        _ if metadata.uid() != geteuid().as_raw() => refuse(format!("belongs to user {}", metadata.uid())),
        _ if metadata.is_symlink() => refuse("is a symbolic link".to_owned()),
        mode if mode & forbidden != 0 => refuse(format!("is open to others (mode {mode:o})")),
        _ => Ok(()),
    }
}

fn digest(token: &str) -> String {
    openssl::sha::sha256(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(host: &str) -> Origin {
        Origin {
            host: host.into(),
            auth_host: host.into(),
            vo: "def".into(),
            auth_type: "userpass".into(),
            configured: true,
        }
    }

    fn cache(folder: &Path) -> TokenCache {
        let folder = folder.join("jdoe/.rucio_jdoe");
        TokenCache { file: folder.join("auth_token_for_account_jdoe"), folder }
    }

    /// A token file as the official client leaves it.
    fn official(cache: &TokenCache, token: &str) {
        cache.make_folder().unwrap();
        replace_file(&cache.file, token.as_bytes()).unwrap();
    }

    fn value(token: Option<Token>) -> Option<String> {
        token.map(|token| token.expose().to_owned())
    }

    #[test]
    fn a_token_is_read_for_its_own_origin_only() {
        let tmp = tempfile::tempdir().unwrap();
        let cache = cache(tmp.path());
        assert_eq!(value(cache.read(&origin("https://a"))), None);
        cache.write(&Token::new("t1", Some(now() + 600)), &origin("https://a")).unwrap();
        assert_eq!(value(cache.read(&origin("https://a"))).as_deref(), Some("t1"));
        assert_eq!(value(cache.read(&origin("https://b"))), None);
        assert_eq!(value(cache.read(&Origin { auth_type: "x509".into(), ..origin("https://a") })), None);
        assert_eq!(cache.file.metadata().unwrap().mode() & 0o777, 0o600);
        assert_eq!(cache.folder.metadata().unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn an_ended_token_is_not_used() {
        let tmp = tempfile::tempdir().unwrap();
        let cache = cache(tmp.path());
        cache.write(&Token::new("t1", Some(now() + 2)), &origin("https://a")).unwrap();
        assert_eq!(value(cache.read(&origin("https://a"))), None);
    }

    #[test]
    fn the_official_clients_token_is_shared_with_the_configured_host() {
        let tmp = tempfile::tempdir().unwrap();
        let cache = cache(tmp.path());
        official(&cache, "theirs\n");
        assert_eq!(value(cache.read(&Origin { configured: false, ..origin("https://a") })), None);
        assert_eq!(value(cache.read(&origin("https://a"))).as_deref(), Some("theirs"));
        cache.write(&Token::new("ours", None), &origin("https://a")).unwrap();
        official(&cache, "theirs-again");
        assert_eq!(value(cache.read(&origin("https://a"))).as_deref(), Some("theirs-again"));
        assert_eq!(value(cache.read(&origin("https://b"))), None);
    }

    #[test]
    fn the_official_clients_token_is_bound_to_the_server_it_was_first_used_for() {
        let tmp = tempfile::tempdir().unwrap();
        let cache = cache(tmp.path());
        official(&cache, "theirs");
        assert_eq!(value(cache.read(&origin("https://a"))).as_deref(), Some("theirs"));
        assert_eq!(value(cache.read(&origin("https://b"))), None);
        assert_eq!(value(cache.read(&origin("https://a"))).as_deref(), Some("theirs"));
    }

    #[test]
    fn where_several_servers_were_in_use_the_official_clients_token_is_nobodys() {
        let tmp = tempfile::tempdir().unwrap();
        let cache = cache(tmp.path());
        cache.write(&Token::new("a", None), &origin("https://a")).unwrap();
        cache.write(&Token::new("b", None), &origin("https://b")).unwrap();
        assert_eq!(value(cache.read(&origin("https://b"))).as_deref(), Some("b"));
        official(&cache, "whose");
        assert_eq!(value(cache.read(&origin("https://a"))), None);
        assert_eq!(value(cache.read(&origin("https://b"))), None);
    }

    #[test]
    fn what_others_can_touch_is_refused() {
        let tmp = tempfile::tempdir().unwrap();
        let cache = cache(tmp.path());
        official(&cache, "t");
        std::fs::set_permissions(&cache.file, Permissions::from_mode(0o644)).unwrap();
        assert!(cache.try_read(&origin("https://a")).unwrap_err().to_string().contains("mode 644"));
        std::fs::set_permissions(&cache.file, Permissions::from_mode(0o600)).unwrap();
        std::fs::set_permissions(&cache.folder, Permissions::from_mode(0o777)).unwrap();
        assert!(cache.try_read(&origin("https://a")).is_err());
        assert!(cache.write(&Token::new("t", None), &origin("https://a")).is_err());
    }

    #[test]
    fn a_torn_token_is_no_token() {
        let tmp = tempfile::tempdir().unwrap();
        let cache = cache(tmp.path());
        for text in ["", "\n", "two\nlines", "\x1b[31m"] {
            official(&cache, text);
            assert_eq!(value(cache.read(&origin("https://a"))), None, "{text:?}");
        }
    }

    #[test]
    fn the_identity_in_a_token_may_hold_blanks() {
        let tmp = tempfile::tempdir().unwrap();
        let cache = cache(tmp.path());
        let token = "jdoe-CN=John Doe,O=Testbed-unknown-0123";
        cache.write(&Token::new(token, None), &origin("https://a")).unwrap();
        assert_eq!(value(cache.read(&origin("https://a"))).as_deref(), Some(token));
    }
}
