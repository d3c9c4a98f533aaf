//! A connection by OpenSSL whose errors are explained.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use openssl::ssl::SslVersion;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_openssl::SslStream;

use super::failure::{Verdict, explain_io};
use crate::http::tls::Io;

/// A connection by OpenSSL.
#[derive(Debug)]
pub(crate) struct OpenSslStream<S> {
    stream: SslStream<S>,
    verdict: Verdict,
}

impl<S: Io> OpenSslStream<S> {
    pub(super) fn new(stream: SslStream<S>, verdict: Verdict) -> Self {
        Self { stream, verdict }
    }

    /// Returns the server's own certificate in DER form.
    pub(in crate::http::tls) fn peer_certificate(&self) -> Option<Vec<u8>> {
        self.stream.ssl().peer_certificate()?.to_der().ok()
    }

    pub(in crate::http::tls) fn is_tls_1_3(&self) -> bool {
        self.stream.ssl().version2() == Some(SslVersion::TLS1_3)
    }
}

impl<S: Io> AsyncRead for OpenSslStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        Pin::new(&mut this.stream).poll_read(cx, buffer).map_err(|error| explain_io(error, &this.verdict))
    }
}

impl<S: Io> AsyncWrite for OpenSslStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        Pin::new(&mut this.stream).poll_write(cx, bytes).map_err(|error| explain_io(error, &this.verdict))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        Pin::new(&mut this.stream).poll_flush(cx).map_err(|error| explain_io(error, &this.verdict))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        Pin::new(&mut this.stream).poll_shutdown(cx).map_err(|error| explain_io(error, &this.verdict))
    }
}
