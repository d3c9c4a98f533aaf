//! Checks the certificates and proxies used to log in: identity, validity, key.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use openssl::pkey::{PKey, Private};

use super::{Finding, date, format_duration, shell};
use crate::certificate::file::{Contents, FileKey};
use crate::certificate::{Certificate, Key, inspect};
use crate::hint::{Hint, Parameter};
use crate::time::unix_time;

/// A proxy that expires within this many seconds is too short for much work: a warning.
const SHORT_PROXY: i64 = 3_600;
/// A certificate that expires within this many seconds should be renewed, which takes days: a warning.
const SHORT_CERTIFICATE: i64 = 14 * 86_400;

/// Checks a certificate and its key, which may be in one file.
pub(super) fn pair(check: &'static str, cert: &Path, key: Option<&Path>) -> Vec<Finding> {
    if is_pkcs12(cert) {
        return vec![Finding::ok(check, cert.display(), "encrypted PKCS#12; a login prompts for the pass phrase")];
    }
    match inspect(cert, None) {
        Err(error) => vec![Finding::from_error(&error, check, cert.display())],
        Ok(certificate) => {
            let key = private_key(check, cert, key, certificate.key);
            [validity(check, &certificate, "")].into_iter().chain(key).collect()
        }
    }
}

/// Checks a proxy; `found` says how it was found.
pub(super) fn proxy(check: &'static str, file: &Path, found: &str) -> Vec<Finding> {
    match inspect(file, None) {
        Err(error) => vec![Finding::from_error(&error, check, file.display()).hint(renewal(true, file))],
        Ok(certificate) => {
            let open = open_to_others(check, file);
            let key = (certificate.key == Key::Missing).then(|| {
                Finding::failed(check, file.display(), "it contains no private key").hint(renewal(true, file))
            });
            [validity(check, &certificate, found)].into_iter().chain(open).chain(key).collect()
        }
    }
}

/// Whether using this certificate needs a pass phrase from the user.
pub(super) fn asks(cert: &Path, key: Option<&Path>) -> bool {
    let encrypted = |file: &Path| {
        Contents::read(file, None).is_ok_and(|contents| matches!(contents.key, FileKey::Pem { encrypted: true, .. }))
    };
    is_pkcs12(cert) || encrypted(key.unwrap_or(cert))
}

/// Checks the validity of a certificate with its chain.
fn validity(check: &'static str, certificate: &Certificate, found: &str) -> Finding {
    let begin = certificate.begins();
    let end = certificate.ends();
    let kind = if certificate.is_proxy() { "proxy" } else { "certificate" };
    let whose = format!("{kind} of {}{found}", certificate.identity);
    let place = certificate.file.display();
    let left = end.not_after - unix_time();
    let hint = renewal(certificate.is_proxy(), &certificate.file);
    let part = if end.subject == certificate.subject { String::new() } else { format!(" (that of {})", end.subject) };
    let short = if certificate.is_proxy() { SHORT_PROXY } else { SHORT_CERTIFICATE };
    let dated = format!("{}{part}", date(end.not_after));
    if begin.not_before > unix_time() {
        let text = format!("{whose}, not valid before {}", date(begin.not_before));
        return Finding::failed(check, place, text).hint(Hint::run("Check the clock of this machine", "date -u"));
    }
    match left {
        ..0 => Finding::failed(check, place, format!("{whose}, expired on {dated}, {} ago", format_duration(left)))
            .hint(hint),
        left if left < short => {
            Finding::warning(check, place, format!("{whose}, expires on {dated}, in {}", format_duration(left)))
                .hint(hint)
        }
        left => Finding::ok(check, place, format!("{whose}, expires on {dated}, in {}", format_duration(left))),
    }
}

fn renewal(proxy: bool, file: &Path) -> Hint {
    if proxy {
        Hint::run("Create a new proxy", format!("voms-proxy-init -out {}", shell(file)))
    } else {
        Hint::run(
            "Get a new certificate from your CA and put it there. To show the present one",
            format!("openssl x509 -noout -subject -dates -in {}", shell(file)),
        )
    }
}

/// Checks the key of a certificate. Its permissions were checked with the settings, unless it is in the same file.
fn private_key(check: &'static str, cert: &Path, key: Option<&Path>, in_cert: Key) -> Vec<Finding> {
    let file = key.unwrap_or(cert);
    let contents = match Contents::read(file, None) {
        Ok(contents) => contents,
        Err(error) => return vec![Finding::from_error(&error, check, file.display())],
    };
    let finding = match contents.key {
        FileKey::None => Finding::failed(check, file.display(), "there is no private key in this file")
            .hint(Hint::parameters("Set the key file", [Parameter::ClientKey])),
        FileKey::Pem { encrypted: true, .. } => {
            Finding::ok(check, file.display(), "encrypted private key; a login prompts for the pass phrase")
        }
        FileKey::Opened(key) => fits(check, cert, file, &key),
        FileKey::Pem { pem, .. } => match PKey::private_key_from_pem(&pem) {
            Ok(key) => fits(check, cert, file, &key),
            Err(_) => Finding::failed(check, file.display(), "the private key is damaged or of an unknown type")
                .hint(Hint::run("Inspect it", format!("openssl pkey -noout -check -in {}", shell(file)))),
        },
    };
    let open = (key.is_none() && in_cert == Key::Plain).then(|| open_to_others(check, file)).flatten();
    open.into_iter().chain([finding]).collect()
}

fn fits(check: &'static str, cert: &Path, file: &Path, key: &PKey<Private>) -> Finding {
    let own = Contents::read(cert, None).ok().and_then(|contents| contents.certificates.first()?.public_key().ok());
    if own.is_some_and(|own| own.public_eq(key)) {
        Finding::ok(check, file.display(), format!("private key of {}", cert.display()))
    } else {
        Finding::failed(check, file.display(), format!("this is not the private key of {}", cert.display()))
            .hint(Hint::parameters("Set a matching pair", [Parameter::Certificate, Parameter::ClientKey]))
            .and_hint(Hint::run(
                "They do if both print the same",
                format!("openssl x509 -noout -pubkey -in {}; openssl pkey -pubout -in {}", shell(cert), shell(file)),
            ))
    }
}

/// Warns about a private key that others can access.
pub(super) fn open_to_others(check: &'static str, file: &Path) -> Option<Finding> {
    let mode = std::fs::metadata(file).ok()?.mode() & 0o777;
    (mode & 0o077 != 0).then(|| {
        let text = format!("it contains a private key and is accessible to others (mode {mode:03o})");
        Finding::warning(check, file.display(), text).hint(Hint::run("", format!("chmod 600 {}", shell(file))))
    })
}

/// Whether a file is DER, of which only PKCS#12 is accepted, and needs a pass phrase.
fn is_pkcs12(file: &Path) -> bool {
    crate::input_file::read(file).is_ok_and(|bytes| bytes.first() == Some(&0x30)) && inspect(file, None).is_err()
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;
    use crate::certificate::{CertificateKind, Link};

    fn found(kind: CertificateKind, begins_in: i64, ends_in: i64) -> (Status, String) {
        let (not_before, not_after) = (unix_time() + begins_in, unix_time() + ends_in);
        let (subject, issuer) = ("CN=1,CN=kim".to_owned(), "CN=kim".to_owned());
        let chain = vec![Link { subject: subject.clone(), kind, not_before, not_after }];
        let identity = "CN=kim".to_owned();
        let file = "/tmp/x".into();
        let found =
            Certificate { file, subject, issuer, not_before, not_after, kind, identity, chain, key: Key::Plain };
        let finding = validity("credentials", &found, "");
        (finding.status, format!("{:?}", finding.hints))
    }

    #[test]
    fn certificate_that_expires_soon_or_starts_late_is_reported() {
        let cases = [
            (CertificateKind::Proxy, -9, 2 * 3_600, Status::Ok, ""),
            (CertificateKind::Proxy, -9, 1_800, Status::Warning, "voms-proxy-init -out /tmp/x"),
            (CertificateKind::OldProxy, -9, -1, Status::Failed, "voms-proxy-init -out /tmp/x"),
            (CertificateKind::Proxy, 900, 7_200, Status::Failed, "date -u"),
            (CertificateKind::Plain, -9, 30 * 86_400, Status::Ok, ""),
            (CertificateKind::Plain, -9, 7 * 86_400, Status::Warning, "openssl x509"),
        ];
        for (kind, begins, ends, status, command) in cases {
            let (found, hint) = found(kind, begins, ends);
            assert!(found == status && hint.contains(command), "{kind:?} {ends}: {found:?} {hint}");
        }
    }
}
