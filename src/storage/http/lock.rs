//! Locks over WebDAV: a folder, as `MKCOL` succeeds for only one of several clients (RFC 4918, section 9.3.1).

use std::collections::HashSet;
use std::sync::MutexGuard;
use std::time::Duration;

use reqwest::header::{HeaderName, SERVER};
use reqwest::{Method, StatusCode};
use url::Url;

use super::call::{Call, method};
use super::sender::host;
use super::{WebStorage, address};
use crate::lock::lock;
use crate::storage::write::Lock;
use crate::storage::{Pfn, Result};

const DEPTH: HeaderName = HeaderName::from_static("depth");
/// Maximum number of attempts to create the folder. After a rejection, `PROPFIND` shows whether it exists: 405 may mean
/// that the server does not support folders, and Apache rejects all but one of several simultaneous requests with 403.
const ATTEMPTS: usize = 3;
/// Pause between two attempts.
const PAUSE: Duration = Duration::from_millis(50);
/// `Server` header prefix of servers whose `MKCOL` also succeeds for an existing folder.
const NOT_EXCLUSIVE: &str = "xrootd";

impl WebStorage {
    /// Creates a folder as a lock.
    pub(super) async fn make_lock(&self, pfn: &Pfn) -> Result<Lock> {
        let url = address::url(&Pfn::new(format!("{pfn}/")))?;
        let host = host(&url);
        if address::is_signed(&url) || self.without_locks().contains(&host) {
            return Ok(Lock::Unavailable);
        }
        for _ in 0..ATTEMPTS {
            let response = self.writer.send(&Call::new(method(b"MKCOL")), &url).await?;
            let server = response.headers().get(SERVER).and_then(|value| value.to_str().ok());
            let is_exclusive = !server.is_some_and(|name| name.to_lowercase().starts_with(NOT_EXCLUSIVE));
            match response.status() {
                StatusCode::CREATED if is_exclusive => return Ok(Lock::Held(Pfn::new(url))),
                StatusCode::CREATED => {
                    self.without_locks().insert(host);
                    self.writer.send(&Call::new(Method::DELETE), &url).await?;
                    return Ok(Lock::Unavailable);
                }
                _ if self.is_there(&url).await? => return Ok(Lock::Taken(Pfn::new(url))),
                _ => tokio::time::sleep(PAUSE).await,
            }
        }
        Ok(Lock::Unavailable)
    }

    fn without_locks(&self) -> MutexGuard<'_, HashSet<String>> {
        lock(&self.without_locks)
    }

    async fn is_there(&self, url: &Url) -> Result<bool> {
        let call = Call::new(method(b"PROPFIND")).with(DEPTH, "0")?;
        Ok(self.writer.send(&call, url).await?.status() == StatusCode::MULTI_STATUS)
    }
}
