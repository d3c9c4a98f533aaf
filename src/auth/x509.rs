//! `GET /auth/x509` and `GET /auth/x509_proxy`: a certificate, or a proxy certificate.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use super::{Login, Token, ask_blocking};
use crate::certificate::{AskPassphrase, Certificate, CertificateKind, Key, question};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::Request;
use crate::http::tls::{self, Identity};
use crate::time::{date, unix_time};

/// Requests a token from `path` over a connection with the client certificate. A certificate that is not valid now is
/// an error before the request: the server's refusal would not say why.
pub(super) async fn authenticate(login: &Login, path: &str, cert: &Path, key: Option<&Path>) -> Result<Token> {
    let interact = login.interact.clone();
    let ask: AskPassphrase = Arc::new(move |key| interact.secret(&question(key)));
    let cert = cert.to_owned();
    let key = key.map(Path::to_owned);
    let identity = ask_blocking(move || Identity::load(&cert, key.as_deref(), &ask)).await??;
    warn_if_open(identity.certificate());
    let connections = login.transport.connect(Some(identity.clone()))?;
    let token = async {
        Token::from_response(login.transport.send_to_auth_host_over(&connections, &Request::get(path)).await?).await
    };
    token.await.map_err(|error| explain(error, identity.certificate(), login.account()))
}

/// Globus refuses such a file, the official client does not check. Only a warning, so that existing scripts work.
fn warn_if_open(certificate: &Certificate) {
    let place = certificate.file.display();
    let mode = std::fs::metadata(&certificate.file).map(|file| file.mode());
    if let Ok(mode) = mode
        && certificate.key == Key::Plain
        && mode & 0o077 != 0
    {
        let mode = mode & 0o777;
        tracing::warn!("The private key in {place} is open to others (mode {mode:o}). Run `chmod 600 {place}`.");
    }
}

/// Adds the reason why the server refused the certificate, if its own answer does not say it.
fn explain(error: Error, certificate: &Certificate, account: Option<&str>) -> Error {
    let Some(class) = error.class() else { return error };
    let hint = match (class, error.status()) {
        _ if error.details().ends_with(tls::CERTIFICATE_EXPIRED) => expired_elsewhere(certificate),
        _ if error.hints().contains(&tls::REFUSED.into()) => not_accepted(certificate),
        (Exception::CannotAuthenticate, Some(_)) if error.details().contains("Cannot get DN") => NOT_SEEN.to_owned(),
        (Exception::CannotAuthenticate | Exception::IdentityError, Some(_)) => not_mapped(certificate, account),
        _ => return error,
    };
    error.with_only_hint(hint)
}

const NOT_SEEN: &str = "The server was shown the certificate and has not seen it: check that [client] auth_host (or \
                        --auth-host) is the address that takes certificates.";

fn expired_elsewhere(certificate: &Certificate) -> String {
    let file = certificate.file.display();
    let end = date(certificate.ends().not_after);
    let now = date(unix_time());
    format!("{file} is good until {end}, and it is {now} here: check the clock of this machine (`date`).")
}

/// Returns the hint for a handshake that the server ended because of the certificate.
fn not_accepted(certificate: &Certificate) -> String {
    let file = certificate.file.display();
    let end = date(certificate.ends().not_after);
    let shown =
        format!("{file} is that of {}, signed by {}, good until {end}.", certificate.subject, certificate.issuer);
    match certificate.kind {
        CertificateKind::OldProxy | CertificateKind::OldLimitedProxy => {
            format!(
                "{shown} It is a proxy of the old form, which many servers refuse: make one with voms-proxy-init -rfc."
            )
        }
        CertificateKind::Proxy => {
            format!("{shown} Is this the right VO and server? Make another with voms-proxy-init.")
        }
        CertificateKind::Plain => format!("{shown} Name one of an authority that the server knows with --certificate."),
    }
}

/// Returns the hint for a certificate whose identity is not mapped to the account.
fn not_mapped(certificate: &Certificate, account: Option<&str>) -> String {
    let file = certificate.file.display();
    let identity = &certificate.identity;
    let quoted = identity.replace('\'', r"'\''");
    let (what, account) = match account {
        Some(account) => (format!("which is not mapped to the account {account}: name another"), account),
        None => ("for which the server finds no account: name it".to_owned(), "ACCOUNT"),
    };
    format!(
        "{file} is that of {identity}, {what} with --account or [client] account, or have an administrator run: \
         rucio-admin identity add --account {account} --type X509 --id '{quoted}' --email ADDRESS"
    )
}
