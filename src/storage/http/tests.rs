//! Tests of the HTTP storage against a small local server that misbehaves on demand.

use std::collections::BTreeSet;
use std::time::Duration;

use super::WebStorage;
use crate::storage::write::{Sent, StorageWriter};
use crate::storage::{ByteRange, RangeRequest, ResumeFrom, Storage, StorageErrorKind};
use crate::testing::http_server::{Ending, HttpServer, Response};
use crate::testing::{answer, plain, serve, sized, with_token};

async fn fetch(storage: &WebStorage, pfn: &str, rest: Option<&ResumeFrom>) -> crate::storage::Result<(u64, String)> {
    let mut reading = storage.get(&pfn.into(), rest).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = reading.next().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok((reading.start, String::from_utf8(bytes).unwrap()))
}

#[tokio::test]
async fn http_file_is_read_through_webdav() {
    let (base, mut asked) = serve(vec![sized("200 OK", "ETag: \"1\"\r\n", "hello")]);
    let pfn = format!("{}/a%20b", base.replace("http", "dav"));
    let mut reading = plain().get(&pfn.into(), None).await.unwrap();
    assert_eq!((reading.length, reading.version.as_deref()), (Some(5), Some("\"1\"")));
    assert_eq!(reading.next().await.unwrap().unwrap(), "hello");
    let request = asked.recv().await.unwrap();
    assert!(request.starts_with("get /a%20b http/1.1") && request.contains("accept-encoding: identity"), "{request}");
}

#[tokio::test]
async fn http_status_has_its_error_kind() {
    for (status, kind) in [
        ("404 Not Found", StorageErrorKind::NotFound),
        ("410 Gone", StorageErrorKind::NotFound),
        ("401 Unauthorized", StorageErrorKind::Denied),
        ("403 Forbidden", StorageErrorKind::Denied),
        ("429 Too Many Requests", StorageErrorKind::Overloaded),
        ("503 Service Unavailable", StorageErrorKind::Overloaded),
        ("500 Oops", StorageErrorKind::Transient),
        ("206 Partial Content", StorageErrorKind::Refused),
        ("418 Teapot", StorageErrorKind::Refused),
    ] {
        let (base, _asked) = serve(vec![sized(status, "Retry-After: 7\r\n", "x")]);
        let error = plain().get(&base.into(), None).await.unwrap_err();
        assert_eq!(error.kind, kind, "{status}");
        if error.is_retryable() {
            assert_eq!(error.retry_after, Some(Duration::from_secs(7)), "{status}");
        }
    }
}

#[tokio::test]
async fn http_body_that_is_cut_or_silent_is_retryable() {
    let (base, _asked) = serve(vec![answer("200 OK", "Content-Length: 10\r\n", "hello")]);
    let cut = fetch(&plain(), &base, None).await.unwrap_err();
    assert_eq!(cut.kind, StorageErrorKind::Transient, "{cut}");
    let (base, _asked) = serve(vec![answer("200 OK", "Content-Length: 10\r\n", "helloSTALL")]);
    let silent = fetch(&plain(), &base, None).await.unwrap_err();
    assert_eq!(silent.kind, StorageErrorKind::TimedOut, "{silent}");
    assert!(cut.is_retryable() && silent.is_retryable());
    let refused = fetch(&plain(), "http://127.0.0.1:9/x", None).await.unwrap_err();
    assert!(refused.is_retryable(), "{refused}");
}

#[tokio::test]
async fn http_resume_needs_the_rest_of_the_same_file() {
    let rest = ResumeFrom { start: 2, whole: None, version: Some("\"1\"".into()) };
    let right = sized("206 Partial Content", "Content-Range: bytes 2-4/5\r\nETag: \"1\"\r\n", "llo");
    let (base, mut asked) = serve(vec![right]);
    assert_eq!(fetch(&plain(), &base, Some(&rest)).await.unwrap(), (2, "llo".into()));
    let request = asked.recv().await.unwrap();
    assert!(request.contains("range: bytes=2-\r\n") && request.contains("if-range: \"1\""), "{request}");

    for wrong in [
        sized("206 Partial Content", "Content-Range: bytes 3-4/5\r\nETag: \"1\"\r\n", "lo"),
        sized("206 Partial Content", "Content-Range: bytes 2-4/5\r\nETag: \"2\"\r\n", "LLO"),
        sized("206 Partial Content", "ETag: \"1\"\r\n", "llo"),
        sized("206 Partial Content", "Content-Range: bytes 2-4/5\r\nETag: \"1\"\r\n", ""),
        sized("206 Partial Content", "Content-Range: bytes 2--1/5\r\nETag: \"1\"\r\n", ""),
        sized("416 Range Not Satisfiable", "", ""),
    ] {
        let (base, _asked) = serve(vec![wrong, sized("200 OK", "", "hello")]);
        assert_eq!(fetch(&plain(), &base, Some(&rest)).await.unwrap(), (0, "hello".into()));
    }
    let (base, _asked) = serve(vec![sized("200 OK", "ETag: \"2\"\r\n", "HELLO")]);
    assert_eq!(fetch(&plain(), &base, Some(&rest)).await.unwrap(), (0, "HELLO".into()));
}

/// Some servers answer a range without a last byte with no bytes.
#[tokio::test]
async fn http_resume_names_the_last_byte_of_a_file_of_known_size() {
    let right = sized("206 Partial Content", "Content-Range: bytes 2-4/5\r\n", "llo");
    let (base, mut asked) = serve(vec![right]);
    let rest = ResumeFrom { start: 2, whole: Some(5), version: None };
    assert_eq!(fetch(&plain(), &base, Some(&rest)).await.unwrap(), (2, "llo".into()));
    let request = asked.recv().await.unwrap();
    assert!(request.contains("range: bytes=2-4\r\n"), "{request}");
}

#[tokio::test]
async fn http_range_needs_that_range_of_that_version() {
    let request = |version: Option<&str>| RangeRequest {
        range: ByteRange::new(1, 4),
        whole: 5,
        version: version.map(str::to_owned),
    };
    let range = |range: &str| format!("Content-Range: bytes {range}\r\nETag: \"1\"\r\n");
    let storage = plain();
    assert!(storage.supports_ranges());
    for (version, asked_for) in [(Some("\"1\""), "if-range: \"1\""), (None, "range: bytes=1-3\r\n")] {
        for received in ["1-3/5", "1-3/*"] {
            let (base, mut asked) = serve(vec![sized("206 Partial Content", &range(received), "ell")]);
            let mut reading = storage.get_range(&base.into(), &request(version)).await.unwrap().unwrap();
            assert_eq!((reading.start, reading.length, reading.version.as_deref()), (1, Some(5), Some("\"1\"")));
            assert_eq!(reading.next().await.unwrap().unwrap(), "ell");
            assert!(reading.next().await.unwrap().is_none());
            let request = asked.recv().await.unwrap();
            assert!(request.contains("range: bytes=1-3\r\n") && request.contains(asked_for), "{request}");
        }
    }
    for wrong in [
        sized("206 Partial Content", &range("0-3/5"), "hell"),
        sized("206 Partial Content", &range("1-4/5"), "ello"),
        sized("206 Partial Content", &range("1-3/6"), "ell"),
        sized("206 Partial Content", &range("1-3/5"), "el"),
        sized("206 Partial Content", &range("1-18446744073709551615/5"), "ell"),
        sized("206 Partial Content", "Content-Range: bytes 1-3/5\r\nETag: \"2\"\r\n", "ELL"),
        sized("206 Partial Content", "", "ell"),
        sized("200 OK", "ETag: \"1\"\r\n", "hello"),
        sized("416 Range Not Satisfiable", "", ""),
    ] {
        let (base, _asked) = serve(vec![wrong.clone()]);
        assert!(storage.get_range(&base.into(), &request(Some("\"1\""))).await.unwrap().is_none(), "{wrong}");
    }
    let (base, _asked) = serve(vec![sized("429 Too Many Requests", "", "")]);
    assert_eq!(storage.get_range(&base.into(), &request(None)).await.unwrap_err().kind, StorageErrorKind::Overloaded);
}

#[tokio::test]
async fn http_redirects_are_followed_with_a_limit() {
    let (target, _asked) = serve(vec![sized("200 OK", "", "there")]);
    let (base, _asked) = serve(vec![sized("307 Temporary Redirect", &format!("Location: {target}/x\r\n"), "")]);
    assert_eq!(fetch(&plain(), &base, None).await.unwrap(), (0, "there".into()));
    let (base, _asked) = serve(vec![sized("302 Found", "Location: /again\r\n", ""); 12]);
    let error = fetch(&plain(), &base, None).await.unwrap_err();
    assert!(error.to_string().contains("redirections"), "{error}");
    let (base, _asked) = serve(vec![sized("302 Found", "Location: file:///etc/passwd\r\n", "")]);
    assert_eq!(fetch(&plain(), &base, None).await.unwrap_err().kind, StorageErrorKind::Refused);
}

#[tokio::test]
async fn http_token_never_goes_over_plain_http() {
    let (base, mut asked) = serve(vec![sized("401 Unauthorized", "", "")]);
    let error = fetch(&with_token(Some("a.b.c")), &base, None).await.unwrap_err();
    assert_eq!(error.kind, StorageErrorKind::Denied);
    assert!(!asked.recv().await.unwrap().contains("authorization"));
}

#[tokio::test]
async fn http_size_is_read_without_the_body() {
    let (base, mut asked) = serve(vec![answer("200 OK", "Content-Length: 12345\r\n", "")]);
    assert_eq!(plain().stat(&base.into()).await.unwrap().bytes, Some(12345));
    assert!(asked.recv().await.unwrap().starts_with("head "));
}

#[tokio::test]
async fn http_exceeded_quota_is_retried_only_if_it_is_one_of_requests() {
    for (status, kind) in [
        ("403 Forbidden", StorageErrorKind::Refused),
        ("500 Internal Server Error", StorageErrorKind::Refused),
        ("429 Too Many Requests", StorageErrorKind::Overloaded),
    ] {
        let (base, _asked) = serve(vec![sized(status, "Content-Type: text/plain\r\n", "Quota exceeded")]);
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = plain().put(file.path(), &base.into(), &Sent::default()).await.unwrap_err();
        assert!(error.kind == kind && error.message.ends_with(": Quota exceeded"), "{status}: {error:?}");
    }
}

/// XRootD before 5.7 and some balancers know header names in this spelling only.
#[tokio::test]
async fn http_header_names_are_sent_in_title_case() {
    let server = HttpServer::start(|_, _| Response::sized("404 Not Found", "", b"")).unwrap();
    let (storage, pfn) = (plain(), format!("{}/f", server.url()).as_str().into());
    let file = tempfile::NamedTempFile::new().unwrap();
    let rest = ResumeFrom { start: 1, whole: None, version: Some("\"1\"".into()) };
    assert!(storage.get(&pfn, Some(&rest)).await.is_err());
    assert!(storage.inspect(&pfn).await.unwrap().is_none());
    assert!(storage.put(file.path(), &pfn, &Sent::default()).await.is_err());
    assert!(storage.rename(&pfn, &pfn).await.is_err());
    let requests = server.requests();
    let names: BTreeSet<_> = requests.iter().flat_map(|request| request.header_names()).collect();
    for name in ["Host", "User-Agent", "Range", "If-Range", "Want-Digest", "Content-Length", "Destination", "Overwrite"]
    {
        assert!(names.contains(name), "{name} is not among {names:?}");
    }
    let is_title_case = |part: &str| part.starts_with(|first: char| first.is_ascii_uppercase());
    assert!(names.iter().all(|name| name.split('-').all(is_title_case)), "{names:?}");
}

/// The storage keeps a connection and closes it when the next request comes.
#[tokio::test]
async fn http_request_that_dies_on_a_kept_connection_goes_out_again_on_a_new_one() {
    let server = HttpServer::start(|_, _| {
        Response::raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", b"hello").ending(5, Ending::CloseLate)
    });
    let (storage, server) = (plain(), server.unwrap());
    for round in 1..4 {
        let (start, text) = fetch(&storage, &format!("{}/f", server.url()), None).await.unwrap();
        assert_eq!((start, text.as_str(), server.requests().len()), (0, "hello", round));
    }
}

/// A server that answers nothing is asked once, not twice.
#[tokio::test]
async fn http_request_that_dies_on_a_new_connection_is_not_repeated() {
    let server = HttpServer::start(|_, _| Response::raw(b"", b"")).unwrap();
    let error = fetch(&plain(), &format!("{}/f", server.url()), None).await.unwrap_err();
    assert!(error.is_disconnect && error.is_retryable(), "{error:?}");
    assert_eq!(server.requests().len(), 1);
}

/// 202 is not the file.
#[tokio::test]
async fn http_file_that_is_being_staged_is_to_be_asked_for_again() {
    for (headers, seconds) in [("Retry-After: 7\r\n", 7), ("Retry-After: 0\r\n", 30), ("", 30)] {
        let (base, _asked) = serve(vec![sized("202 Accepted", headers, "queued"); 2]);
        let rest = ResumeFrom { start: 2, whole: Some(6), version: None };
        for rest in [None, Some(&rest)] {
            let error = fetch(&plain(), &base, rest).await.unwrap_err();
            assert_eq!(
                (error.kind, error.named_wait()),
                (StorageErrorKind::Staging, Some(Duration::from_secs(seconds)))
            );
        }
    }
}
