//! Writing: what the peer receives, and faults at each step.

use std::fs;
use std::time::{Duration, Instant};

use super::SILENCE;
use super::peer::{
    CHECKSUM, CLOSE, CREATE_FOLDER, DELETE, ERROR, OK, OPEN, Peer, REDIRECT, RENAME, Received, STAT, Step, WAIT, WRITE,
    content, opened,
};
use crate::storage::write::{Lock, Sent, SentDigests, StorageWriter, Stored};
use crate::storage::{Result, StorageErrorKind};
use crate::testing::xrootd_with;

const SIZE: usize = 3 * 1024 * 1024 + 7;

/// Writes a file of this size to a peer. Returns what was sent.
async fn put(peer: &Peer, size: usize) -> Result<Option<SentDigests>> {
    let local = tempfile::NamedTempFile::new().unwrap();
    fs::write(local.path(), content(size)).unwrap();
    let sent = Sent::default();
    xrootd_with(SILENCE).put(local.path(), &peer.pfn(), &sent).await?;
    Ok(sent.whole())
}

/// A peer that does this instead of answering the first such request.
async fn faulty(number: u16, fault: impl Fn(&Received) -> Vec<Step> + Send + 'static) -> Peer {
    Peer::start(Vec::new(), move |request| (request.number == number).then(|| fault(request))).await
}

async fn expect(peer: Peer, kind: StorageErrorKind, part: &str, case: &str) {
    let error = put(&peer, SIZE).await.expect_err(case);
    assert!(error.kind == kind && error.message.contains(part), "{case}: {part:?} is not in {error:?}");
}

#[tokio::test]
async fn xrootd_upload_announces_its_size_and_sends_every_byte_once() {
    let peer = Peer::start(Vec::new(), |_| None).await;
    let adler32 = simd_adler32::adler32(&&content(SIZE)[..]);
    let sent = SentDigests { bytes: SIZE as u64, adler32, md5: None };
    assert_eq!(put(&peer, SIZE).await.unwrap(), Some(sent));
    assert_eq!(peer.received(OPEN)[0].data, format!("/file?oss.asize={SIZE}"));
    let mut writes = peer.received(WRITE);
    writes.sort_by_key(|write| write.range().0);
    let mut end = 0;
    for write in &writes {
        assert_eq!(write.range().0, end);
        end += write.length;
    }
    assert_eq!((end, peer.received(CLOSE).len()), (SIZE, 1));
}

#[tokio::test]
async fn xrootd_upload_errors_have_the_words_of_the_server() {
    for (number, code, kind) in [
        (OPEN, 3010, StorageErrorKind::Denied),
        (OPEN, 3009, StorageErrorKind::Refused),
        (OPEN, 3021, StorageErrorKind::Refused),
        (OPEN, 3025, StorageErrorKind::Refused),
        (WRITE, 3009, StorageErrorKind::Refused),
        (WRITE, 3007, StorageErrorKind::Transient),
        (WRITE, 3024, StorageErrorKind::Overloaded),
        (CLOSE, 3019, StorageErrorKind::Refused),
        (CLOSE, 3005, StorageErrorKind::Transient),
    ] {
        let peer = faulty(number, move |request| vec![request.numbered(ERROR, code, "no\0")]).await;
        expect(peer, kind, &format!("[{code}] no"), &format!("{number} {code}")).await;
    }
}

#[tokio::test]
async fn xrootd_upload_over_a_connection_that_is_cut_fails() {
    for number in [OPEN, WRITE, CLOSE] {
        let peer = faulty(number, |_| vec![Step::Cut]).await;
        expect(peer, StorageErrorKind::Transient, "the connection was cut", &number.to_string()).await;
    }
    let second = |request: &Received| (request.number == WRITE && request.range().0 > 0).then(|| vec![Step::Cut]);
    let peer = Peer::start(Vec::new(), second).await;
    expect(peer, StorageErrorKind::Transient, "the connection was cut", "the second write").await;
}

#[tokio::test]
async fn xrootd_upload_to_a_silent_server_is_timed_out() {
    for number in [OPEN, WRITE, CLOSE] {
        expect(faulty(number, |_| Vec::new()).await, StorageErrorKind::TimedOut, "in time", &number.to_string()).await;
    }
}

#[tokio::test]
async fn xrootd_upload_waits_if_it_is_asked_to() {
    for number in [OPEN, WRITE, CLOSE] {
        let mut is_first = true;
        let peer = Peer::start(Vec::new(), move |request| {
            let waits = request.number == number && std::mem::take(&mut is_first);
            waits.then(|| vec![request.numbered(WAIT, 0, "busy")])
        })
        .await;
        put(&peer, SIZE).await.unwrap();
        let expected = if number == WRITE { 5 } else { 2 };
        assert_eq!(peer.received(number).len(), expected, "{number}");
    }
    let peer = faulty(WRITE, |request| vec![request.numbered(WAIT, 3600, "busy")]).await;
    expect(peer, StorageErrorKind::Overloaded, "asks to wait 3600s", "an hour").await;
}

#[tokio::test]
async fn xrootd_upload_with_nonsensical_responses_fails() {
    let protocol = "does not follow the XRootD protocol";
    let short = faulty(OPEN, |request| vec![request.answer(OK, b"\0\0")]).await;
    expect(short, StorageErrorKind::Transient, protocol, "no handle").await;
    for number in [WRITE, CLOSE] {
        let peer = faulty(number, |request| vec![request.numbered(REDIRECT, 1094, "localhost")]).await;
        expect(peer, StorageErrorKind::Transient, protocol, &format!("a redirect of {number}")).await;
    }
}

/// Ctrl-C while the server creates the file: what is deleted before would come into being afterwards.
#[tokio::test]
async fn xrootd_file_is_deleted_after_its_creation_if_the_upload_is_dropped() {
    let peer =
        faulty(OPEN, |request| vec![Step::Pause(Duration::from_millis(500)), request.answer(OK, &opened(0))]).await;
    let (files, local, pfn) = (xrootd_with(SILENCE), tempfile::NamedTempFile::new().unwrap(), peer.pfn());
    let sent = Sent::default();
    let upload = files.put(local.path(), &pfn, &sent);
    tokio::time::timeout(Duration::from_millis(100), upload).await.unwrap_err();
    let start = Instant::now();
    files.delete(&pfn).await.unwrap();
    assert!(start.elapsed() > Duration::from_millis(200), "deleted after {:?}", start.elapsed());
    assert_eq!((peer.received(OPEN).len(), peer.received(DELETE).len()), (1, 1));
}

#[tokio::test]
async fn xrootd_lock_is_taken_if_the_file_exists() {
    for (code, text, expected) in [
        (3018, "", true),
        (3003, "", true),
        (3010, "", false),
        (3013, "", false),
        (3006, "Unable to create /lock; File exists", true),
        (3006, "Invalid request", false),
    ] {
        let peer = faulty(OPEN, move |request| vec![request.numbered(ERROR, code, text)]).await;
        let lock = xrootd_with(SILENCE).lock(&peer.pfn()).await.unwrap();
        let expected = if expected { Lock::Taken(peer.pfn()) } else { Lock::Unavailable };
        assert_eq!(lock, expected, "{code} {text}");
    }
    let peer = Peer::start(Vec::new(), |_| None).await;
    assert_eq!(xrootd_with(SILENCE).lock(&peer.pfn()).await.unwrap(), Lock::Held(peer.pfn()));
    let unclosed = faulty(CLOSE, |request| vec![request.numbered(ERROR, 3005, "")]).await;
    assert_eq!(xrootd_with(SILENCE).lock(&unclosed.pfn()).await.unwrap(), Lock::Unavailable);
}

fn existing(request: &Received) -> Vec<Step> {
    vec![request.answer(OK, b"1 9 16 1700000000\0")]
}

fn missing(request: &Received) -> Vec<Step> {
    vec![request.numbered(ERROR, 3011, "no such file")]
}

#[tokio::test]
async fn xrootd_rename_never_replaces_a_file() {
    let peer = faulty(STAT, existing).await;
    let error = xrootd_with(SILENCE).rename(&peer.pfn(), &peer.pfn()).await.unwrap_err();
    assert_eq!((error.kind, peer.received(RENAME).len()), (StorageErrorKind::AlreadyExists, 0));
    let denied = faulty(STAT, |request| vec![request.numbered(ERROR, 3010, "")]).await;
    let error = xrootd_with(SILENCE).rename(&denied.pfn(), &denied.pfn()).await.unwrap_err();
    assert_eq!((error.kind, denied.received(RENAME).len()), (StorageErrorKind::Denied, 0));
}

#[tokio::test]
async fn xrootd_rename_creates_the_folder_if_it_is_missing() {
    let mut is_first = true;
    let peer = Peer::start(Vec::new(), move |request| match request.number {
        STAT | OPEN => Some(missing(request)),
        RENAME if std::mem::take(&mut is_first) => Some(missing(request)),
        _ => None,
    })
    .await;
    let to = format!("root://127.0.0.1:{}//a/b/c d", peer.port).into();
    assert!(!xrootd_with(SILENCE).rename(&peer.pfn(), &to).await.unwrap(), "not exclusive");
    assert_eq!(peer.received(CREATE_FOLDER)[0].data, "/a/b");
    assert_eq!(peer.received(RENAME).iter().map(|one| &*one.data).collect::<Vec<_>>(), ["/file /a/b/c d"; 2]);
}

#[tokio::test]
async fn xrootd_file_without_checksum_is_known_by_its_size() {
    let by_size = Stored { bytes: Some(9), ..Stored::default() };
    for code in [3013, 3012, 3000, 3011] {
        let peer = Peer::start(content(9), move |request| match request.number {
            STAT => Some(existing(request)),
            CHECKSUM => Some(vec![request.numbered(ERROR, code, "not supported")]),
            _ => None,
        })
        .await;
        let stored = xrootd_with(SILENCE).inspect(&peer.pfn()).await.unwrap();
        assert_eq!(stored, Some(by_size.clone()), "{code}");
    }
    for number in [3011, 3010] {
        let peer = Peer::start(Vec::new(), move |request| match request.number {
            STAT => Some(missing(request)),
            OPEN => Some(vec![request.numbered(ERROR, number, "")]),
            _ => None,
        })
        .await;
        assert_eq!(xrootd_with(SILENCE).inspect(&peer.pfn()).await.unwrap(), None, "{number}");
    }
    let silent = Peer::start(content(9), move |request| match request.number {
        STAT => Some(existing(request)),
        CHECKSUM => Some(Vec::new()),
        _ => None,
    })
    .await;
    let error = xrootd_with(SILENCE).inspect(&silent.pfn()).await.unwrap_err();
    assert_eq!(error.kind, StorageErrorKind::TimedOut);
}

/// A manager remembers that the file did not exist.
#[tokio::test]
async fn xrootd_file_that_a_manager_does_not_know_is_looked_for() {
    let peer = Peer::start(content(9), |request| (request.number == STAT).then(|| missing(request))).await;
    let stored = xrootd_with(SILENCE).inspect_size(&peer.pfn()).await.unwrap();
    assert_eq!(stored, Some(Stored { bytes: Some(9), ..Stored::default() }));
    assert_eq!(peer.received(OPEN)[0].options() & 0x80, 0x80, "refresh");
    let error = xrootd_with(SILENCE).rename(&peer.pfn(), &peer.pfn()).await.unwrap_err();
    assert_eq!((error.kind, peer.received(RENAME).len()), (StorageErrorKind::AlreadyExists, 0));
}

/// A checksum may take minutes: the server says that the response comes later.
#[tokio::test]
async fn xrootd_checksum_that_comes_later_is_waited_for() {
    let peer = Peer::start(content(9), move |request| match request.number {
        STAT => Some(existing(request)),
        CHECKSUM => {
            let late = super::peer::frame(request.stream, OK, b"adler32 62c0215\0");
            let message = [&5008_i32.to_be_bytes()[..], &[0; 4], &late].concat();
            Some(vec![
                request.numbered(super::peer::DEFERRED, 600, ""),
                Step::Pause(SILENCE + Duration::from_millis(500)),
                Step::Send(super::peer::frame(0, super::peer::ATTENTION, &message)),
            ])
        }
        _ => None,
    })
    .await;
    let stored = xrootd_with(SILENCE).inspect(&peer.pfn()).await.unwrap().unwrap();
    assert_eq!(stored.adler32.as_deref(), Some("062c0215"));
}

#[tokio::test]
async fn xrootd_checksum_is_asked_of_the_server_with_the_file() {
    let server = Peer::start(content(9), |request| {
        (request.number == CHECKSUM).then(|| vec![request.answer(OK, b"adler32 11e60398\0")])
    })
    .await;
    let target = server.port;
    let manager = Peer::start(Vec::new(), move |request| match request.number {
        STAT => Some(existing(request)),
        CHECKSUM => Some(vec![request.numbered(ERROR, 3013, "no checksums here")]),
        OPEN => Some(vec![request.numbered(REDIRECT, target.into(), "127.0.0.1?cap=x")]),
        _ => None,
    })
    .await;
    let stored = xrootd_with(SILENCE).inspect(&manager.pfn()).await.unwrap().unwrap();
    assert_eq!(stored.adler32.as_deref(), Some("11e60398"));
    assert_eq!(server.received(CHECKSUM)[0].data, "/file?cks.type=adler32&cap=x");
}
