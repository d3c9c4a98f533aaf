//! Sends requests and follows redirects. The only place that decides which server gets which credentials.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, EXPECT, HeaderValue, LOCATION};
use reqwest::{Response, StatusCode};
use url::Url;

use super::call::Call;
use super::expect::{CONTINUE, HELD_LENGTH, HeldBody, held_body};
use super::{Access, StorageToken, address};
use crate::http::tls::TlsConfig;
use crate::http::{Connections, Options, SendError};
use crate::lock::lock;
use crate::storage::{Result, StorageError, StorageErrorKind};

/// Maximum number of redirects; dCache sends one, federations two.
const REDIRECTS: usize = 10;
/// Maximum number of idle connections per host.
const IDLE_CONNECTIONS: usize = 64;

/// The tokens, and the hosts that need one in spite of a client certificate.
#[derive(Debug)]
pub(super) struct Credentials {
    tokens: Vec<StorageToken>,
    has_certificate: bool,
    token_hosts: Mutex<HashSet<String>>,
}

/// When a request has a token, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TokenUse<'a> {
    /// Never: no token is meant for this server.
    Never,
    /// In the first request.
    Preemptive(&'a HeaderValue),
    /// Only after the server has rejected the request without it.
    AfterRejection(&'a HeaderValue),
}

impl Credentials {
    pub(super) fn new(access: &Access) -> Self {
        Self { tokens: access.tokens.clone(), has_certificate: access.has_certificate, token_hosts: Mutex::default() }
    }

    /// Decides when a request to `url` has a token, if a file at `home` is wanted and `url` is that or the target of a
    /// redirect. Only the host of the PFN gets one, and only one that its audience allows there, only over TLS, and
    /// never with a presigned URL. With a client certificate it is sent only if that host has rejected the certificate.
    fn token_use(&self, home: &Url, url: &Url) -> TokenUse<'_> {
        let may_have_one = url.scheme() == "https" && url.origin() == home.origin() && !address::is_signed(url);
        match StorageToken::choose(&self.tokens, url) {
            Some(token) if may_have_one => {
                let token = token.header();
                if !self.has_certificate || self.token_hosts().contains(&host(url)) {
                    TokenUse::Preemptive(token)
                } else {
                    TokenUse::AfterRejection(token)
                }
            }
            _ => TokenUse::Never,
        }
    }

    fn token_hosts(&self) -> MutexGuard<'_, HashSet<String>> {
        lock(&self.token_hosts)
    }
}

/// Connections with or without the client certificate.
#[derive(Debug)]
struct Pools {
    /// Are kept after a request and used again.
    kept: Connections,
    /// Are new for each request.
    fresh: Connections,
}

/// Connections with and without the client certificate, and the tokens.
#[derive(Debug)]
pub(super) struct Sender {
    known: Pools,
    anonymous: Pools,
    credentials: Arc<Credentials>,
    /// Hosts that do not respond to `Expect: 100-continue` before the body.
    without_expect: Mutex<HashSet<String>>,
    /// Hosts that keep connections open after a response.
    keeping_hosts: Mutex<HashSet<String>>,
}

impl Sender {
    /// Creates the connection pools.
    pub(super) fn new(access: &Access, credentials: Arc<Credentials>, read_timeout: Option<Duration>) -> Self {
        let pools = |tls: &TlsConfig| {
            let pool = |max_idle| Connections::new(options(access, tls.clone(), read_timeout, max_idle));
            Pools { kept: pool(IDLE_CONNECTIONS), fresh: pool(0) }
        };
        let (known, anonymous) = (pools(&access.tls), pools(&access.anonymous_tls));
        Self { known, anonymous, credentials, without_expect: Mutex::default(), keeping_hosts: Mutex::default() }
    }

    /// Sends a request and follows redirects, with the body.
    pub(super) async fn send(&self, call: &Call<'_>, home: &Url) -> Result<Response> {
        let mut url = home.clone();
        for _ in 0..=REDIRECTS {
            let response = self.send_with_token(call, home, &url).await?;
            match response.headers().get(LOCATION) {
                Some(location) if response.status().is_redirection() => url = address::target(&url, location)?,
                _ => return Ok(response),
            }
        }
        Err(StorageError::new(StorageErrorKind::Refused, format!("more than {REDIRECTS} redirections")))
    }

    /// Sends a request; if it is rejected with 401 or 403 and the token may be sent, retries with the token.
    async fn send_with_token(&self, call: &Call<'_>, home: &Url, url: &Url) -> Result<Response> {
        // The target of a redirect does not redirect again.
        let may_redirect = url == home;
        match self.credentials.token_use(home, url) {
            TokenUse::Never => self.send_held(call, url, None, may_redirect).await,
            TokenUse::Preemptive(token) => self.send_held(call, url, Some(token), may_redirect).await,
            TokenUse::AfterRejection(token) => {
                let response = self.send_held(call, url, None, may_redirect).await?;
                if !matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
                    return Ok(response);
                }
                drop(response);
                self.credentials.token_hosts().insert(host(url));
                self.send_held(call, url, Some(token), may_redirect).await
            }
        }
    }

    /// Sends a request; holds back a large body until the server has had time to redirect or refuse it.
    async fn send_held(
        &self,
        call: &Call<'_>,
        url: &Url,
        token: Option<&HeaderValue>,
        may_redirect: bool,
    ) -> Result<Response> {
        let expects = may_redirect
            && !address::is_signed(url)
            && call.body_length() >= HELD_LENGTH
            && !lock(&self.without_expect).contains(&host(url));
        if !expects {
            return self.send_once(call, url, token, None).await;
        }
        let (pending, held) = held_body();
        let response = self.send_once(call, url, token, Some(held)).await?;
        let fails = response.status() == StatusCode::EXPECTATION_FAILED;
        if pending.is_ignored() || fails {
            lock(&self.without_expect).insert(host(url));
        }
        if fails { self.send_once(call, url, token, None).await } else { Ok(response) }
    }

    /// Sends a request. A storage may close a kept connection at any time, so a request that ends without a byte of the
    /// response on what may have been one is sent again over a new connection.
    async fn send_once(
        &self,
        call: &Call<'_>,
        url: &Url,
        token: Option<&HeaderValue>,
        held: Option<HeldBody>,
    ) -> Result<Response> {
        let connections = if address::is_signed(url) { &self.anonymous } else { &self.known };
        let host = host(url);
        let keeps_connections = lock(&self.keeping_hosts).contains(&host);
        let sent = match send(call, &connections.kept, url, token, held).await {
            Err(SendFailure::Connection(error)) if keeps_connections && call.is_safe() && error.is_unanswered() => {
                tracing::debug!("{host} closed a kept connection");
                send(call, &connections.fresh, url, token, None).await
            }
            sent => sent,
        };
        let response = sent.map_err(StorageError::from)?;
        if !keeps_connections && response.headers().get(CONNECTION).is_none_or(|value| value != "close") {
            lock(&self.keeping_hosts).insert(host);
        }
        Ok(response)
    }
}

/// Why there is no response.
enum SendFailure {
    /// The local file cannot be read.
    File(StorageError),
    Connection(SendError),
}

impl From<SendError> for SendFailure {
    fn from(error: SendError) -> Self {
        Self::Connection(error)
    }
}

impl From<SendFailure> for StorageError {
    fn from(failure: SendFailure) -> Self {
        match failure {
            SendFailure::File(error) => error,
            SendFailure::Connection(error) => error.into(),
        }
    }
}

/// Sends a request over these connections.
async fn send(
    call: &Call<'_>,
    connections: &Connections,
    url: &Url,
    token: Option<&HeaderValue>,
    held: Option<HeldBody>,
) -> std::result::Result<Response, SendFailure> {
    let build = |held: Option<HeldBody>| {
        let watch = held.as_ref().map(HeldBody::watch);
        let mut request = call.build(url, held).map_err(SendFailure::File)?;
        if let Some(watch) = watch {
            request = watch(request).map_err(SendError::unsendable)?;
            request.headers_mut().insert(EXPECT, HeaderValue::from_static(CONTINUE));
        }
        if let Some(token) = token {
            request.headers_mut().insert(AUTHORIZATION, token.clone());
        }
        Ok(request)
    };
    connections.send_or_repeat(build(held)?, || build(None).map(Some)).await
}

/// Returns the settings of a connection pool.
fn options(access: &Access, tls: TlsConfig, read_timeout: Option<Duration>, max_idle: usize) -> Options {
    // Content encodings would change the bytes that the catalogue's checksum covers.
    let headers = [(ACCEPT_ENCODING, HeaderValue::from_static("identity"))].into_iter().collect();
    Options {
        tls,
        user_agent: access.user_agent.clone(),
        headers,
        connect_timeout: access.connect_timeout,
        read_timeout,
        max_idle,
        requires_close: true,
    }
}

/// Returns scheme, host and port of a URL.
pub(super) fn host(url: &Url) -> String {
    url.origin().ascii_serialization()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decides for a client with these credentials; hosts in `rejected` have rejected the certificate.
    fn token_use(has_token: bool, has_certificate: bool, rejected: &[&str], home: &str, url: &str) -> &'static str {
        let token = StorageToken::new(&"a.b.c".into(), Vec::new()).unwrap();
        let credentials = Credentials {
            tokens: if has_token { vec![token] } else { Vec::new() },
            has_certificate,
            token_hosts: Mutex::new(rejected.iter().map(|host| (*host).to_owned()).collect()),
        };
        match credentials.token_use(&Url::parse(home).unwrap(), &Url::parse(url).unwrap()) {
            TokenUse::Never => "never",
            TokenUse::Preemptive(_) => "preemptive",
            TokenUse::AfterRejection(_) => "after rejection",
        }
    }

    #[test]
    fn token_goes_only_to_the_host_of_the_pfn_over_tls_and_without_a_signature() {
        for (url, expected) in [
            ("https://h/f", "preemptive"),
            ("https://h/elsewhere?x=1", "preemptive"),
            ("https://h:443/f", "preemptive"),
            ("https://H/f", "preemptive"),
            ("https://h:8443/f", "never"),
            ("https://other/f", "never"),
            ("https://sub.h/f", "never"),
            ("https://h.evil/f", "never"),
            ("https://h@evil/f", "never"),
            ("http://h/f", "never"),
            ("http://h:443/f", "never"),
            ("https://h/f?X-Amz-Signature=0", "never"),
            ("https://h/f?authz=0", "never"),
        ] {
            assert_eq!(token_use(true, false, &[], "https://h/f", url), expected, "{url}");
        }
    }

    #[test]
    fn token_use_depends_on_where_the_request_began() {
        for (home, url, expected) in [
            // Plain HTTP never has the token, neither before nor after a redirect to TLS.
            ("http://h/f", "http://h/f", "never"),
            ("http://h/f", "https://h/f", "never"),
            ("https://h/f", "http://h/f", "never"),
            // A presigned PFN that redirects to its own host without the signature.
            ("https://h/f?Signature=0", "https://h/f", "preemptive"),
            // Redirected away and back again.
            ("https://h/f", "https://h/g", "preemptive"),
        ] {
            assert_eq!(token_use(true, false, &[], home, url), expected, "{home} -> {url}");
        }
    }

    #[test]
    fn token_waits_for_the_rejection_of_a_certificate() {
        for (has_token, has_certificate, rejected, expected) in [
            (false, false, &[][..], "never"),
            (false, true, &[], "never"),
            (false, true, &["https://h"], "never"),
            (true, false, &[], "preemptive"),
            (true, true, &[], "after rejection"),
            (true, true, &["https://h"], "preemptive"),
            (true, true, &["https://other", "https://h:8443", "http://h"], "after rejection"),
        ] {
            let found = token_use(has_token, has_certificate, rejected, "https://h/f", "https://h/f");
            assert_eq!(found, expected, "token: {has_token}, certificate: {has_certificate}, rejected: {rejected:?}");
        }
        let redirected = token_use(true, true, &["https://other"], "https://h/f", "https://other/f");
        assert_eq!(redirected, "never", "a host that is not the PFN's");
    }
}
