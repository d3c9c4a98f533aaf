//! `Expect: 100-continue` (RFC 9110, section 10.1.1): the body of a large upload waits until the storage asks for it, so that
//! the storage can redirect or refuse the upload first.
//!
//! dCache redirects such uploads to the host that has the disk, and relays all bytes of others (dCache/dcache#5604). A storage
//! that does not respond within [`LIMIT`] ignores the header, and gets the next bodies at once.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::ext::on_informational;
use reqwest::{Body, Request, StatusCode};
use tokio::sync::{Notify, oneshot};
use tokio::time::sleep;

/// Value of the `Expect` header.
pub(super) const CONTINUE: &str = "100-continue";
/// Minimum length of a body that waits, in bytes. Chosen: it takes longer to send than to wait for a redirect.
pub(super) const HELD_LENGTH: u64 = 8 * 1024 * 1024;
/// Time that a body waits for a response. Chosen: as in curl.
const LIMIT: Duration = Duration::from_secs(1);

/// Kept by the sender of a request until the final response: dropping it cancels a body that still waits.
#[derive(Debug)]
pub(super) struct PendingResponse {
    _response: oneshot::Sender<Infallible>,
    is_ignored: Arc<AtomicBool>,
}

/// Part of a body that waits.
#[derive(Debug)]
pub(super) struct HeldBody {
    response: oneshot::Receiver<Infallible>,
    /// Notified by the response 100.
    continued: Arc<Notify>,
    is_ignored: Arc<AtomicBool>,
}

/// Creates both sides of a body that waits for a response.
pub(super) fn held_body() -> (PendingResponse, HeldBody) {
    let (sender, response) = oneshot::channel();
    let is_ignored = Arc::new(AtomicBool::new(false));
    let pending = PendingResponse { _response: sender, is_ignored: is_ignored.clone() };
    (pending, HeldBody { response, continued: Arc::default(), is_ignored })
}

impl PendingResponse {
    /// Returns whether the body was sent because the storage had not responded in time.
    pub(super) fn is_ignored(&self) -> bool {
        self.is_ignored.load(Ordering::Relaxed)
    }
}

impl HeldBody {
    /// Returns a function that makes the response 100 to a request let the body go. Errors of that function: a URL that
    /// cannot be requested.
    pub(super) fn watch(&self) -> impl Fn(Request) -> reqwest::Result<Request> + use<> {
        let continued = self.continued.clone();
        move |request| {
            let mut request: hyper::Request<Body> = request.try_into()?;
            let continued = continued.clone();
            on_informational(&mut request, move |response| {
                if response.status() == StatusCode::CONTINUE {
                    continued.notify_one();
                }
            });
            request.try_into()
        }
    }

    /// Waits until the body has to be sent. Errors: the final response came first.
    pub(super) async fn wait(self) -> io::Result<()> {
        tokio::select! {
            _ = self.response => return Err(io::Error::other("the storage responded before the body")),
            () = self.continued.notified() => {}
            () = sleep(LIMIT) => self.is_ignored.store(true, Ordering::Relaxed),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::time::Instant;

    use tempfile::TempDir;

    use super::*;
    use crate::storage::Pfn;
    use crate::storage::write::{Sent, StorageWriter};
    use crate::testing::http_server::{HttpServer, Response};
    use crate::testing::plain;

    /// A local file of this length.
    fn local_file(length: u64) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        fs::write(&path, vec![b'x'; length as usize]).unwrap();
        (folder, path)
    }

    fn pfn(server: &HttpServer) -> Pfn {
        Pfn::new(format!("{}/f", server.url()))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn http_upload_sends_no_byte_to_a_door_that_redirects() {
        let node = HttpServer::start(|_, _| Response::sized("201 Created", "", b"")).unwrap();
        let location = format!("Location: {}/node\r\n", node.url());
        let door = HttpServer::before_bodies(move |_, _| Response::sized("307 Redirect", &location, b"")).unwrap();
        let (_folder, path) = local_file(HELD_LENGTH);
        let (storage, sent) = (plain(), Sent::default());
        for _ in 0..2 {
            storage.put(&path, &pfn(&door), &sent).await.unwrap();
        }
        assert_eq!(door.requests()[1].header("expect"), Some(CONTINUE));
        assert_eq!(door.body_bytes(), 0);
        let received: Vec<_> = node.requests().iter().map(|request| request.body.len() as u64).collect();
        assert_eq!(received, [HELD_LENGTH, HELD_LENGTH]);
        assert_eq!(sent.whole().map(|digests| digests.bytes), Some(HELD_LENGTH));
        assert!(node.requests()[0].header("expect").is_none(), "a node redirects no further");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn http_upload_waits_once_for_a_storage_that_does_not_redirect() {
        let server = HttpServer::start(|_, _| Response::sized("201 Created", "", b"")).unwrap();
        let (_folder, path) = local_file(HELD_LENGTH);
        let (storage, begun) = (plain(), Instant::now());
        for _ in 0..2 {
            storage.put(&path, &pfn(&server), &Sent::default()).await.unwrap();
        }
        assert!(begun.elapsed() >= LIMIT, "{:?}", begun.elapsed());
        let expected: Vec<_> =
            server.requests().iter().map(|request| request.header("expect").map(str::to_owned)).collect();
        assert_eq!(expected, [Some(CONTINUE.to_owned()), None]);
        assert!(server.requests().iter().all(|request| request.body.len() as u64 == HELD_LENGTH));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn http_upload_sends_the_body_when_the_storage_asks_for_it() {
        let server = HttpServer::continuing(|_, _| Response::sized("201 Created", "", b"")).unwrap();
        let (_folder, path) = local_file(HELD_LENGTH);
        let storage = plain();
        for _ in 0..2 {
            storage.put(&path, &pfn(&server), &Sent::default()).await.unwrap();
        }
        // After a wait, the second request would not have the header.
        assert!(server.requests().iter().all(|request| request.header("expect") == Some(CONTINUE)));
        assert!(server.requests().iter().all(|request| request.body.len() as u64 == HELD_LENGTH));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn http_upload_is_repeated_where_the_expectation_fails() {
        let server = HttpServer::before_bodies(|request, _| match request.header("expect") {
            Some(_) => Response::sized("417 Expectation Failed", "", b""),
            None => Response::sized("201 Created", "", b""),
        })
        .unwrap();
        let (_folder, path) = local_file(HELD_LENGTH);
        plain().put(&path, &pfn(&server), &Sent::default()).await.unwrap();
        assert_eq!(server.requests().len(), 2);
    }

    #[tokio::test]
    async fn http_upload_of_a_small_file_does_not_wait() {
        let server = HttpServer::start(|_, _| Response::sized("201 Created", "", b"")).unwrap();
        let (_folder, path) = local_file(HELD_LENGTH - 1);
        plain().put(&path, &pfn(&server), &Sent::default()).await.unwrap();
        assert!(server.requests()[0].header("expect").is_none(), "{:?}", server.requests()[0].head());
    }
}
