//! Verification of host certificates that are presented outside of TLS: in XRootD's authentication `gsi`.
//!
//! CAs, CRLs and verdicts are those of TLS. Names are read as in the grid: those of subjectAltName, or, if there are
//! none, the common name, which may be `host/` and the name.

use std::sync::Arc;

use openssl::nid::Nid;
use openssl::x509::{X509, X509Ref};
use rustls::{CertificateError as Fault, Error};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::TlsConfig;
use super::choice::needs_openssl;
use super::failure::failure;
use super::fallback::verify_alone;
use super::verify::{PresentedCertificates, ServerTrust, Verifier};

impl TlsConfig {
    /// Verifies a host certificate. Errors: the reason in words.
    pub(crate) fn verify_host_certificate(&self, own: &X509, host: &str) -> Result<(), String> {
        self.verify_host(own, host).map_err(|error| {
            let text = error.to_string();
            failure(&error).map_or(text, |failure| failure.reason)
        })
    }

    fn verify_host(&self, own: &X509, host: &str) -> Result<(), Error> {
        let malformed = || Error::InvalidCertificate(Fault::BadEncoding);
        let der = CertificateDer::from(own.to_der().map_err(|_| malformed())?);
        let expected = ServerName::try_from(host.to_owned());
        let expected = expected.map_err(|_| Error::InvalidCertificate(Fault::NotValidForName))?;
        let common = own.subject_alt_names().is_none().then(|| common_name(own)).flatten();
        let name = common.is_none().then_some(&expected);
        let verifier =
            Verifier { trust: self.trust.clone(), provider: Arc::new(rustls::crypto::ring::default_provider()) };
        let presented = PresentedCertificates { own: &der, others: &[], name, now: UnixTime::now() };
        match (verifier.verify_presented(&presented), &*self.trust) {
            (Err(error), ServerTrust::Verified(trusted)) if is_left_to_openssl(&error) => {
                verify_alone(trusted, own)?;
                if name.is_some() && !has_name(own, host) {
                    return Err(Error::InvalidCertificate(Fault::NotValidForName));
                }
            }
            (verified, _) => verified?,
        }
        match common {
            Some(common) if !is_name_of(&common, host) => {
                Err(Error::InvalidCertificate(Fault::NotValidForNameContext { expected, presented: vec![common] }))
            }
            _ => Ok(()),
        }
    }
}

fn is_left_to_openssl(error: &Error) -> bool {
    needs_openssl(&std::io::Error::new(std::io::ErrorKind::InvalidData, error.clone()))
}

/// Returns the last common name of the subject.
fn common_name(own: &X509Ref) -> Option<String> {
    let last = own.subject_name().entries_by_nid(Nid::COMMONNAME).last()?;
    Some(String::from_utf8_lossy(last.data().as_slice()).into_owned())
}

/// Returns whether a common name is that of a host: `se.example.org` or `host/se.example.org`.
fn is_name_of(common: &str, host: &str) -> bool {
    let name = common.rsplit_once('/').map_or(common, |(_service, name)| name);
    name.eq_ignore_ascii_case(host)
}

/// Returns whether the host is among the names of subjectAltName.
fn has_name(own: &X509Ref, host: &str) -> bool {
    let address = host.parse::<std::net::IpAddr>().ok().map(|address| match address {
        std::net::IpAddr::V4(address) => address.octets().to_vec(),
        std::net::IpAddr::V6(address) => address.octets().to_vec(),
    });
    own.subject_alt_names().into_iter().flatten().any(|name| {
        name.dnsname().is_some_and(|name| name.eq_ignore_ascii_case(host))
            || address.is_some() && name.ipaddress() == address.as_deref()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_common_names_of_hosts_may_have_a_service() {
        for (common, host, expected) in [
            ("se.example.org", "se.example.org", true),
            ("SE.example.org", "se.example.org", true),
            ("host/se.example.org", "se.example.org", true),
            ("se.example.org", "example.org", false),
            ("host/", "", true),
            ("John Doe", "se.example.org", false),
        ] {
            assert_eq!(is_name_of(common, host), expected, "{common} {host}");
        }
    }
}
