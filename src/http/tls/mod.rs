//! TLS as the grid needs it: authorities from a file or a hashed folder with lists of what was revoked, a client
//! certificate or RFC 3820 proxy with its whole chain, encrypted keys.

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
pub(crate) use failure::{AT_ANOTHER_TIME, Failure, REFUSED, failure};
pub use identity::Identity;
use roots::Roots;
use verify::{Trust, Verifier};

/// The TLS settings for a connection: whom to trust, and who we are.
pub fn client_config(ca: &CaSource, identity: Option<Identity>) -> Result<ClientConfig> {
    let mut roots = Roots::none();
    roots.add(ca)?;
    config(Trust::Vouched(roots), identity)
}

/// The same where several sources say whom to trust. One that cannot be read is left out.
pub fn client_config_of_all(cas: &[CaSource], identity: Option<Identity>) -> Result<ClientConfig> {
    let mut roots = Roots::none();
    for ca in cas {
        if let Err(error) = roots.add(ca) {
            tracing::debug!("{error}");
        }
    }
    config(Trust::Vouched(roots), identity)
}

/// The TLS settings for a connection to whoever answers: what `--insecure` asks for, and whoever only looks at what a
/// server shows.
pub(crate) fn insecure_client_config(identity: Option<Identity>) -> Result<ClientConfig> {
    config(Trust::Anybody, identity)
}

fn config(trust: Trust, identity: Option<Identity>) -> Result<ClientConfig> {
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
