//! What no server does on demand: broken connections, broken frames, silence.

use std::time::{Duration, Instant};

use super::failure;
use super::peer::{ERROR, LOGIN, OK, OPEN, PARTIAL, PROTOCOL, Peer, READ, Received, Step, content, frame, opened};
use crate::storage::StorageErrorKind;

/// A peer that does this instead of answering the first such request.
async fn faulty(number: u16, fault: impl Fn(&Received) -> Vec<Step> + Send + 'static) -> Peer {
    Peer::start(content(5_000), move |request| (request.number == number).then(|| fault(request))).await
}

async fn expect(peer: Peer, kind: StorageErrorKind, part: &str, case: &str) {
    let start = Instant::now();
    let error = failure(&peer).await;
    assert_eq!(error.kind, kind, "{case}: {error}");
    assert!(error.message.contains(part), "{case}: {part:?} is not in {error}");
    assert!(start.elapsed() < Duration::from_secs(20), "{case}: {:?}", start.elapsed());
}

#[tokio::test]
async fn xrootd_connection_that_is_cut_is_a_temporary_failure() {
    for number in [PROTOCOL, LOGIN, OPEN, READ] {
        for length in [0, 1, 7, 8, 20] {
            let peer = faulty(number, move |request| {
                let whole = frame(request.stream, OK, &[1; 5_000]);
                vec![Step::Send(whole[..length].to_vec()), Step::Cut]
            })
            .await;
            let case = format!("{number} after {length} bytes");
            expect(peer, StorageErrorKind::Transient, "the connection was cut", &case).await;
        }
    }
}

#[tokio::test]
async fn xrootd_silence_is_timed_out() {
    for number in [PROTOCOL, LOGIN, OPEN, READ] {
        expect(faulty(number, |_| Vec::new()).await, StorageErrorKind::TimedOut, "in time", &number.to_string()).await;
        let stalls = faulty(number, |request| vec![Step::Send(frame(request.stream, OK, &[1; 5_000])[..30].to_vec())]);
        expect(stalls.await, StorageErrorKind::TimedOut, "in time", &number.to_string()).await;
    }
}

#[tokio::test]
async fn xrootd_answer_longer_than_asked_for_is_refused() {
    let longer = "a longer response than was asked for";
    let too_long = |length: i32| {
        move |request: &Received| {
            let mut head = frame(request.stream, OK, b"");
            head[4..].copy_from_slice(&length.to_be_bytes());
            vec![Step::Send([head, vec![0; 6_000]].concat())]
        }
    };
    for number in [OPEN, READ] {
        for length in [i32::MAX, 70_000] {
            expect(faulty(number, too_long(length)).await, StorageErrorKind::Transient, longer, "ok").await;
        }
        for length in [-1, i32::MIN] {
            let peer = faulty(number, too_long(length)).await;
            expect(peer, StorageErrorKind::Transient, "a negative length", "ok").await;
        }
    }
    expect(faulty(READ, too_long(5_001)).await, StorageErrorKind::Transient, longer, "one byte").await;
    let text = |request: &Received| {
        let mut head = frame(request.stream, ERROR, b"");
        head[4..].copy_from_slice(&i32::MAX.to_be_bytes());
        vec![Step::Send(head)]
    };
    expect(faulty(OPEN, text).await, StorageErrorKind::Transient, longer, "error").await;
}

#[tokio::test]
async fn xrootd_answer_in_endless_pieces_is_refused() {
    let longer = "a longer response than was asked for";
    let pieces =
        |length: usize, count: usize| move |request: &Received| vec![request.answer(PARTIAL, &vec![0; length]); count];
    expect(faulty(READ, pieces(1_000, 20)).await, StorageErrorKind::Transient, longer, "pieces").await;
    expect(faulty(READ, pieces(0, 5_000)).await, StorageErrorKind::Transient, longer, "empty pieces").await;
}

#[tokio::test]
async fn xrootd_frames_that_are_none_are_refused() {
    let protocol = "does not follow the XRootD protocol";
    for (number, bytes) in [
        (OPEN, frame(999, OK, &opened(5_000))),
        (READ, frame(999, OK, &[0; 5_000])),
        (READ, frame(0, PARTIAL, b"")),
        (OPEN, frame(2, 17, b"")),
        (READ, b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
        (PROTOCOL, b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
        (OPEN, frame(1, ERROR, b"abc")),
    ] {
        let case = format!("{number}: {bytes:?}");
        let peer = faulty(number, move |_| vec![Step::Send(bytes.clone())]).await;
        expect(peer, StorageErrorKind::Transient, protocol, &case[..40.min(case.len())]).await;
    }
}

#[tokio::test]
async fn xrootd_open_without_handle_or_size_is_refused() {
    for body in [
        &b""[..],
        b"\0\0\0",
        b"\0\0\0\x01",
        b"\0\0\0\x01\0\0\0\0\0\0\0\0nonsense",
        b"\0\0\0\x01\0\0\0\0\0\0\0\x001 -5 16 0",
    ] {
        let peer = faulty(OPEN, move |request| vec![request.answer(OK, body)]).await;
        expect(peer, StorageErrorKind::Transient, "an open file without", &format!("{body:?}")).await;
    }
    let folder = b"\0\0\0\x01\0\0\0\0\0\0\0\x001 4096 19 0";
    let peer = faulty(OPEN, move |request| vec![request.answer(OK, folder)]).await;
    expect(peer, StorageErrorKind::Refused, "not a regular file", "a folder").await;
}

#[tokio::test]
async fn xrootd_file_that_is_shorter_than_announced_is_a_failure() {
    let peer = faulty(OPEN, |request| vec![request.answer(OK, &opened(6_000))]).await;
    expect(peer, StorageErrorKind::Transient, "the file ends after 5000 of 6000 bytes", "shorter").await;
    let peer = faulty(READ, |request| vec![request.answer(OK, b"")]).await;
    expect(peer, StorageErrorKind::Transient, "the file ends after 0 of 5000 bytes", "empty").await;
}

/// Bytes after those that the open has announced do not belong to what is downloaded.
#[tokio::test]
async fn xrootd_file_that_is_longer_than_announced_is_read_to_the_announced_end() {
    let peer = faulty(OPEN, |request| vec![request.answer(OK, &opened(4_000))]).await;
    assert_eq!(super::download(&peer).await.unwrap(), content(5_000)[..4_000]);
}

#[tokio::test]
async fn xrootd_errors_of_the_server_are_told_in_its_words() {
    for (number, code, kind) in [
        (OPEN, 3011, StorageErrorKind::NotFound),
        (OPEN, 3010, StorageErrorKind::Denied),
        (OPEN, 3024, StorageErrorKind::Overloaded),
        (READ, 3007, StorageErrorKind::Transient),
        (LOGIN, 3010, StorageErrorKind::Denied),
    ] {
        let peer = faulty(number, move |request| vec![request.numbered(ERROR, code, "it is \u{1f4a5}\0")]).await;
        expect(peer, kind, &format!("[{code}] it is \u{1f4a5}"), &format!("{number} {code}")).await;
    }
    let bad_text = |request: &Received| vec![request.answer(ERROR, b"\0\0\x0b\xc3\xff\xfe\0")];
    expect(faulty(OPEN, bad_text).await, StorageErrorKind::NotFound, "[3011] \u{fffd}\u{fffd}", "bad text").await;
}

#[tokio::test]
async fn xrootd_host_that_refuses_connections_is_named() {
    let peer = Peer::start(Vec::new(), |_| None).await;
    let pfn = format!("root://localhost:1//{}", peer.port).into();
    let client = crate::testing::xrootd();
    let error = crate::storage::Storage::get(&client, &pfn, None).await.unwrap_err();
    assert!(error.kind == StorageErrorKind::Transient && error.message.contains("localhost:1"), "{error}");
}
