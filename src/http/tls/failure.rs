//! Messages and hints for failed TLS handshakes.

use std::error::Error as StdError;

use rustls::{AlertDescription as Alert, CertificateError as Fault, Error, OtherError};
use rustls_pki_types::UnixTime;

use super::fallback::Refusal;
use super::untrusted::{Untrusted, name_ca};
use crate::hint::{Hint, Parameter};
use crate::time::date;

/// A handshake failure that a retry would not fix.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TlsFailure {
    /// What is wrong.
    pub(crate) reason: String,
    /// What to do about it.
    pub(crate) hints: Vec<Hint>,
    /// Whether the server rejected our certificate.
    pub(crate) is_client_certificate: bool,
}

/// Returns the TLS failure in a chain of errors, if there is one.
pub(crate) fn failure(error: &(dyn StdError + 'static)) -> Option<TlsFailure> {
    std::iter::successors(Some(error), |error| below(*error)).find_map(|error| explain(error.downcast_ref()?))
}

fn below<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    // `source()` of an I/O error skips the error that it wraps.
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    wrapped.map(|wrapped| wrapped as &(dyn StdError + 'static)).or_else(|| error.source())
}

fn explain(error: &Error) -> Option<TlsFailure> {
    match error {
        Error::InvalidCertificate(fault) => Some(server_certificate_failure(fault)),
        Error::AlertReceived(alert) => client_certificate_failure(*alert).or_else(|| alert_failure(*alert)),
        Error::InvalidMessage(_) => Some(TlsFailure {
            reason: "the server does not speak TLS on this port".to_owned(),
            hints: vec![check_address("Check the port, and whether the address must begin with http://")],
            is_client_certificate: false,
        }),
        Error::Other(other) => other.0.downcast_ref().map(|refusal: &Refusal| server_failure(refusal.reason.clone())),
        Error::PeerIncompatible(_) | Error::PeerMisbehaved(_) | Error::InappropriateHandshakeMessage { .. } => {
            Some(server_failure("the TLS handshake failed: the server does not follow the protocol".to_owned()))
        }
        _ => None,
    }
}

/// Returns a failure that only the server's administrators can fix.
fn server_failure(reason: String) -> TlsFailure {
    TlsFailure { reason, hints: vec![TELL_ADMINISTRATORS.into()], is_client_certificate: false }
}

const TELL_ADMINISTRATORS: &str = "Tell the server's administrators.";

/// Describes why the server ended the handshake; `None` if a retry may help.
fn alert_failure(alert: Alert) -> Option<TlsFailure> {
    let reason = match alert {
        Alert::HandshakeFailure => {
            "handshake failure: it and this client have no cipher, key exchange or signature algorithm in common, or it \
             requires a client certificate"
        }
        Alert::InsufficientSecurity => "insufficient security: it requires stronger ciphers",
        Alert::ProtocolVersion => "protocol version: it does not speak TLS 1.2 or 1.3",
        Alert::UnrecognisedName => "unrecognized name: it has no certificate for this host name",
        Alert::IllegalParameter => "illegal parameter",
        Alert::DecodeError => "decode error",
        Alert::UnsupportedExtension => "unsupported extension",
        Alert::AccessDenied => "access denied",
        Alert::NoApplicationProtocol => "no application protocol",
        _ => return None,
    };
    Some(server_failure(format!("the server ended the TLS handshake ({reason})")))
}

/// Describes a problem with the server's certificate.
fn server_certificate_failure(fault: &Fault) -> TlsFailure {
    let (reason, hint) = match fault {
        Fault::ExpiredContext { time, not_after } => (
            format!("the server's certificate expired on {} (it is {} now)", when(not_after), when(time)),
            "Tell the server's administrators, unless the clock of this machine (`date`) is wrong.".into(),
        ),
        Fault::NotValidYetContext { time, not_before } => (
            format!("the server's certificate is not valid before {} (it is {} now)", when(not_before), when(time)),
            "Check the clock of this machine (`date`).".into(),
        ),
        Fault::NotValidForNameContext { presented, .. } => (
            format!("the server's certificate is that of another host: {}", hosts(presented)),
            check_address("Check the address of the server"),
        ),
        Fault::Revoked => (
            "the server's certificate was revoked by its CA".to_owned(),
            "Its key may have been stolen: do not use this server, and tell its administrators.".into(),
        ),
        Fault::InvalidPurpose | Fault::InvalidPurposeContext { .. } => (
            "the server's certificate is not for TLS servers, according to its extendedKeyUsage, keyUsage or nsCertType"
                .to_owned(),
            TELL_ADMINISTRATORS.into(),
        ),
        Fault::Other(other) => return other_certificate_failure(other),
        Fault::UnknownIssuer => ("the server's certificate is not trusted (unknown CA)".to_owned(), name_ca()),
        Fault::BadEncoding => return server_failure("the server's certificate is malformed".to_owned()),
        Fault::BadSignature => {
            return server_failure("a signature of the server's certificate or of its CA is not valid".to_owned());
        }
        _ => return server_failure("the server's certificate is not valid".to_owned()),
    };
    TlsFailure { reason, hints: vec![hint], is_client_certificate: false }
}

/// Describes a problem found by our own checks, or by OpenSSL.
fn other_certificate_failure(other: &OtherError) -> TlsFailure {
    if let Some(untrusted) = other.0.downcast_ref::<Untrusted>() {
        let (reason, hints) = (untrusted.to_string(), untrusted.hints());
        return TlsFailure { reason, hints, is_client_certificate: false };
    }
    let refusal = other.0.downcast_ref::<Refusal>().map(|refusal| refusal.reason.clone());
    server_failure(refusal.unwrap_or_else(|| "the server's certificate is not valid".to_owned()))
}

/// Returns the hint for an address where another server answers.
pub(in crate::http) fn check_address(advice: &str) -> Hint {
    Hint::parameters(advice, [Parameter::Host, Parameter::AuthHost])
}

/// Returns the hint for a URL with http of a server that expects TLS.
pub(in crate::http) fn use_https(url: &url::Url) -> Hint {
    let host = url.origin().ascii_serialization().replacen("http:", "https:", 1);
    check_address(&format!("The server expects TLS: write {host}"))
}

/// Returns the hint if the server rejects our certificate, until the caller knows which one was sent.
pub(crate) fn refused_certificate() -> Hint {
    let parameters = [Parameter::AuthMethod, Parameter::Certificate];
    Hint::parameters("Choose x509 or x509_proxy and a certificate that the server accepts", parameters)
}

/// Message if the server considers our certificate expired. As expired ones are not sent, the clocks disagree.
pub(crate) const CERTIFICATE_EXPIRED: &str = "the server says that your certificate has expired";

/// Describes a rejection of our certificate, from the server's TLS alert.
fn client_certificate_failure(alert: Alert) -> Option<TlsFailure> {
    let reason = match alert {
        Alert::UnknownCA => "the server does not know the CA that signed your certificate",
        Alert::CertificateExpired => CERTIFICATE_EXPIRED,
        Alert::CertificateRevoked => "the server says that your certificate was revoked",
        Alert::CertificateRequired => "the server requires a client certificate, and none was sent",
        Alert::BadCertificate | Alert::UnsupportedCertificate | Alert::CertificateUnknown => {
            "the server does not accept your certificate"
        }
        _ => return None,
    };
    Some(TlsFailure { reason: reason.to_owned(), hints: vec![refused_certificate()], is_client_certificate: true })
}

fn hosts(presented: &[String]) -> String {
    // rustls lists `DnsName("host")` and `IpAddress(::1)`.
    let name = |text: &String| match text.strip_prefix("IpAddress(").and_then(|rest| rest.strip_suffix(')')) {
        Some(address) => address.to_owned(),
        None => text.split('"').nth(1).unwrap_or(text).to_owned(),
    };
    match presented {
        [] => "it names none".to_owned(),
        some => some.iter().map(name).collect::<Vec<_>>().join(", "),
    }
}

fn when(time: &UnixTime) -> String {
    date(i64::try_from(time.as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_failure_finds_the_certificate_problem_below_its_wrappers() {
        let unknown = Error::InvalidCertificate(Fault::UnknownIssuer);
        let wrapped = crate::Error::io("connecting", std::io::Error::other(std::io::Error::other(unknown)));
        assert!(failure(&wrapped).is_some_and(|failure| failure.hints == [name_ca()]));
        let refused = crate::Error::io("connecting", std::io::ErrorKind::ConnectionRefused.into());
        assert_eq!(failure(&refused), None);
    }

    #[test]
    fn tls_failure_tells_alerts_about_our_certificate_from_others() {
        for (alert, ours) in
            [(Alert::CertificateExpired, Some(true)), (Alert::UnknownCA, Some(true)), (Alert::InternalError, None)]
        {
            assert_eq!(
                explain(&Error::AlertReceived(alert)).map(|failure| failure.is_client_certificate),
                ours,
                "{alert:?}"
            );
        }
    }

    #[test]
    fn tls_failure_has_dates() {
        let at = |seconds| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        let expired = server_certificate_failure(&Fault::ExpiredContext { time: at(86_400), not_after: at(0) });
        assert!(expired.reason.contains("1970-01-01 00:00:00 UTC (it is 1970-01-02"), "{expired:?}");
    }
}
