//! Logins: what is sent to whom, and what the user reads.

use super::SILENCE;
use super::peer::{AUTH, LOGIN, OK, OPEN, PROTOCOL, Peer, REDIRECT, Received, Step, content};
use crate::storage::http::StorageToken;
use crate::storage::xrootd::XrootdFiles;
use crate::storage::{Pfn, Storage, StorageError, StorageErrorKind};
use crate::testing::{xrootd_settings, xrootd_with};

/// Flags of a server that has TLS, and of one that requires it for the login.
const HAS_TLS: u8 = 0x80;
const REQUIRES_TLS: u8 = 0x84;

/// A client with a token for any server.
fn with_token() -> XrootdFiles {
    let tokens = StorageToken::new(&"a-secret".into(), Vec::new()).into_iter().collect();
    XrootdFiles::new(crate::storage::xrootd::SessionSettings { tokens, ..xrootd_settings(SILENCE) })
}

async fn error(client: &XrootdFiles, pfn: &Pfn) -> StorageError {
    client.get(pfn, None).await.expect_err("the file has arrived")
}

/// A peer whose response to the protocol request has these flags, and whose login offers these methods.
async fn server(flags: u8, methods: &'static str) -> Peer {
    Peer::start(content(100), move |request: &Received| match request.number {
        PROTOCOL => Some(vec![request.answer(OK, &[0, 0, 5, 0x11, flags, 0, 0, 1])]),
        LOGIN => Some(vec![request.answer(OK, &[&[7; 16], methods.as_bytes()].concat())]),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn xrootd_encrypted_address_is_never_read_in_clear() {
    let peer = server(0, "").await;
    for pfn in [format!("roots://127.0.0.1:{}//f", peer.port), format!("{}?authz=Bearer%20t", peer.pfn())] {
        let error = error(&xrootd_with(SILENCE), &pfn.into()).await;
        assert!(error.kind == StorageErrorKind::Refused && error.message.contains("has no TLS"), "{error}");
    }
    let target = peer.port;
    let door = Peer::start(Vec::new(), move |request| {
        let url = format!("roots://127.0.0.1:{target}//f");
        (request.number == OPEN).then(|| vec![request.numbered(REDIRECT, -1, &url)])
    })
    .await;
    let error = error(&xrootd_with(SILENCE), &door.pfn()).await;
    assert!(error.message.contains("has no TLS"), "{error}");
    assert_eq!(peer.received(LOGIN).len(), 0, "nothing after the protocol request");
}

/// The server announces TLS, and its next bytes are unencrypted.
#[tokio::test]
async fn xrootd_server_that_announces_tls_has_to_speak_it() {
    let peer = Peer::start(content(100), |request| {
        let hello = request.answer(OK, &[0, 0, 5, 0x11, 0xc0, 0, 0, 1]);
        (request.number == PROTOCOL).then(|| vec![hello, Step::Send(b"this is no TLS record".to_vec())])
    })
    .await;
    let error = error(&xrootd_with(SILENCE), &peer.pfn()).await;
    assert!(error.message.contains("does not speak TLS"), "{error}");
    assert_eq!(peer.received(LOGIN).len(), 0);
}

/// The client asks for TLS before the login, so that nothing is sent unencrypted.
#[tokio::test]
async fn xrootd_server_that_requires_tls_later_is_asked_for_it_at_once() {
    let peer = server(REQUIRES_TLS, "").await;
    super::download(&peer).await.unwrap();
    let flags: Vec<_> = peer.received(PROTOCOL).iter().map(Received::flags).collect();
    assert_eq!(flags, [3, 7], "TLS is possible, then requested");
}

#[tokio::test]
async fn xrootd_token_is_never_sent_in_clear() {
    let peer = server(0, "&P=ztn,0:4096:").await;
    let error = error(&with_token(), &peer.pfn()).await;
    assert!(error.kind == StorageErrorKind::Denied && error.message.ends_with("ztn: the server has no TLS"), "{error}");
    assert_eq!(peer.received(AUTH).len(), 0);
    // A server that has TLS is asked for it; this one does not begin.
    let peer = server(HAS_TLS, "&P=ztn,0:4096:").await;
    let error = self::error(&with_token(), &peer.pfn()).await;
    assert!(error.message.contains("has no TLS"), "{error}");
    assert_eq!(peer.received(PROTOCOL).iter().map(Received::flags).collect::<Vec<_>>(), [3, 7]);
    assert_eq!(peer.received(AUTH).len(), 0);
}

/// The user may believe to have been logged in by the proxy.
#[tokio::test]
async fn xrootd_refused_file_has_the_reasons_of_a_poor_login() {
    let peer = Peer::start(content(100), |request: &Received| match request.number {
        LOGIN => Some(vec![request.answer(OK, &[&[7; 16], &b"&P=gsi,v:10600&P=unix"[..]].concat())]),
        OPEN => Some(vec![request.numbered(super::peer::ERROR, 3010, "permission denied")]),
        _ => None,
    })
    .await;
    let error = error(&xrootd_with(SILENCE), &peer.pfn()).await;
    let expected = "root: [3010] permission denied (logged in by unix; gsi: there is no proxy or certificate)";
    assert_eq!((error.kind, &*error.message), (StorageErrorKind::Denied, expected));
}

/// Each method's reason is in one message.
#[tokio::test]
async fn xrootd_login_without_credentials_has_all_reasons() {
    let peer = server(0, "&P=gsi,v:10600,c:ssl,ca:5168735f.0&P=ztn,0:4096:&P=pwd").await;
    let error = error(&xrootd_with(SILENCE), &peer.pfn()).await;
    assert_eq!(error.kind, StorageErrorKind::Denied);
    let expected = format!(
        "no login at 127.0.0.1:{}: gsi: there is no proxy or certificate; ztn: there is no token for this server; \
         pwd: this method is unknown",
        peer.port
    );
    assert_eq!(error.message, expected);
}

#[tokio::test]
async fn xrootd_method_that_is_refused_is_followed_by_the_next() {
    let peer = Peer::start(content(100), |request: &Received| match request.number {
        LOGIN => Some(vec![request.answer(OK, &[&[7; 16], &b"&P=host&P=unix"[..]].concat())]),
        AUTH if request.data.starts_with("host") => Some(vec![request.numbered(super::peer::ERROR, 3030, "not you")]),
        _ => None,
    })
    .await;
    super::download(&peer).await.unwrap();
    assert_eq!(peer.received(AUTH).len(), 2);
}
