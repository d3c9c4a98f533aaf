//! TLS for the grid: CA certificates from a file or a hashed directory with CRLs, client certificates and RFC 3820
//! proxies with their chain, encrypted keys. Only configuration and verification; connections are made in [`super`].

mod ca_file;
mod failure;
mod identity;
mod path;
mod revocation;
mod roots;
mod untrusted;
mod verify;

use std::sync::Arc;

use rustls::ClientConfig;

use crate::config::CaSource;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
pub(crate) use ca_file::{ListedCertificate, ca_certificates};
pub(super) use failure::check_address;
pub(crate) use failure::{CERTIFICATE_EXPIRED, TlsFailure, failure, refused_certificate};
pub use identity::Identity;
use roots::TrustAnchors;
use verify::{ServerTrust, Verifier};

/// Returns the TLS configuration for these trusted CAs and this client certificate.
pub fn client_config(ca: &CaSource, identity: Option<Identity>) -> Result<ClientConfig> {
    let mut roots = TrustAnchors::none();
    roots.add(ca)?;
    config(ServerTrust::Verified(roots), identity)
}

/// Returns the TLS configuration for several sources of trusted CAs. Sources that cannot be read are skipped.
pub fn client_config_of_all(cas: &[CaSource], identity: Option<Identity>) -> Result<ClientConfig> {
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
pub(crate) fn insecure_client_config(identity: Option<Identity>) -> Result<ClientConfig> {
    config(ServerTrust::AcceptAny, identity)
}

fn config(trust: ServerTrust, identity: Option<Identity>) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(Exception::ServerConnectionException, error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier { trust, provider }));
    Ok(match identity {
        Some(identity) => builder.with_client_cert_resolver(Arc::new(identity)),
        None => builder.with_no_client_auth(),
    })
}
