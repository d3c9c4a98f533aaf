//! Redirects, waits, deferred answers, and the return to a manager.

use std::time::{Duration, Instant};

use super::peer::{
    ATTENTION, DEFERRED, ERROR, LOGIN, OK, OPEN, PROTOCOL, Peer, REDIRECT, Received, Step, WAIT, content, frame, opened,
};
use super::{SILENCE, all, download, download_impatiently, failure};
use crate::storage::{Storage, StorageErrorKind};
use crate::testing::xrootd;

const SIZE: usize = 5_000;

/// A peer that answers every open with this.
async fn on_open(answer: impl Fn(&Received) -> Vec<Step> + Send + 'static) -> Peer {
    Peer::start(content(SIZE), move |request| (request.number == OPEN).then(|| answer(request))).await
}

/// A peer without faults.
async fn server() -> Peer {
    Peer::start(content(SIZE), |_| None).await
}

async fn redirecting(port: i32, text: String) -> Peer {
    on_open(move |request| vec![request.numbered(REDIRECT, port, &text)]).await
}

/// A peer that is a manager and answers the opens in turn with these.
async fn manager(answers: Vec<(u16, i32, String)>) -> Peer {
    let mut next = answers.into_iter();
    Peer::start(Vec::new(), move |request| match request.number {
        PROTOCOL => Some(vec![request.answer(OK, &[0, 0, 5, 0x11, 0, 0, 0, 2])]),
        OPEN => next.next().map(|(status, number, text)| vec![request.numbered(status, number, &text)]),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn xrootd_redirect_is_followed_with_its_parameters_and_login_token() {
    let target = server().await;
    let text = "127.0.0.1?&cap.sym=a=b/c==&x=2?org.dcache.door=d:1\0";
    let door = redirecting(target.port.into(), text.to_owned()).await;
    let pfn = format!("{}?x=1&y", door.pfn()).into();
    let bytes = all(xrootd().get(&pfn, None).await.unwrap()).await.unwrap();
    assert!(bytes == content(SIZE), "other bytes");
    assert_eq!(target.received(OPEN)[0].data, "/file?x=2&y&cap.sym=a=b/c==");
    assert_eq!(target.received(LOGIN)[0].data, "xrd.appname=rucio&org.dcache.door=d:1");
    assert_eq!(door.received(LOGIN)[0].data, "xrd.appname=rucio");
}

#[tokio::test]
async fn xrootd_redirect_to_a_url_may_change_the_path() {
    let target = server().await;
    let door = redirecting(-1, format!("root://127.0.0.1:{}//other?z=1", target.port)).await;
    download(&door).await.unwrap();
    assert_eq!(target.received(OPEN)[0].data, "/other?z=1");
}

#[tokio::test]
async fn xrootd_redirect_to_ipv6_is_followed() {
    for host in ["[::1]", "::1"] {
        let target = Peer::start_on("[::1]:0", content(SIZE), |_| None).await;
        let door = redirecting(target.port.into(), host.to_owned()).await;
        assert!(download(&door).await.unwrap() == content(SIZE), "{host}");
    }
}

#[tokio::test]
async fn xrootd_redirect_that_leads_nowhere_is_refused() {
    for (port, text) in [(1094, ""), (1094, "?x=1"), (-1, "nonsense"), (70_000, "h")] {
        let error = failure(&redirecting(port, text.to_owned()).await).await;
        assert!(error.message.contains("a redirect without a host"), "{text}: {error}");
    }
    let error = failure(&redirecting(-1, "https://h:443/a".to_owned()).await).await;
    assert_eq!(error.kind, StorageErrorKind::Refused, "{error}");
    assert!(error.message.contains("redirects to https://h:443"), "{error}");
}

#[tokio::test]
async fn xrootd_redirects_in_a_circle_end() {
    let peer = on_open(|request| {
        let port = request.data.rsplit_once('=').map_or("0", |(_, port)| port).parse().unwrap();
        vec![request.numbered(REDIRECT, port, "127.0.0.1")]
    })
    .await;
    let pfn = format!("{}?port={}", peer.pfn(), peer.port).into();
    let error = xrootd().get(&pfn, None).await.unwrap_err();
    assert_eq!(error.kind, StorageErrorKind::Refused, "{error}");
    assert!(error.message.contains("more than 16 redirects"), "{error}");
    assert_eq!(peer.received(OPEN).len(), 17);
    assert_eq!(peer.received(LOGIN).len(), 1, "one session for all");
}

#[tokio::test]
async fn xrootd_wait_is_kept_and_the_request_sent_again() {
    for (seconds, least) in [(0, 100), (1, 1_000), (-5, 100)] {
        let mut waits = 1;
        let peer = Peer::start(content(SIZE), move |request| {
            let is_early = request.number == OPEN && waits > 0;
            waits -= i32::from(is_early);
            is_early.then(|| vec![request.numbered(WAIT, seconds, "busy")])
        })
        .await;
        let start = Instant::now();
        assert!(download(&peer).await.unwrap() == content(SIZE), "{seconds}");
        assert!(start.elapsed() >= Duration::from_millis(least), "{seconds}: {:?}", start.elapsed());
    }
}

#[tokio::test]
async fn xrootd_wait_that_is_too_long_is_an_overload_with_its_time() {
    let error = failure(&on_open(|request| vec![request.numbered(WAIT, 3600, "")]).await).await;
    assert_eq!((error.kind, error.retry_after), (StorageErrorKind::Overloaded, Some(Duration::from_secs(3600))));
}

/// Returns a response that comes as a message, after this time.
fn late(request: &Received, status: u16, body: &[u8]) -> Vec<Step> {
    let inner = frame(request.stream, status, body);
    let message = [&5008_i32.to_be_bytes()[..], &[0; 4], &inner].concat();
    vec![
        request.numbered(DEFERRED, 5, ""),
        Step::Send(frame(0, ATTENTION, &[&5002_i32.to_be_bytes()[..], b"please stand by"].concat())),
        // Longer than a silent server is waited for.
        Step::Pause(SILENCE * 2),
        Step::Send(frame(0, ATTENTION, &message)),
    ]
}

#[tokio::test]
async fn xrootd_deferred_answer_is_waited_for() {
    let peer = on_open(|request| late(request, OK, &opened(SIZE))).await;
    assert!(download_impatiently(&peer).await.unwrap() == content(SIZE), "other bytes");
    let error = failure(&on_open(|request| late(request, ERROR, b"\0\0\x0b\xc3gone")).await).await;
    assert_eq!((error.kind, &*error.message), (StorageErrorKind::NotFound, "root: [3011] gone"));
    let target = server().await;
    let body = [&i32::from(target.port).to_be_bytes()[..], b"127.0.0.1"].concat();
    let peer = on_open(move |request| late(request, REDIRECT, &body)).await;
    assert!(download_impatiently(&peer).await.unwrap() == content(SIZE), "other bytes");
}

#[tokio::test]
async fn xrootd_deferred_answer_that_never_comes_is_timed_out() {
    let error = failure(&on_open(|request| vec![request.numbered(DEFERRED, 0, "")]).await).await;
    assert_eq!(error.kind, StorageErrorKind::TimedOut, "{error}");
}

#[tokio::test]
async fn xrootd_manager_is_asked_for_another_server() {
    for (code, reason) in [(3011, "enoent"), (3007, "ioerr"), (3005, "fserr"), (3012, "srverr"), (0, "srverr")] {
        let bad = on_open(move |request| match code {
            0 => vec![Step::Cut],
            code => vec![request.numbered(ERROR, code, "broken")],
        })
        .await;
        let good = server().await;
        let answers = [("localhost?a=1", &bad), ("127.0.0.1", &good)];
        let answers = answers.map(|(host, peer)| (REDIRECT, i32::from(peer.port), host.to_owned()));
        let manager = manager(answers.to_vec()).await;
        assert!(download(&manager).await.unwrap() == content(SIZE), "{code}");
        let asked: Vec<_> = manager.received(OPEN).iter().map(|open| open.data.clone()).collect();
        assert_eq!(asked, ["/file".to_owned(), format!("/file?tried=localhost&triedrc={reason}")]);
    }
}

#[tokio::test]
async fn xrootd_error_of_the_last_server_is_told_when_a_manager_has_no_other() {
    let bad = on_open(|request| vec![request.numbered(ERROR, 3007, "the disk is broken")]).await;
    let none = (ERROR, 3011, "No servers have the file".to_owned());
    let answers = vec![(REDIRECT, bad.port.into(), "localhost".to_owned()), none];
    let error = failure(&manager(answers).await).await;
    assert_eq!((error.kind, &*error.message), (StorageErrorKind::Transient, "root: [3007] the disk is broken"));
}

/// The same everywhere, or without a manager: no other server is asked for.
#[tokio::test]
async fn xrootd_error_that_another_server_cannot_help_is_final() {
    let denied = on_open(|request| vec![request.numbered(ERROR, 3010, "no")]).await;
    let manager = manager(vec![(REDIRECT, denied.port.into(), "localhost".to_owned())]).await;
    assert_eq!(failure(&manager).await.kind, StorageErrorKind::Denied);
    assert_eq!(manager.received(OPEN).len(), 1);
    let bad = on_open(|request| vec![request.numbered(ERROR, 3007, "")]).await;
    let door = redirecting(bad.port.into(), "localhost".to_owned()).await;
    assert_eq!(&*failure(&door).await.message, "root: [3007] the server gave no reason");
    assert_eq!(door.received(OPEN).len(), 1);
}

#[tokio::test]
async fn xrootd_unix_authenticates_as_the_user_of_the_address() {
    let peer = Peer::start(content(SIZE), |request| {
        (request.number == LOGIN).then(|| vec![request.answer(OK, b"0123456789abcdef&P=unix\0")])
    })
    .await;
    download(&peer).await.unwrap();
    let pfn = format!("root://me@127.0.0.1:{}//file", peer.port).into();
    all(xrootd().get(&pfn, None).await.unwrap()).await.unwrap();
    let credentials: Vec<_> = peer.received(3000).iter().map(|one| one.data.clone()).collect();
    assert_eq!(credentials, ["unix\0tester\0", "unix\0me\0"]);
}
