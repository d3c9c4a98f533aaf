//! TLS for the grid: CA certificates from a file or a hashed directory with CRLs, client certificates and RFC 3820
//! proxies with their chain, encrypted keys. Connections are made by rustls or, where that is not enough, by OpenSSL
//! ([`connect`]).

mod ca_file;
mod choice;
mod connect;
mod failure;
mod fallback;
mod host_certificate;
mod identity;
mod path;
mod revocation;
mod roots;
mod untrusted;
mod verify;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use openssl::ssl::SslContext;
use rustls::ClientConfig;

use crate::config::CaSource;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
pub(crate) use ca_file::{ListedCertificate, ca_certificates};
use choice::needs_openssl;
pub(crate) use connect::{ConnectError, Io, Server, TlsStream};
pub(crate) use failure::{CERTIFICATE_EXPIRED, TlsFailure, failure, refused_certificate};
pub(super) use failure::{check_address, use_https};
pub use identity::Identity;
use roots::TrustAnchors;
use verify::{ServerTrust, Verifier};

/// TLS configuration: trusted CAs and the client certificate. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TlsConfig {
    rustls: Arc<ClientConfig>,
    trust: Arc<ServerTrust>,
    identity: Option<Identity>,
    /// The configuration of OpenSSL, created when it is needed.
    openssl: Arc<OnceLock<SslContext>>,
    /// When servers (`host:port`) request the client certificate, if that is known.
    certificate_requests: Arc<Mutex<BTreeMap<String, CertificateRequest>>>,
}

/// When a server requests our certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CertificateRequest {
    InHandshake,
    /// When it has read a request that needs it: by a renegotiation (TLS 1.2) or post-handshake authentication (TLS 1.3).
    AfterHandshake,
    Never,
}

/// Returns the TLS configuration for these trusted CAs and this client certificate.
pub fn client_config(ca: &CaSource, identity: Option<Identity>) -> Result<TlsConfig> {
    let mut roots = TrustAnchors::none();
    roots.add(ca)?;
    config(ServerTrust::Verified(roots), identity)
}

/// Returns the TLS configuration for several sources of trusted CAs. Sources that cannot be read are skipped.
pub fn client_config_of_all(cas: &[CaSource], identity: Option<Identity>) -> Result<TlsConfig> {
    let mut roots = TrustAnchors::none();
    for ca in cas {
        if let Err(error) = roots.add(ca) {
            tracing::debug!("{error}");
        }
    }
    config(ServerTrust::Verified(roots), identity)
}

/// Returns the TLS configuration without verification of the server: for `--insecure`, and for inspecting a server's
/// certificate.
pub(crate) fn insecure_client_config(identity: Option<Identity>) -> Result<TlsConfig> {
    config(ServerTrust::AcceptAny, identity)
}

fn config(trust: ServerTrust, identity: Option<Identity>) -> Result<TlsConfig> {
    let trust = Arc::new(trust);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(Exception::ServerConnectionException, error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier { trust: trust.clone(), provider }));
    let rustls = match &identity {
        Some(identity) => builder.with_client_cert_resolver(Arc::new(identity.clone())),
        None => builder.with_no_client_auth(),
    };
    Ok(TlsConfig {
        rustls: Arc::new(rustls),
        trust,
        identity,
        openssl: Arc::default(),
        certificate_requests: Arc::default(),
    })
}
