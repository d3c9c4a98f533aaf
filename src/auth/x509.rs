//! `GET /auth/x509` and `GET /auth/x509_proxy`: a certificate, or a proxy certificate.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use super::{Login, Token, ask_blocking};
use crate::certificate::{AskPassphrase, Certificate, CertificateKind, Key, question};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::{Command, Hint, Parameter};
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
    let hints = match (class, error.status()) {
        _ if error.details().ends_with(tls::CERTIFICATE_EXPIRED) => vec![expired_elsewhere(certificate)],
        _ if error.hints().contains(&tls::refused_certificate()) => not_accepted(certificate),
        (Exception::CannotAuthenticate, Some(_)) if error.details().contains("Cannot get DN") => {
            vec![Hint::parameters(NOT_SEEN, [Parameter::AuthHost])]
        }
        (Exception::CannotAuthenticate | Exception::IdentityError, Some(_)) => not_mapped(certificate, account),
        _ => return error,
    };
    error.without_hints().with_hints(hints)
}

const NOT_SEEN: &str = "The server did not receive the client certificate; a proxy may end the TLS connection. Check the \
                        address for logins with certificates";

fn expired_elsewhere(certificate: &Certificate) -> Hint {
    let file = certificate.file.display();
    let end = date(certificate.ends().not_after);
    let now = date(unix_time());
    format!("{file} is valid until {end}, and it is {now} here: check the clock of this machine (`date`).").into()
}

/// Returns the hints for a handshake that the server ended because of the certificate.
fn not_accepted(certificate: &Certificate) -> Vec<Hint> {
    let file = certificate.file.display();
    let end = date(certificate.ends().not_after);
    let Certificate { subject, issuer, .. } = certificate;
    let sent = format!("The certificate in {file} is that of {subject}, signed by {issuer}, valid until {end}.");
    let advice = match certificate.kind {
        CertificateKind::OldProxy | CertificateKind::OldLimitedProxy => {
            "It is a proxy of the old form, which many servers refuse. Create one with voms-proxy-init -rfc.".into()
        }
        CertificateKind::Proxy => {
            "Check that VO and server are the right ones. Create another one with voms-proxy-init.".into()
        }
        CertificateKind::Plain => Hint::parameters("Use one of a CA that the server trusts", [Parameter::Certificate]),
    };
    vec![sent.into(), advice]
}

/// Returns the hints for a certificate whose identity is not mapped to the account.
fn not_mapped(certificate: &Certificate, account: Option<&str>) -> Vec<Hint> {
    let file = certificate.file.display();
    let identity = certificate.identity.clone();
    let (problem, advice) = match account {
        Some(account) => (format!("not mapped to the account {account}"), "Choose another account"),
        None => ("for which the server finds no account".to_owned(), "Choose the account"),
    };
    let found = format!("The identity in {file} is {identity}, {problem}.");
    let command = Command::AddIdentity { kind: "X509", identity, account: account.map(str::to_owned) };
    vec![
        found.into(),
        Hint::parameters(advice, [Parameter::Account]),
        Hint::command("Or an administrator can add the identity", command),
    ]
}
