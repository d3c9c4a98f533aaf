//! Keys and signatures.

use anyhow::Result;

use crate::tls_laboratory::case::{Draft, Lab};
use crate::tls_laboratory::certificate::Blueprint;

/// Keys of a server.
const SERVER_KEYS: &[&str] = &[
    "rsa-1024",
    "rsa-2048",
    "rsa-3072",
    "rsa-4096",
    "rsa-8192",
    "rsa-pss",
    "rsa-pss-restricted",
    "p-224",
    "p-256",
    "p-384",
    "p-521",
    "secp256k1",
    "brainpool-256",
    "p-256-explicit",
    "ed25519",
    "ed448",
];

/// Keys of a root, with the digest that it signs with.
const SIGNATURES: &[(&str, &str)] = &[
    ("rsa-1024", "sha256"),
    ("rsa-2048-other", "md5"),
    ("rsa-2048-other", "sha1"),
    ("rsa-2048-other", "sha224"),
    ("rsa-2048-other", "sha256"),
    ("rsa-2048-other", "sha384"),
    ("rsa-2048-other", "sha512"),
    ("rsa-2048-other", "sha512-256"),
    ("rsa-2048-other", "sha3-256"),
    ("rsa-8192", "sha512"),
    ("rsa-pss", "sha256"),
    ("rsa-pss-restricted", "sha256"),
    ("p-256-other", "sha1"),
    ("p-256-other", "sha224"),
    ("p-256-other", "sha384"),
    ("p-256-other", "sha512"),
    ("p-384", "sha256"),
    ("p-384", "sha384"),
    ("p-384", "sha512"),
    ("p-521", "sha256"),
    ("p-521", "sha512"),
    ("secp256k1", "sha256"),
    ("ed25519", "none"),
    ("ed448", "none"),
];

pub(super) fn drafts(lab: &Lab) -> Result<Vec<Draft>> {
    let mut drafts = Vec::new();
    for key in SERVER_KEYS {
        drafts.push(lab.server(&format!("key-{key}"), &Blueprint::server().key(key))?);
    }
    for (key, digest) in SIGNATURES {
        let root = lab.self_signed(&Blueprint::authority("Signer").key(key))?;
        let own = lab.issue_by(&root, &Blueprint::server().digest(digest))?;
        drafts.push(Draft::new(&format!("signature-{key}-{digest}"), own).trusts(&[&root]));
    }
    let root = lab.self_signed(&Blueprint::authority("Signer").key("rsa-2048-other"))?;
    for salt in ["0", "20", "32", "64", "max"] {
        let own = root.sign_with_salt(&lab.keys.key("p-256")?, salt)?;
        drafts.push(Draft::new(&format!("signature-pss-salt-{salt}"), own).trusts(&[&root]));
    }
    // The signature of a root on itself proves nothing, so neither client verifies it.
    for digest in ["md5", "sha1"] {
        let root = lab.self_signed(&Blueprint::authority("Old").key("rsa-2048-other").digest(digest))?;
        drafts.push(
            Draft::new(&format!("root-signed-with-{digest}"), lab.issue_by(&root, &Blueprint::server())?)
                .trusts(&[&root]),
        );
        let root = lab.self_signed(&Blueprint::authority("Root").key("rsa-2048-other"))?;
        let between = lab.issue_by(&root, &Blueprint::authority("Between").digest(digest))?;
        let own = lab.issue_by(&between, &Blueprint::server())?;
        drafts.push(Draft::new(&format!("intermediate-signed-with-{digest}"), own).sends(&[&between]).trusts(&[&root]));
    }
    Ok(drafts)
}
