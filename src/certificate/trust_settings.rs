//! OpenSSL's trust settings behind a certificate (`BEGIN TRUSTED CERTIFICATE`, `openssl x509 -addtrust` and
//! `-addreject`): the purposes that it is trusted for or rejected for, as in OpenSSL's `X509_CERT_AUX`.

use super::der::{Elements, only};

const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// The field `[0]`: the purposes that the certificate is rejected for.
const REJECTED: u8 = 0xa0;

/// serverAuth, and anyExtendedKeyUsage.
const SERVERS: [&[u8]; 2] = [&[0x2b, 6, 1, 5, 5, 7, 3, 1], &[0x55, 0x1d, 37, 0]];

/// Removes what follows the certificate in its DER form, and returns it.
pub(crate) fn split_off(certificate: &mut Vec<u8>) -> Vec<u8> {
    let mut elements = Elements(certificate);
    let rest = elements.next().map_or(0, |_| elements.0.len());
    certificate.split_off(certificate.len() - rest)
}

/// Whether these settings exclude TLS servers: they reject them, or trust other purposes only.
pub(crate) fn exclude_servers(settings: &[u8]) -> bool {
    let fields = only(settings, SEQUENCE).unwrap_or_default();
    let has_servers =
        |purposes| Elements(purposes).any(|(tag, purpose)| tag == OBJECT_IDENTIFIER && SERVERS.contains(&purpose));
    only(fields, REJECTED).is_some_and(has_servers)
        || only(fields, SEQUENCE).is_some_and(|trusted| !has_servers(trusted))
}
