//! `GET /auth/x509` and `GET /auth/x509_proxy`: a certificate, or a proxy of one.

use std::path::Path;
use std::sync::Arc;

use openssl::asn1::Asn1Time;
use openssl::x509::X509;

use super::{Token, asking};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::tls::{self, AskPassphrase, Identity};
use crate::http::{Client, Request};

/// Asks `path` for a token over a connection that shows the certificate. An expired one is not even tried: the
/// server's refusal would not say why.
pub(super) async fn authenticate(client: &Client, path: &str, cert: &Path, key: Option<&Path>) -> Result<Token> {
    refuse_if_expired(cert)?;
    let interact = client.interact().clone();
    let ask: AskPassphrase = Arc::new(move |key| interact.secret(&tls::question(key)));
    let (cert, key) = (cert.to_owned(), key.map(Path::to_owned));
    let identity = asking(move || Identity::load(&cert, key.as_deref(), &ask)).await??;
    let connections = client.connect(Some(identity))?;
    Token::from_answer(client.authenticate(&connections, &Request::get(path)).await?).await
}

fn refuse_if_expired(cert: &Path) -> Result<()> {
    let pem = std::fs::read(cert).map_err(|error| Error::io(format!("Cannot read {}", cert.display()), error))?;
    let (Ok(certificate), Ok(now)) = (X509::from_pem(&pem), Asn1Time::days_from_now(0)) else { return Ok(()) };
    match certificate.not_after() < now {
        true => Err(Error::new(
            Exception::CannotAuthenticate,
            format!("The certificate in {} expired on {}", cert.display(), certificate.not_after()),
        )),
        false => Ok(()),
    }
}
