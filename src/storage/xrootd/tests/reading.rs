//! Reading: order, pieces, ranges, versions, sessions.

use std::sync::Arc;
use std::time::Duration;

use super::peer::{CLOSE, OK, OPEN, PARTIAL, PROTOCOL, Peer, READ, Step, WAIT, content, frame};
use super::{SILENCE, all, download, download_impatiently};
use crate::storage::{ByteRange, RangeRequest, ResumeFrom, Storage};
use crate::testing::xrootd;

const MB: usize = 1024 * 1024;

#[tokio::test]
async fn xrootd_file_is_read_closed_and_its_session_kept() {
    let file = content(10 * MB + 77);
    let peer = Peer::start(file.clone(), |_| None).await;
    let client = xrootd();
    for _ in 0..3 {
        let reader = client.get(&peer.pfn(), None).await.unwrap();
        let (length, start, version) = (reader.length, reader.start, reader.version.clone());
        assert_eq!((length, start), (Some(file.len() as u64), 0));
        assert_eq!(version.as_deref(), Some("10485837-1700000000"));
        assert!(all(reader).await.unwrap() == file, "other bytes");
    }
    let numbers = [PROTOCOL, OPEN, CLOSE].map(|number| peer.received(number).len());
    assert_eq!(numbers[..2], [1, 3], "one session for three files");
    assert!(numbers[2] >= 2, "{} files closed", numbers[2]);
}

#[tokio::test]
async fn xrootd_empty_file_is_read_without_a_read() {
    let peer = Peer::start(Vec::new(), |_| None).await;
    assert_eq!((download(&peer).await.unwrap(), peer.received(READ).len()), (Vec::new(), 0));
}

#[tokio::test]
async fn xrootd_answers_may_come_in_any_order() {
    let file = content(6 * MB);
    let (served, mut held) = (file.clone(), Vec::new());
    let peer = Peer::start(file.clone(), move |request| {
        if request.number != READ {
            return None;
        }
        held.push(frame(request.stream, OK, &request.bytes(&served)));
        Some(if held.len() == 6 { held.drain(..).rev().map(Step::Send).collect() } else { Vec::new() })
    })
    .await;
    assert!(download(&peer).await.unwrap() == file, "other bytes");
}

#[tokio::test]
async fn xrootd_answer_in_pieces_is_gathered() {
    let file = content(2 * MB + 5);
    let served = file.clone();
    let peer = Peer::start(file.clone(), move |request| {
        let bytes = (request.number == READ).then(|| request.bytes(&served))?;
        let pieces = bytes.chunks(300_000).map(|piece| request.answer(PARTIAL, piece));
        Some(pieces.chain([request.answer(OK, b"")]).collect())
    })
    .await;
    assert!(download(&peer).await.unwrap() == file, "other bytes");
}

#[tokio::test]
async fn xrootd_short_answer_is_continued() {
    let file = content(2 * MB);
    let served = file.clone();
    let peer = Peer::start(file.clone(), move |request| {
        let bytes = (request.number == READ).then(|| request.bytes(&served))?;
        Some(vec![request.answer(OK, &bytes[..bytes.len().div_ceil(2).max(200_000.min(bytes.len()))])])
    })
    .await;
    assert!(download(&peer).await.unwrap() == file, "other bytes");
    assert!(peer.received(READ).len() > 4, "{:?}", peer.received(READ).len());
}

#[tokio::test]
async fn xrootd_read_that_has_to_wait_is_sent_again() {
    let file = content(3_000);
    let mut waits = 2;
    let peer = Peer::start(file.clone(), move |request| {
        let is_early = request.number == READ && waits > 0;
        waits -= i32::from(is_early);
        is_early.then(|| vec![request.numbered(WAIT, 0, "")])
    })
    .await;
    assert!(download(&peer).await.unwrap() == file, "other bytes");
    let peer = Peer::start(file, |request| (request.number == READ).then(|| vec![request.numbered(WAIT, 600, "")]));
    let error = download(&peer.await).await.unwrap_err();
    assert_eq!(error.retry_after, Some(Duration::from_secs(600)), "{error}");
}

/// Each piece comes before the silence is too long, the whole answer after it.
#[tokio::test]
async fn xrootd_slow_answer_is_waited_for_while_bytes_come() {
    let file = content(10_000);
    let served = file.clone();
    let peer = Peer::start(file.clone(), move |request| {
        let bytes = (request.number == READ).then(|| request.bytes(&served))?;
        let whole = frame(request.stream, OK, &bytes);
        let pieces = whole.chunks(700).map(|piece| Step::Send(piece.to_vec()));
        Some(pieces.flat_map(|piece| [piece, Step::Pause(SILENCE / 6)]).collect())
    })
    .await;
    assert!(download_impatiently(&peer).await.unwrap() == file, "other bytes");
}

#[tokio::test]
async fn xrootd_rest_is_read_of_the_same_version_only() {
    let file = content(3_000);
    let peer = Peer::start(file.clone(), |_| None).await;
    for (start, version, expected) in [
        (1_000, None, 1_000),
        (1_000, Some("3000-1700000000"), 1_000),
        (3_000, None, 3_000),
        (1_000, Some("3000-1"), 0),
        (3_001, None, 0),
    ] {
        let resume = ResumeFrom { start, whole: None, version: version.map(str::to_owned) };
        let reader = xrootd().get(&peer.pfn(), Some(&resume)).await.unwrap();
        assert_eq!(reader.start, expected, "{resume:?}");
        assert_eq!(all(reader).await.unwrap(), file[expected as usize..], "{resume:?}");
    }
}

#[tokio::test]
async fn xrootd_range_is_read_of_the_same_file_only() {
    let file = content(3_000);
    let peer = Peer::start(file.clone(), |_| None).await;
    for (whole, version, fits) in [
        (3_000, None, true),
        (3_000, Some("3000-1700000000"), true),
        (3_000, Some("3000-1"), false),
        (2_999, None, false),
    ] {
        let request = RangeRequest { range: ByteRange::new(500, 2_000), whole, version: version.map(str::to_owned) };
        let reader = xrootd().get_range(&peer.pfn(), &request).await.unwrap();
        assert_eq!(reader.is_some(), fits, "{request:?}");
        if let Some(reader) = reader {
            assert_eq!((reader.length, reader.start), (Some(3_000), 500));
            assert_eq!(all(reader).await.unwrap(), file[500..2_000], "{request:?}");
        }
    }
}

/// The second file finds the session closed; nothing of it is reused, not even a handle of the same number.
#[tokio::test]
async fn xrootd_session_that_has_ended_is_replaced() {
    let file = content(1_000);
    let mut opens = 0;
    let peer = Peer::start(file.clone(), move |request| {
        opens += usize::from(request.number == OPEN);
        (request.number == OPEN && opens == 2).then(|| vec![Step::Cut])
    })
    .await;
    let client = xrootd();
    for _ in 0..2 {
        let reader = client.get(&peer.pfn(), None).await.unwrap();
        assert!(all(reader).await.unwrap() == file, "other bytes");
    }
    let connections: Vec<_> = peer.received(OPEN).iter().map(|open| open.connection).collect();
    assert_eq!(connections, [0, 0, 1]);
}

#[tokio::test]
async fn xrootd_reader_that_is_dropped_takes_its_session_along() {
    let peer = Peer::start(content(20 * MB), |_| None).await;
    let client = xrootd();
    let mut reader = client.get(&peer.pfn(), None).await.unwrap();
    reader.next().await.unwrap();
    drop(reader);
    all(client.get(&peer.pfn(), None).await.unwrap()).await.unwrap();
    let connections: Vec<_> = peer.received(OPEN).iter().map(|open| open.connection).collect();
    assert_eq!(connections, [0, 1]);
}

/// Its request was dropped before the answer came: the handle would stay open for as long as the session.
#[tokio::test]
async fn xrootd_file_is_closed_if_its_open_request_was_dropped() {
    let peer = Peer::start(content(10), |request| {
        (request.number == OPEN)
            .then(|| vec![Step::Pause(Duration::from_millis(300)), request.answer(OK, &super::peer::opened(10))])
    })
    .await;
    let (client, pfn) = (Arc::new(xrootd()), peer.pfn());
    let opening = tokio::spawn({
        let client = client.clone();
        async move { client.get(&pfn, None).await.map(drop) }
    });
    while peer.received(OPEN).is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    opening.abort();
    for _ in 0..200 {
        if !peer.received(CLOSE).is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not closed");
}
