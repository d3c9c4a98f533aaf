//! Cases in which this client does better than the official one; docs/differences.md has the reasons.

/// A case whose verdict is not the official one.
#[derive(Debug)]
pub(super) struct Difference {
    pub(super) name: &'static str,
    pub(super) ours_accepts: bool,
}

const fn accepted(name: &'static str) -> Difference {
    Difference { name, ours_accepts: true }
}

const fn refused(name: &'static str) -> Difference {
    Difference { name, ours_accepts: false }
}

/// Of the servers: a CA or a server's own certificate is trusted without its issuer; each of several CAs of one name is
/// tried; critical extensions of a trusted root, which say nothing about servers, are not judged; HTTP/1.1 is spoken to
/// servers that offer only HTTP/2.
pub(super) const SERVERS: &[Difference] = &[
    accepted("intermediate-trusted-without-root"),
    accepted("issued-and-listed-itself"),
    accepted("two-roots-of-one-name"),
    accepted("root-unknown-extension-critical"),
    accepted("protocol-h2-only"),
];

/// Of the CA files and folders: damaged parts of a file, and names in a folder that are not current hashes, hide no other
/// certificate; a server whose certificate its CA has revoked is refused.
pub(super) const CA_FILES: &[Difference] = &[
    accepted("file-cr"),
    accepted("file-blank-lines-inside"),
    accepted("file-label-of-end-differs"),
    accepted("file-with-damaged"),
    accepted("folder-hashed-second"),
    accepted("folder-hashed-gap"),
    accepted("folder-hashed-several-in-a-file"),
    accepted("folder-hashed-damaged-first"),
    accepted("folder-hashed-upper-case"),
    accepted("folder-hashed-by-md5"),
    accepted("folder-hashed-wrongly"),
    accepted("folder-dangling"),
    refused("folder-grid-that-revokes"),
];

/// Of the user certificates: any order, and PKCS#12.
pub(super) const USER_CERTIFICATES: &[Difference] = &[accepted("user-chain-first"), accepted("user-pkcs-12")];
