//! Path length constraints of trust anchors: the number of CAs allowed below them (pathLenConstraint; RFC 5280,
//! 4.2.1.9). webpki checks them for certificates sent by a server, but not for anchors.

use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;

use crate::certificate;

/// Trust anchors.
#[derive(Debug)]
pub(super) struct Anchors {
    /// Anchors without a limit.
    pub(super) unlimited: RootCertStore,
    /// Anchors with their maximum number of CAs below them.
    pub(super) limited: Vec<(CertificateDer<'static>, usize)>,
}

impl Anchors {
    /// Returns the anchors, each with those of the `others` (sent by the server with its `own` certificate) that are
    /// allowed below it. Always has one entry; further ones only where a limit matters.
    pub(super) fn with_intermediates<'a>(
        &self,
        own: &'a CertificateDer<'a>,
        others: &[&'a CertificateDer<'a>],
    ) -> Vec<(RootCertStore, Vec<CertificateDer<'a>>)> {
        let (within, beyond): (Vec<_>, Vec<_>) = self.limited.iter().partition(|(_, most)| *most >= others.len());
        let mut store = self.unlimited.clone();
        store.add_parsable_certificates(within.into_iter().map(|(anchor, _)| anchor.clone()));
        let first = (store, others.iter().map(|one| (*one).clone()).collect());
        let rest = beyond.into_iter().map(|(anchor, most)| {
            let mut store = RootCertStore::empty();
            store.add_parsable_certificates([anchor.clone()]);
            (store, nearest(own, others, *most))
        });
        std::iter::once(first).chain(rest).collect()
    }
}

/// Returns the certificates up to so many steps above the server's, following the issuer names. Self-issued
/// certificates, which introduce a new key, do not count as a step.
fn nearest<'a>(
    own: &'a CertificateDer<'a>,
    others: &[&'a CertificateDer<'a>],
    steps: usize,
) -> Vec<CertificateDer<'a>> {
    let mut issuers: Vec<_> = certificate::names(own).into_iter().map(|(issuer, _)| issuer).collect();
    let mut found = Vec::new();
    for step in 0..=steps {
        let named = others.iter().filter_map(|one| Some((*one, certificate::names(one)?)));
        let named = named.filter(|(_, (_, subject))| issuers.contains(subject));
        let (to_itself, above): (Vec<_>, Vec<_>) = named.partition(|(_, (issuer, subject))| issuer == subject);
        let above = if step < steps { above } else { Vec::new() };
        found.extend(to_itself.iter().chain(&above).map(|(one, _)| (*one).clone()));
        issuers = above.into_iter().map(|(_, (issuer, _))| issuer).collect();
    }
    found
}
