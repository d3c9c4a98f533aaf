//! Extensions and fields of certificates: of servers, of CAs, of roots.

use anyhow::Result;
use openssl::x509::X509Name;

use crate::tls_laboratory::case::{Draft, Lab};
use crate::tls_laboratory::certificate::Blueprint;

/// Extensions that a server's certificate has besides the usual ones, or instead; an empty value removes one.
const OF_SERVERS: &[(&str, &str, &str)] = &[
    ("is-an-authority", "basicConstraints", "critical,CA:TRUE"),
    ("is-an-authority-path-length-0", "basicConstraints", "critical,CA:TRUE,pathlen:0"),
    ("without-constraints", "basicConstraints", ""),
    ("usage-none", "keyUsage", ""),
    ("usage-signature", "keyUsage", "critical,digitalSignature"),
    ("usage-encipherment", "keyUsage", "critical,keyEncipherment"),
    ("usage-agreement", "keyUsage", "critical,keyAgreement"),
    ("usage-certificates", "keyUsage", "critical,keyCertSign"),
    ("usage-non-repudiation", "keyUsage", "critical,nonRepudiation"),
    (
        "usage-all",
        "keyUsage",
        "digitalSignature,nonRepudiation,keyEncipherment,dataEncipherment,keyAgreement,keyCertSign,cRLSign",
    ),
    ("purpose-none", "extendedKeyUsage", ""),
    ("purpose-critical", "extendedKeyUsage", "critical,serverAuth"),
    ("purpose-client", "extendedKeyUsage", "clientAuth"),
    ("purpose-both", "extendedKeyUsage", "clientAuth,serverAuth"),
    ("purpose-any", "extendedKeyUsage", "anyExtendedKeyUsage"),
    ("purpose-code", "extendedKeyUsage", "codeSigning"),
    ("purpose-gated-crypto", "extendedKeyUsage", "msSGC"),
    ("purpose-unknown", "extendedKeyUsage", "1.3.6.1.4.1.9999.1"),
    ("purpose-unknown-and-server", "extendedKeyUsage", "1.3.6.1.4.1.9999.1,serverAuth"),
    ("unknown-extension", "1.3.6.1.4.1.9999.2", "ASN1:UTF8String:unknown"),
    ("unknown-extension-critical", "1.3.6.1.4.1.9999.2", "critical,ASN1:UTF8String:unknown"),
    ("policies", "certificatePolicies", "1.2.3.4"),
    ("policies-critical", "certificatePolicies", "critical,1.2.3.4"),
    ("type-server", "nsCertType", "server"),
    ("type-server-critical", "nsCertType", "critical,server"),
    ("type-client", "nsCertType", "client"),
    ("comment", "nsComment", "A comment"),
    ("must-staple", "tlsfeature", "status_request"),
    ("key-identifier-critical", "subjectKeyIdentifier", "critical,hash"),
    ("revocation-list-at", "crlDistributionPoints", "URI:http://crl.invalid/list.crl"),
    ("revocation-list-at-critical", "crlDistributionPoints", "critical,URI:http://crl.invalid/list.crl"),
    ("responder-at", "authorityInfoAccess", "OCSP;URI:http://ocsp.invalid"),
    ("alternative-name-of-issuer", "issuerAltName", "DNS:ca.invalid"),
    ("proxy-information", "proxyCertInfo", "critical,language:id-ppl-inheritAll"),
];

/// Extensions of an intermediate.
const OF_AUTHORITIES: &[(&str, &str, &str)] = &[
    ("policies-critical", "certificatePolicies", "critical,1.2.3.4"),
    ("policy-constraints", "policyConstraints", "critical,requireExplicitPolicy:0"),
    ("policy-constraints-later", "policyConstraints", "critical,requireExplicitPolicy:5"),
    ("policy-mappings", "policyMappings", "1.2.3.4:1.2.3.5"),
    ("inhibit-any-policy", "inhibitAnyPolicy", "critical,0"),
    ("type-authority-critical", "nsCertType", "critical,sslCA"),
    ("type-email-authority", "nsCertType", "emailCA"),
    ("unknown-extension-critical", "1.3.6.1.4.1.9999.2", "critical,ASN1:UTF8String:unknown"),
    ("names-permitted", "nameConstraints", "critical,permitted;DNS:localhost"),
    ("names-permitted-not-critical", "nameConstraints", "permitted;DNS:localhost"),
    ("names-permitted-others", "nameConstraints", "critical,permitted;DNS:example.org"),
    ("names-excluded", "nameConstraints", "critical,excluded;DNS:localhost"),
    ("names-excluded-others", "nameConstraints", "critical,excluded;DNS:example.org"),
    ("addresses-permitted", "nameConstraints", "critical,permitted;IP:10.0.0.0/255.0.0.0"),
    ("addresses-excluded", "nameConstraints", "critical,excluded;IP:10.0.0.0/255.0.0.0"),
    ("mail-permitted", "nameConstraints", "critical,permitted;email:example.org"),
    ("addresses-of-pages-permitted", "nameConstraints", "critical,permitted;URI:.example.org"),
];

pub(super) fn drafts(lab: &Lab) -> Result<Vec<Draft>> {
    let mut drafts = Vec::new();
    for (name, extension, value) in OF_SERVERS {
        drafts.push(lab.server(&format!("server-{name}"), &Blueprint::server().with(extension, value))?);
    }
    for (name, extension, value) in OF_AUTHORITIES {
        drafts.push(below(lab, &format!("authority-{name}"), &Blueprint::authority("Between").with(extension, value))?);
    }
    for (name, list, part) in [
        ("directory-permitted", 0xa0, "Laboratory"),
        ("directory-permitted-others", 0xa0, "Elsewhere"),
        ("directory-excluded", 0xa1, "Laboratory"),
        ("directory-excluded-others", 0xa1, "Elsewhere"),
    ] {
        let value = format!("critical,DER:{}", directory_constraint(list, part)?);
        drafts.push(below(
            lab,
            &format!("authority-{name}"),
            &Blueprint::authority("Between").with("nameConstraints", &value),
        )?);
    }
    drafts.extend(fields(lab)?);
    drafts.extend(roots(lab)?);
    Ok(drafts)
}

/// A server below an intermediate of this kind.
fn below(lab: &Lab, name: &str, between: &Blueprint) -> Result<Draft> {
    let between = lab.issue(between)?;
    let own = lab.issue_by(&between, &Blueprint::server())?;
    Ok(Draft::new(name, own).sends(&[&between]).trusts(&[&lab.root]))
}

/// Name constraints (RFC 5280, 4.2.1.10) of one directory name, permitted (`0xa0`) or excluded, in hexadecimal digits.
fn directory_constraint(list: u8, organisation: &str) -> Result<String> {
    let mut name = X509Name::builder()?;
    name.append_entry_by_text("O", organisation)?;
    let wrap = |tag: u8, content: Vec<u8>| [vec![tag, content.len() as u8], content].concat();
    let subtree = wrap(0x30, wrap(0xa4, name.build().to_der()?));
    let bytes = wrap(0x30, wrap(list, subtree));
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Versions, serial numbers and dates.
fn fields(lab: &Lab) -> Result<Vec<Draft>> {
    let server = Blueprint::server;
    let large = "1".repeat(60);
    let cases = [
        ("version-1", server().bare().version(1)),
        ("extensions-none", server().bare()),
        ("extensions-only-names", server().bare().with("subjectAltName", "DNS:localhost")),
        ("extension-twice", server().twice("subjectAltName", "DNS:localhost")),
        ("serial-0", server().serial("0")),
        ("serial-negative", server().serial("-5")),
        ("serial-large", server().serial(&large)),
        ("expired", server().days(-9, -1)),
        ("not-yet-valid", server().days(1, 9)),
        ("valid-beyond-2050", server().days(-1, 20_000)),
        ("valid-since-1951", server().days(-27_000, 1)),
        ("valid-for-825-days-and-more", server().days(-1, 4000)),
        ("ends-before-it-begins", server().days(9, -9)),
    ];
    cases.iter().map(|(name, blueprint)| lab.server(name, blueprint)).collect()
}

/// Roots that are no good CAs, or unusual.
fn roots(lab: &Lab) -> Result<Vec<Draft>> {
    let root = || Blueprint::authority("Other Root");
    let cases = [
        ("no-authority", root().with("basicConstraints", "critical,CA:FALSE").with("keyUsage", "")),
        ("may-not-sign", root().with("keyUsage", "critical,digitalSignature")),
        ("without-constraints", root().with("basicConstraints", "")),
        ("bare", root().bare()),
        ("version-1", root().bare().version(1)),
        ("for-clients", root().with("extendedKeyUsage", "clientAuth")),
        ("for-servers", root().with("extendedKeyUsage", "serverAuth")),
        ("for-any-use", root().with("extendedKeyUsage", "anyExtendedKeyUsage")),
        ("type-authority", root().with("nsCertType", "sslCA")),
        ("type-server", root().with("nsCertType", "server")),
        ("expired", root().days(-9, -1)),
        ("not-yet-valid", root().days(1, 9)),
        ("path-length-0", root().with("basicConstraints", "critical,CA:TRUE,pathlen:0")),
        ("names-permitted-others", root().with("nameConstraints", "critical,permitted;DNS:example.org")),
        ("unknown-extension-critical", root().with("1.3.6.1.4.1.9999.2", "critical,ASN1:UTF8String:unknown")),
        ("policy-constraints", root().with("policyConstraints", "critical,requireExplicitPolicy:0")),
        ("constraints-not-critical", root().with("basicConstraints", "CA:TRUE")),
        ("extension-twice", root().twice("keyUsage", "critical,keyCertSign")),
    ];
    let mut drafts = Vec::new();
    for (name, blueprint) in cases {
        let root = lab.self_signed(&blueprint)?;
        drafts.push(Draft::new(&format!("root-{name}"), lab.issue_by(&root, &Blueprint::server())?).trusts(&[&root]));
    }
    Ok(drafts)
}
