//! Decides after which failures of rustls a connection is made again by OpenSSL.
//!
//! Not after those that OpenSSL shares (unknown CA, expired, another host's certificate, revoked): the second attempt
//! would only cost time.

use std::io;

use rustls::{AlertDescription as Alert, CertificateError as Fault, Error};

use super::untrusted::Untrusted;

/// Returns whether OpenSSL may complete a handshake that failed with this error in rustls.
pub(super) fn needs_openssl(error: &io::Error) -> bool {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(Error::InvalidCertificate(fault)) => may_accept(fault),
        // How a server refuses when there is no version, cipher, group or signature algorithm in common.
        Some(Error::AlertReceived(alert)) => matches!(
            alert,
            Alert::HandshakeFailure
                | Alert::InsufficientSecurity
                | Alert::ProtocolVersion
                | Alert::IllegalParameter
                | Alert::DecodeError
        ),
        Some(Error::PeerIncompatible(_) | Error::PeerMisbehaved(_)) => true,
        _ => false,
    }
}

/// Returns whether OpenSSL may accept a certificate that webpki rejects for this reason: webpki knows fewer algorithms,
/// extensions and forms.
fn may_accept(fault: &Fault) -> bool {
    match fault {
        Fault::Expired
        | Fault::ExpiredContext { .. }
        | Fault::NotValidYet
        | Fault::NotValidYetContext { .. }
        | Fault::Revoked
        | Fault::NotValidForName
        | Fault::NotValidForNameContext { .. }
        | Fault::UnknownIssuer => false,
        Fault::Other(other) => other.0.downcast_ref::<Untrusted>().is_none_or(Untrusted::is_signed),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use rustls_pki_types::UnixTime;

    use super::*;

    fn needs(error: Error) -> bool {
        needs_openssl(&io::Error::new(io::ErrorKind::InvalidData, error))
    }

    #[test]
    fn tls_library_is_changed_for_what_rustls_does_not_speak() {
        let time = UnixTime::since_unix_epoch(std::time::Duration::ZERO);
        for (error, expected) in [
            (Error::AlertReceived(Alert::HandshakeFailure), true),
            (Error::PeerIncompatible(rustls::PeerIncompatible::NoCipherSuitesInCommon), true),
            (Error::InvalidCertificate(Fault::UnhandledCriticalExtension), true),
            (Error::InvalidCertificate(Fault::BadSignature), true),
            (Error::InvalidCertificate(Fault::UnknownIssuer), false),
            (Error::InvalidCertificate(Fault::NotValidForName), false),
            (Error::InvalidCertificate(Fault::Revoked), false),
            (Error::InvalidCertificate(Fault::ExpiredContext { time, not_after: time }), false),
            (Error::AlertReceived(Alert::UnknownCA), false),
            (Error::AlertReceived(Alert::CertificateRequired), false),
            (Error::AlertReceived(Alert::InternalError), false),
        ] {
            assert_eq!(needs(error.clone()), expected, "{error:?}");
        }
        assert!(!needs_openssl(&io::ErrorKind::ConnectionReset.into()), "not a TLS failure");
    }
}
