//! Locks over WebDAV: a folder, as `MKCOL` succeeds for only one of several clients (RFC 4918, section 9.3.1).
//!
//! XRootD's `MKCOL` also succeeds for an existing folder. There a folder with another one in it is renamed: of several
//! clients one succeeds, because no file system replaces a folder that is not empty.

use std::collections::HashSet;
use std::sync::MutexGuard;
use std::time::Duration;

use reqwest::header::{HeaderName, SERVER};
use reqwest::{Method, Response, StatusCode};
use url::Url;
use uuid::Uuid;

use super::call::{Call, method};
use super::put::DESTINATION;
use super::sender::host;
use super::{WebStorage, address};
use crate::lock::lock;
use crate::storage::write::Lock;
use crate::storage::{Pfn, Result, StorageErrorKind};

const DEPTH: HeaderName = HeaderName::from_static("depth");
/// Maximum number of attempts to create the folder. After a rejection, `PROPFIND` shows whether it exists: 405 may mean
/// that the server does not support folders, and Apache rejects all but one of several simultaneous requests with 403.
const ATTEMPTS: usize = 3;
/// Pause between two attempts.
const PAUSE: Duration = Duration::from_millis(50);
/// `Server` header prefix of servers whose `MKCOL` also succeeds for an existing folder.
const NOT_EXCLUSIVE: &str = "xrootd";
/// Name of the folder in the folder that is renamed.
const INNER: &str = "held";

impl WebStorage {
    /// Creates a folder as a lock.
    pub(super) async fn make_lock(&self, pfn: &Pfn) -> Result<Lock> {
        let url = address::url(&Pfn::new(format!("{pfn}/")))?;
        let host = host(&url);
        if address::is_signed(&url) {
            return Ok(Lock::Unavailable);
        }
        if self.renamed_locks().contains(&host) {
            return self.rename_lock(url).await;
        }
        for _ in 0..ATTEMPTS {
            let response = self.send_again(&Call::new(method(b"MKCOL")), &url).await?;
            let server = response.headers().get(SERVER).and_then(|value| value.to_str().ok());
            let is_exclusive = !server.is_some_and(|name| name.to_lowercase().starts_with(NOT_EXCLUSIVE));
            match response.status() {
                StatusCode::CREATED if is_exclusive => return Ok(Lock::Held(Pfn::new(url))),
                StatusCode::CREATED => {
                    self.renamed_locks().insert(host);
                    return self.rename_lock(url).await;
                }
                _ if self.is_there(&url).await? => return Ok(Lock::Taken(Pfn::new(url))),
                _ => tokio::time::sleep(PAUSE).await,
            }
        }
        Ok(Lock::Unavailable)
    }

    /// Renames a folder of this process to the lock; replaces an empty folder.
    async fn rename_lock(&self, url: Url) -> Result<Lock> {
        let own = format!("{}.{}/", url.as_str().trim_end_matches('/'), Uuid::new_v4().simple());
        let own = address::url(&Pfn::new(own))?;
        let inner = inner(&own)?;
        self.send_again(&Call::new(method(b"MKCOL")), &inner).await?;
        let call = Call::new(method(b"MOVE")).with(DESTINATION, url.as_str())?;
        if self.send_again(&call, &own).await?.status().is_success() {
            return Ok(Lock::Held(Pfn::new(url)));
        }
        self.delete_lock(&own).await?;
        Ok(if self.is_there(&url).await? { Lock::Taken(Pfn::new(url)) } else { Lock::Unavailable })
    }

    /// Deletes a folder, after the one in it where the server deletes only empty ones.
    pub(super) async fn delete_lock(&self, url: &Url) -> Result<Response> {
        let delete = Call::new(Method::DELETE);
        if self.renamed_locks().contains(&host(url)) {
            self.send_again(&delete, &inner(url)?).await?;
        }
        self.send_again(&delete, url).await
    }

    /// Sends a request, again if the connection breaks: XRootD closes it after an error, unannounced.
    async fn send_again(&self, call: &Call<'_>, url: &Url) -> Result<Response> {
        match self.writer.send(call, url).await {
            Err(error) if error.kind == StorageErrorKind::Transient => self.writer.send(call, url).await,
            outcome => outcome,
        }
    }

    /// Returns whether the server is known to be XRootD, whose `MOVE` replaces a file in spite of `Overwrite: F`.
    pub(super) fn replaces_renaming(&self, url: &Url) -> bool {
        self.renamed_locks().contains(&host(url))
    }

    fn renamed_locks(&self) -> MutexGuard<'_, HashSet<String>> {
        lock(&self.renamed_locks)
    }

    async fn is_there(&self, url: &Url) -> Result<bool> {
        let call = Call::new(method(b"PROPFIND")).with(DEPTH, "0")?;
        Ok(self.send_again(&call, url).await?.status() == StatusCode::MULTI_STATUS)
    }
}

/// Returns the folder in a folder.
fn inner(url: &Url) -> Result<Url> {
    address::url(&Pfn::new(format!("{url}{INNER}/")))
}
