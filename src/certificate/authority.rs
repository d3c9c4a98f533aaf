//! Rules for certificates that may be the trust anchor of a TLS server.
//!
//! OpenSSL 3.0 accepts a CA certificate by the same rules (`check_ca` and the purpose `sslserver`), as curl and Python
//! use them; the tests compare the two. webpki accepts any certificate as an anchor.

use super::der::{Elements, Fields, only};
use crate::time::date;

/// The reason why a certificate may not be a trust anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    #[error("it is malformed")]
    Malformed,
    /// It expired, in seconds since 1970.
    #[error("it expired on {}", date(*.0))]
    Expired(i64),
    /// It is not valid before this time, in seconds since 1970.
    #[error("it is valid only from {} on", date(*.0))]
    NotYetValid(i64),
    /// Its extension basicConstraints does not mark it as a CA.
    #[error("it is not the certificate of a CA")]
    NotCa,
    /// Its keyUsage lacks keyCertSign.
    #[error("it may not sign certificates (its keyUsage lacks keyCertSign)")]
    NoCertSign,
    /// Its extendedKeyUsage does not include TLS servers.
    #[error("it is not for TLS servers (its extendedKeyUsage lacks serverAuth)")]
    NotForServers,
    /// The trust settings in its file exclude TLS servers.
    #[error("its trust settings exclude TLS servers (BEGIN TRUSTED CERTIFICATE)")]
    Rejected,
    /// The chain below it has more CAs than its basicConstraints allow.
    #[error("it allows {0} CAs below it (pathlen in its basicConstraints), and the server has more")]
    TooFar(usize),
}

impl Unfit {
    /// Returns what to do about it, for a hint.
    pub(crate) fn remedy(self) -> &'static str {
        match self {
            Self::Expired(_) => "Replace it with the CA's current certificate.",
            Self::NotYetValid(_) => "Check the clock of this machine: date -u",
            Self::Malformed => "Get it again from the CA.",
            Self::NotCa => "Replace it with the certificate of the CA that signed it.",
            Self::Rejected => "Replace it with a CA certificate without these settings (openssl x509 -in FILE).",
            Self::TooFar(_) => "Tell the server's administrators.",
            Self::NoCertSign | Self::NotForServers => "Replace it with the CA's certificate for signing TLS servers.",
        }
    }
}

const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 37];
/// The predecessor of both (2.16.840.1.113730.1.1).
const NETSCAPE_CERT_TYPE: &[u8] = &[0x60, 0x86, 0x48, 1, 0x86, 0xf8, 0x42, 1, 1];
/// serverAuth and its predecessors (msSGC, nsSGC). Not anyExtendedKeyUsage: OpenSSL does not accept that for servers
/// either.
const FOR_SERVERS: [&[u8]; 3] = [
    &[0x2b, 6, 1, 5, 5, 7, 3, 1],
    &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 10, 3, 3],
    &[0x60, 0x86, 0x48, 1, 0x86, 0xf8, 0x42, 4, 1],
];

/// keyCertSign, the sixth bit of keyUsage; in nsCertType the same bit means a CA of TLS servers.
const KEY_CERT_SIGN: u8 = 0x04;
const NETSCAPE_SSL_CA: u8 = 0x04;
/// digitalSignature, keyEncipherment and keyAgreement of keyUsage: a TLS server needs one of them.
const KEY_USAGES_OF_SERVERS: u8 = 0x80 | 0x20 | 0x08;
const NETSCAPE_SSL_SERVER: u8 = 0x40;

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// Returns why this certificate (in DER form) may not be a trust anchor for TLS servers at this time (seconds since
/// 1970).
pub(crate) fn unfit(certificate: &[u8], now: i64) -> Option<Unfit> {
    let Some(fields) = Fields::of(certificate) else { return Some(Unfit::Malformed) };
    match fields.times() {
        None => Some(Unfit::Malformed),
        Some((_, end)) if now > end => Some(Unfit::Expired(end)),
        Some((start, _)) if now < start => Some(Unfit::NotYetValid(start)),
        _ if !is_ca(&fields) => Some(Unfit::NotCa),
        _ if !may_sign(&fields) => Some(Unfit::NoCertSign),
        _ if !is_for_servers(&fields) => Some(Unfit::NotForServers),
        _ => None,
    }
}

/// Whether this certificate (in DER form) is for TLS servers, according to its extendedKeyUsage.
pub(crate) fn is_for_tls_servers(certificate: &[u8]) -> bool {
    Fields::of(certificate).is_some_and(|fields| is_for_servers(&fields))
}

/// Whether the key usage and the Netscape type of a server's own certificate (in DER form) allow TLS servers.
pub(crate) fn has_usage_of_servers(certificate: &[u8]) -> bool {
    let allows = |fields: &Fields<'_>, extension, bits| {
        fields.extension(extension).is_none() || has_bit(fields, extension, bits)
    };
    Fields::of(certificate).is_some_and(|fields| {
        allows(&fields, KEY_USAGE, KEY_USAGES_OF_SERVERS) && allows(&fields, NETSCAPE_CERT_TYPE, NETSCAPE_SSL_SERVER)
    })
}

/// Returns the maximum number of CAs below this certificate (in DER form), if it states one.
pub(crate) fn most_below(certificate: &[u8]) -> Option<usize> {
    let constraints = Fields::of(certificate)?.extension(BASIC_CONSTRAINTS)?;
    let length = only(only(constraints, SEQUENCE)?, INTEGER)?;
    // No chain is longer than what fits into a byte.
    Some(if let [length] = length { usize::from(*length) } else { usize::from(u8::MAX) })
}

/// Without basicConstraints, accepts an old root (version 1, self-issued) or another extension that marks a CA.
fn is_ca(fields: &Fields<'_>) -> bool {
    if let Some(constraints) = fields.extension(BASIC_CONSTRAINTS) {
        let is_ca = only(constraints, SEQUENCE).and_then(|inner| only(inner, BOOLEAN));
        return is_ca.is_some_and(|value| value.iter().any(|byte| *byte != 0));
    }
    let is_old_root = fields.version == 0 && fields.issuer == fields.subject;
    is_old_root || has_bit(fields, KEY_USAGE, KEY_CERT_SIGN) || has_bit(fields, NETSCAPE_CERT_TYPE, NETSCAPE_SSL_CA)
}

fn may_sign(fields: &Fields<'_>) -> bool {
    fields.extension(KEY_USAGE).is_none() || has_bit(fields, KEY_USAGE, KEY_CERT_SIGN)
}

fn is_for_servers(fields: &Fields<'_>) -> bool {
    fields.extension(EXTENDED_KEY_USAGE).is_none_or(|value| {
        let mut uses = Elements(only(value, SEQUENCE).unwrap_or_default());
        uses.any(|(tag, identifier)| tag == OBJECT_IDENTIFIER && FOR_SERVERS.contains(&identifier))
    })
}

/// Whether the bit string in this extension has one of these bits in its first byte, which follows the number of unused bits.
fn has_bit(fields: &Fields<'_>, extension: &[u8], mask: u8) -> bool {
    let bits = fields.extension(extension).and_then(|value| only(value, BIT_STRING));
    bits.and_then(|bits| bits.get(1)).is_some_and(|first| first & mask != 0)
}

#[cfg(test)]
mod tests;
