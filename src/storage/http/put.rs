//! Writing over HTTP and WebDAV: `PUT`, `MKCOL` for missing folders, `MOVE`, `DELETE` (RFC 4918).

use std::path::Path;

use futures_util::future::BoxFuture;
use reqwest::header::{HeaderName, IF_NONE_MATCH};
use reqwest::{Method, Response, StatusCode};
use url::Url;

use super::call::{Call, method};
use super::{WebStorage, address, answer, refusal};
use crate::storage::write::{Lock, Sent, StorageWriter, Stored, already_exists};
use crate::storage::{Pfn, Result, StorageError, StorageErrorKind};

pub(super) const DESTINATION: HeaderName = HeaderName::from_static("destination");
const OVERWRITE: HeaderName = HeaderName::from_static("overwrite");
/// Responses to a `PUT` that may mean that a file of this name exists and must not be replaced.
const REFUSES_REPLACING: [StatusCode; 4] =
    [StatusCode::FORBIDDEN, StatusCode::METHOD_NOT_ALLOWED, StatusCode::CONFLICT, StatusCode::PRECONDITION_FAILED];

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

impl WebStorage {
    /// Sends a file. Errors: [`StorageErrorKind::AlreadyExists`] if the storage refuses to replace a file of this name;
    /// the status codes for that differ (dCache: 409, XRootD: 403).
    async fn put_file(&self, call: &Call<'_>, url: &Url) -> Result<Response> {
        let response = self.writer.send(call, url).await?;
        if REFUSES_REPLACING.contains(&response.status()) && self.exists(url).await {
            return Err(already_exists(url));
        }
        Ok(response)
    }

    async fn exists(&self, url: &Url) -> bool {
        let response = self.writer.send(&Call::new(Method::HEAD), url).await;
        response.is_ok_and(|response| response.status().is_success())
    }

    /// Sends a file to a presigned URL. An object store has no temporary names, but creates an object under a
    /// condition, so that one of several processes succeeds (RFC 9110, section 13.1.2); if it does not support that,
    /// unconditionally.
    async fn put_object(&self, call: Call<'_>, url: &Url) -> Result<()> {
        let new_only = call.clone().with(IF_NONE_MATCH, "*")?;
        let response = self.writer.send(&new_only, url).await?;
        match response.status() {
            StatusCode::PRECONDITION_FAILED => Err(already_exists(Pfn::new(url.as_str()).without_query())),
            // Another process is writing it (S3).
            StatusCode::CONFLICT => {
                let message = "another upload of this file is in progress at the storage";
                Err(StorageError::new(StorageErrorKind::Transient, message))
            }
            StatusCode::NOT_IMPLEMENTED => refusal::accepted(self.writer.send(&call, url).await?).await,
            _ => refusal::accepted(response).await,
        }
    }
}

impl StorageWriter for WebStorage {
    fn inspect<'a>(&'a self, pfn: &'a Pfn) -> BoxFuture<'a, Result<Option<Stored>>> {
        Box::pin(async move {
            let url = address::url(pfn)?;
            if address::is_signed(&url) { self.inspect_signed(&url).await } else { self.inspect_plain(&url).await }
        })
    }

    fn inspect_size<'a>(&'a self, pfn: &'a Pfn) -> BoxFuture<'a, Result<Option<Stored>>> {
        Box::pin(async move {
            let url = address::url(pfn)?;
            if address::is_signed(&url) {
                self.inspect_signed(&url).await
            } else {
                self.inspect_without_digest(&url).await
            }
        })
    }

    fn inspection_method(&self) -> &'static str {
        "HEAD, the first byte by GET, and PROPFIND"
    }

    fn put<'a>(&'a self, from: &'a Path, pfn: &'a Pfn, sent: &'a Sent) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let url = address::url(pfn)?;
            let call = Call::new(Method::PUT).with_file(from, sent);
            if address::is_signed(&url) {
                return self.put_object(call, &url).await;
            }
            let mut response = self.put_file(&call, &url).await?;
            if matches!(response.status(), StatusCode::CONFLICT | StatusCode::NOT_FOUND) {
                drop(response);
                self.make_folders(&url).await?;
                response = self.put_file(&call, &url).await?;
            }
            refusal::accepted(response).await
        })
    }

    /// Not exclusive: servers check for an existing file before they rename, so simultaneous requests may all succeed.
    /// XRootD does not check at all.
    fn rename<'a>(&'a self, from: &'a Pfn, to: &'a Pfn) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let (from, to) = (address::url(from)?, address::url(to)?);
            if self.replaces_renaming(&to) && self.inspect_without_digest(&to).await?.is_some() {
                return Err(already_exists(to.as_str()));
            }
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
            let url = address::url(pfn)?;
            let response = if url.path().ends_with('/') {
                self.delete_lock(&url).await?
            } else {
                self.writer.send(&Call::new(Method::DELETE), &url).await?
            };
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
    use crate::testing::http_server::{HttpServer, Request, Response as Answer};
    use crate::testing::plain;

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

    /// Writes to a presigned URL that is answered like this. Returns the outcome and the requests.
    async fn put_object(answer: fn(&Request) -> Answer) -> (Result<()>, Vec<Request>) {
        let server = HttpServer::start(move |request, _| answer(request)).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        let pfn = Pfn::new(format!("{}/f?X-Amz-Signature=00", server.url()));
        (plain().put(file.path(), &pfn, &Sent::default()).await, server.requests())
    }

    #[tokio::test]
    async fn http_object_is_created_only_if_it_is_new() {
        let (created, requests) = put_object(|_| Answer::sized("200 OK", "", b"")).await;
        created.unwrap();
        assert_eq!(requests[0].header("if-none-match"), Some("*"));
        let (taken, requests) = put_object(|_| Answer::sized("412 Precondition Failed", "", b"")).await;
        let taken = taken.unwrap_err();
        assert_eq!(taken.kind, StorageErrorKind::AlreadyExists, "{taken}");
        assert!(!taken.message.contains("Signature") && requests.len() == 1, "{taken}");
        let (busy, _) = put_object(|_| Answer::sized("409 Conflict", "", b"")).await;
        assert!(busy.unwrap_err().is_retryable());
    }

    #[tokio::test]
    async fn http_object_is_created_unconditionally_where_conditions_are_not_implemented() {
        let (created, requests) = put_object(|request| match request.header("if-none-match") {
            Some(_) => Answer::sized("501 Not Implemented", "", b""),
            None => Answer::sized("200 OK", "", b""),
        })
        .await;
        created.unwrap();
        assert_eq!(requests.len(), 2);
    }
}
