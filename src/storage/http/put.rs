//! Writing over HTTP and WebDAV: `PUT`, `MKCOL` for missing folders, `MOVE`, `DELETE` (RFC 4918).

use std::path::Path;

use futures_util::future::BoxFuture;
use reqwest::header::HeaderName;
use reqwest::{Method, StatusCode};
use url::Url;

use super::call::{Call, method};
use super::{WebStorage, address, answer};
use crate::storage::write::{Lock, Sent, StorageWriter, Stored, already_exists};
use crate::storage::{Pfn, Result};

const DESTINATION: HeaderName = HeaderName::from_static("destination");
const OVERWRITE: HeaderName = HeaderName::from_static("overwrite");

impl WebStorage {
    /// Creates the missing parent folders of a file, from the top down.
    async fn make_folders(&self, url: &Url) -> Result<()> {
        let mut missing = Vec::new();
        let mut folder = above(url);
        while let Some(url) = folder {
            let status = self.writer.send(&Call::new(method(b"MKCOL")), &url).await?;
            match status.status() {
                StatusCode::CONFLICT | StatusCode::NOT_FOUND => {
                    folder = above(&url);
                    missing.push(url);
                }
                // Created, or already there: the folders below it can be created.
                StatusCode::CREATED | StatusCode::OK | StatusCode::METHOD_NOT_ALLOWED => break,
                _ => return answer::checked(status).map(drop),
            }
        }
        for url in missing.into_iter().rev() {
            let made = self.writer.send(&Call::new(method(b"MKCOL")), &url).await?;
            if made.status() != StatusCode::METHOD_NOT_ALLOWED {
                answer::checked(made)?;
            }
        }
        Ok(())
    }
}

impl StorageWriter for WebStorage {
    fn inspect<'a>(&'a self, pfn: &'a Pfn) -> BoxFuture<'a, Result<Option<Stored>>> {
        Box::pin(async move {
            let url = address::url(pfn)?;
            if address::is_signed(&url) { self.inspect_signed(&url).await } else { self.inspect_plain(&url).await }
        })
    }

    fn inspection_method(&self) -> &'static str {
        "HEAD, the first byte by GET, and PROPFIND"
    }

    fn put<'a>(&'a self, from: &'a Path, pfn: &'a Pfn, sent: &'a Sent) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let url = address::url(pfn)?;
            let call = Call::new(Method::PUT).with_file(from, sent);
            let first = self.writer.send(&call, &url).await?;
            let without_folder = matches!(first.status(), StatusCode::CONFLICT | StatusCode::NOT_FOUND);
            if !without_folder || address::is_signed(&url) {
                return answer::checked(first).map(drop);
            }
            drop(first);
            self.make_folders(&url).await?;
            let second = self.writer.send(&call, &url).await?;
            match second.status() {
                // Storages that never replace a file (dCache).
                StatusCode::CONFLICT => Err(already_exists(pfn)),
                _ => answer::checked(second).map(drop),
            }
        })
    }

    /// Not exclusive: servers check for an existing file before they rename, so simultaneous requests may all succeed.
    fn rename<'a>(&'a self, from: &'a Pfn, to: &'a Pfn) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let (from, to) = (address::url(from)?, address::url(to)?);
            let call = Call::new(method(b"MOVE")).with(DESTINATION, to.as_str())?.with(OVERWRITE, "F")?;
            let response = self.writer.send(&call, &from).await?;
            match response.status() {
                StatusCode::PRECONDITION_FAILED => Err(already_exists(to.as_str())),
                _ => answer::checked(response).map(|_| false),
            }
        })
    }

    fn needs_lock(&self) -> bool {
        true
    }

    fn lock<'a>(&'a self, pfn: &'a Pfn) -> BoxFuture<'a, Result<Lock>> {
        Box::pin(self.make_lock(pfn))
    }

    fn delete<'a>(&'a self, pfn: &'a Pfn) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let response = self.writer.send(&Call::new(Method::DELETE), &address::url(pfn)?).await?;
            answer::checked(response).map(drop)
        })
    }
}

/// Returns the parent folder of a file or folder; `None` at the root.
fn above(url: &Url) -> Option<Url> {
    let path = url.path().trim_end_matches('/');
    let (folder, _) = path.rsplit_once('/').filter(|(folder, _)| !folder.trim_matches('/').is_empty())?;
    let mut above = url.clone();
    above.set_path(&format!("{folder}/"));
    Some(above)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_parent_folders_are_found_up_to_the_root() {
        let mut url = Url::parse("https://h/a/b%20c/f").unwrap();
        let mut folders = Vec::new();
        while let Some(folder) = above(&url) {
            folders.push(folder.path().to_owned());
            url = folder;
        }
        assert_eq!(folders, ["/a/b%20c/", "/a/"]);
    }
}
