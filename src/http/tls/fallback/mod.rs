//! TLS by OpenSSL, for servers that rustls cannot talk to. It verifies servers with the same trusted CAs, CRLs and host
//! names, and presents the same client certificate, also if the server requests it after the handshake: by a
//! renegotiation (TLS 1.2) or by post-handshake authentication (TLS 1.3).
//!
//! Versions, ciphers and key sizes are those of Python's `ssl` on Debian 12, which the official client uses: TLS 1.2
//! and 1.3, security level 2.

mod anchors;
mod failure;
mod post_handshake;
mod stream;
mod verify;

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use openssl::error::ErrorStack;
use openssl::ssl::{Ssl, SslContext, SslMethod, SslVerifyMode, SslVersion};
use openssl::x509::verify::X509CheckFlags;
use tokio_openssl::SslStream;

use super::identity::Identity;
use super::verify::ServerTrust;
use super::{ConnectError, Io, Server};
pub(super) use failure::Refusal;
use failure::{Verdict, explain};
pub(crate) use stream::OpenSslStream;
pub(super) use verify::verify_alone;

/// OpenSSL's security level: keys and signatures of at least 112 bits. The default of Debian and of OpenSSL 3.2.
const SECURITY_LEVEL: u32 = 2;

/// Creates the configuration. Not by `SslConnector::builder`, which loads the system's CA file (20 to 40 ms). Errors:
/// OpenSSL does not accept the client certificate.
pub(super) fn context(trust: &ServerTrust, identity: Option<&Identity>) -> Result<SslContext, ErrorStack> {
    let mut builder = SslContext::builder(SslMethod::tls_client())?;
    builder.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    builder.set_cipher_list("DEFAULT")?;
    builder.set_security_level(SECURITY_LEVEL);
    if let ServerTrust::Verified(trusted) = trust {
        builder.set_cert_store(anchors::store(trusted)?);
    }
    if let Some(identity) = identity {
        identity.present(&mut builder)?;
        post_handshake::enable(&mut builder);
    }
    Ok(builder.build())
}

/// Runs a handshake.
pub(super) async fn connect<S: Io>(
    context: &SslContext,
    trust: &Arc<ServerTrust>,
    server: &Server,
    io: S,
) -> Result<OpenSslStream<S>, ConnectError> {
    let verdict = Verdict::default();
    let ssl = prepare(context, trust, server, &verdict)?;
    let mut stream = SslStream::new(ssl, io)?;
    match Pin::new(&mut stream).connect().await {
        Ok(()) => Ok(OpenSslStream::new(stream, verdict)),
        Err(error) => Err(explain(error, &verdict).into()),
    }
}

/// Creates a connection with the checks of the server's certificate.
fn prepare(
    context: &SslContext,
    trust: &Arc<ServerTrust>,
    server: &Server,
    verdict: &Verdict,
) -> Result<Ssl, ErrorStack> {
    let mut ssl = Ssl::new(context)?;
    let address = server.host.parse::<IpAddr>().ok();
    if address.is_none() {
        ssl.set_hostname(server.host.trim_end_matches('.'))?;
    }
    if let ServerTrust::AcceptAny = **trust {
        ssl.set_verify(SslVerifyMode::NONE);
        return Ok(ssl);
    }
    let parameters = ssl.param_mut();
    // The names that count are those of subjectAltName (RFC 9110, 4.3.4), as in rustls.
    parameters.set_hostflags(X509CheckFlags::NO_PARTIAL_WILDCARDS | X509CheckFlags::NEVER_CHECK_SUBJECT);
    match address {
        Some(address) => parameters.set_ip(address)?,
        None => parameters.set_host(server.host.trim_end_matches('.'))?,
    }
    let (trust, verdict, host) = (trust.clone(), verdict.clone(), server.host.clone());
    ssl.set_verify_callback(SslVerifyMode::PEER, move |is_good, certificates| {
        verify::judge(is_good, certificates, &trust, &host).map_err(|error| verdict.set(error)).is_ok()
    });
    Ok(ssl)
}
