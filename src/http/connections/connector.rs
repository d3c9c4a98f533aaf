//! Opens the connections of the pools: TCP, directly or through a proxy, and TLS.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use hyper::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower_service::Service;

use super::Options;
use super::proxy::{Proxies, server, tunnel};
use crate::http::tls::{ConnectError, Io, Server};

/// Pauses and number of the probes that tell a silent server from a dead one.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_PROBES: u32 = 3;
/// Maximum time that sent bytes stay unacknowledged.
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// Opens connections with these settings.
#[derive(Clone)]
pub(super) struct Connector {
    tcp: HttpConnector,
    options: Arc<Options>,
    proxies: Arc<Proxies>,
    /// Whether OpenSSL is used for all servers.
    by_openssl: bool,
}

impl Connector {
    pub(super) fn new(options: Arc<Options>, proxies: Arc<Proxies>, by_openssl: bool) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEPALIVE));
        tcp.set_keepalive_interval(Some(KEEPALIVE));
        tcp.set_keepalive_retries(Some(KEEPALIVE_PROBES));
        #[cfg(target_os = "linux")]
        tcp.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
        Self { tcp, options, proxies, by_openssl }
    }

    async fn open(self, url: Uri) -> Result<Stream, ConnectError> {
        let to = server(&url).ok_or_else(|| io::Error::other("the address has no host"))?;
        let proxy = self.proxies.find(&url);
        if url.scheme_str() != Some("https") {
            let io = self.open_tcp(proxy.as_ref().map_or(&url, Intercept::uri)).await?;
            return Ok(Stream::new(io, proxy.is_some()));
        }
        let open = || self.open_tunnel(&url, &to, proxy.as_ref());
        let stream = if self.by_openssl {
            self.options.tls.connect_openssl(&to, open().await?).await?
        } else {
            self.options.tls.connect(&to, open).await?
        };
        Ok(Stream::new(Box::new(stream), false))
    }

    /// Connects to the server itself, or to a proxy and through it.
    async fn open_tunnel(
        &self,
        url: &Uri,
        to: &Server,
        proxy: Option<&Intercept>,
    ) -> Result<Box<dyn Io>, ConnectError> {
        let Some(proxy) = proxy else { return self.open_tcp(url).await };
        let stream = if proxy.uri().scheme_str() == Some("https") {
            let by_proxy = server(proxy.uri()).ok_or_else(|| io::Error::other("the proxy has no host"))?;
            let open = || self.open_tcp(proxy.uri());
            Box::new(self.options.tls.connect(&by_proxy, open).await?)
        } else {
            self.open_tcp(proxy.uri()).await?
        };
        let user_agent = self.options.user_agent.to_str().unwrap_or_default();
        let user_agent = format!("User-Agent: {user_agent}\r\n");
        Ok(Box::new(tunnel(stream, proxy, to, &user_agent).await?))
    }

    fn open_tcp(&self, url: &Uri) -> impl Future<Output = Result<Box<dyn Io>, ConnectError>> + Send + use<> {
        let connecting = self.tcp.clone().call(url.clone());
        async move { Ok(Box::new(connecting.await?.into_inner()) as Box<dyn Io>) }
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = ConnectError;
    type Future = BoxFuture<'static, Result<Self::Response, ConnectError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        let timeout = self.options.connect_timeout;
        let opening = self.clone().open(url);
        Box::pin(async move {
            match tokio::time::timeout(timeout, opening).await {
                Ok(stream) => Ok(TokioIo::new(stream?)),
                Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the server did not answer in time").into()),
            }
        })
    }
}

/// Whether a connection was closed without TLS's `close_notify`. Attached to the responses of the connection.
#[derive(Debug, Clone, Default)]
pub(super) struct WasCut(Arc<AtomicBool>);

impl WasCut {
    pub(super) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A connection to a server or a proxy. Many servers close without `close_notify`, so that is an end like another:
/// whether a response is complete, `Content-Length` and chunks say.
pub(super) struct Stream {
    io: Box<dyn Io>,
    /// Whether the other end is a proxy that wants whole URLs.
    is_proxied: bool,
    was_cut: WasCut,
}

impl Stream {
    fn new(io: Box<dyn Io>, is_proxied: bool) -> Self {
        Self { io, is_proxied, was_cut: WasCut::default() }
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new().proxy(self.is_proxied).extra(self.was_cut.clone())
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match Pin::new(&mut this.io).poll_read(cx, buffer) {
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                this.was_cut.0.store(true, Ordering::Relaxed);
                Poll::Ready(Ok(()))
            }
            other => other,
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}
