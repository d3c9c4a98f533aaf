//! What the unit tests of several modules share.
//! The HTTP server and the random generator, which the integration tests include, too. Fixtures of one module stay in it.

#[allow(dead_code, reason = "the integration tests use the rest")]
pub(crate) mod http_server;
mod random;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::header::HeaderValue;
use tokio::sync::mpsc;

use crate::http::tls::{TlsConfig, client_config_of_all};
use crate::storage::http::{Access, StorageToken, WebStorage};
use crate::storage::xrootd::{SessionSettings, XrootdFiles};
use http_server::{Ending, HttpServer, Response};
pub(crate) use random::random;

/// Returns a TLS configuration that trusts no server.
pub(crate) fn tls() -> TlsConfig {
    client_config_of_all(&[], None).unwrap()
}

/// Returns a storage without credentials and with short timeouts.
pub(crate) fn plain() -> WebStorage {
    with_token(None)
}

/// Returns such a storage with a token.
pub(crate) fn with_token(token: Option<&'static str>) -> WebStorage {
    WebStorage::new(Access {
        tls: tls(),
        anonymous_tls: tls(),
        has_certificate: false,
        tokens: token.into_iter().filter_map(|token| StorageToken::new(&token.into(), Vec::new())).collect(),
        user_agent: HeaderValue::from_static("test"),
        connect_timeout: Duration::from_secs(1),
        idle_timeout: Duration::from_millis(200),
    })
    .unwrap()
}

/// Returns a client for XRootD that waits for this long.
pub(crate) fn xrootd_with(idle_timeout: Duration) -> XrootdFiles {
    XrootdFiles::new(xrootd_settings(idle_timeout))
}

/// Returns settings without credentials for XRootD.
pub(crate) fn xrootd_settings(idle_timeout: Duration) -> SessionSettings {
    SessionSettings {
        connect_timeout: Duration::from_secs(10),
        idle_timeout,
        user: "tester".to_owned(),
        tls: tls(),
        identity: None,
        tokens: Vec::new(),
        methods: None,
        keytab: None,
        trusts_dns: false,
        kerberos: |_| Err("there is no ticket".to_owned()),
    }
}

/// Returns a client for XRootD.
pub(crate) fn xrootd() -> XrootdFiles {
    xrootd_with(Duration::from_secs(30))
}

/// The requests that a server receives, as request line and headers in lower case. Keeps the server alive.
pub(crate) struct Requests {
    received: mpsc::UnboundedReceiver<String>,
    _server: HttpServer,
}

impl Requests {
    /// Waits for the next one.
    pub(crate) async fn recv(&mut self) -> Option<String> {
        self.received.recv().await
    }
}

/// Starts a server on loopback that sends the next of these responses on each connection, and nothing after the last. A
/// response that ends with `STALL` leaves the connection open and silent.
pub(crate) fn serve(answers: Vec<String>) -> (String, Requests) {
    let (sender, received) = mpsc::unbounded_channel();
    let next = AtomicUsize::new(0);
    let server = HttpServer::start(move |request, _| {
        sender.send(request.head().to_ascii_lowercase()).ok();
        let answer = answers.get(next.fetch_add(1, Ordering::SeqCst)).map(String::as_str).unwrap_or_default();
        match answer.strip_suffix("STALL") {
            Some(start) => Response::raw(start.as_bytes(), b"").ending(0, Ending::Stall),
            None => Response::raw(answer.as_bytes(), b""),
        }
    });
    let server = server.unwrap();
    (server.url(), Requests { received, _server: server })
}

/// Returns a response with this status line, these header lines and this body.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n{body}")
}

/// Returns a response with a correct `Content-Length`.
pub(crate) fn sized(status: &str, headers: &str, body: &str) -> String {
    answer(status, &format!("Content-Length: {}\r\n{headers}", body.len()), body)
}
