//! Checks the CA certificates that servers are verified with.

use std::path::{Path, PathBuf};

use openssl::asn1::Asn1Time;
use openssl::x509::{X509, X509Crl};

use super::{Finding, Status, shell};
use crate::certificate::{authority::Unfit, text};
use crate::config::{CaSource, Config, Overrides, ValueOrigin};
use crate::env_vars::Env;
use crate::hint::{Hint, Parameter};
use crate::http::tls::{self, ListedCertificate};
use crate::time::unix_time;

const CHECK: &str = "ca";

/// Returns the source of the CA certificates, if it can be used, and its findings.
pub(crate) fn examine(overrides: &Overrides, env: &Env, config: &Config) -> (Option<CaSource>, Vec<Finding>) {
    let (source, origin) = match CaSource::from_config(overrides, env, config, true) {
        Ok(found) => found,
        Err(error) => return (None, vec![Finding::from_error(&error, CHECK, "ca_cert")]),
    };
    match tls::client_config(&source, None) {
        Err(error) => {
            let finding = Finding::from_error(&error, CHECK, subject(&source));
            let look = || Hint::run("Inspect it", format!("ls -ld {}", shell(path(&source))));
            (None, vec![finding.or_hint(look)])
        }
        Ok(_) => {
            let findings = contents(&source, origin);
            let is_usable = findings.iter().all(|finding| finding.status != Status::Failed);
            let crls = if let CaSource::Dir(folder) = &source { old_crls(folder) } else { None };
            (is_usable.then_some(source), findings.into_iter().chain(crls).collect())
        }
    }
}

fn subject(source: &CaSource) -> String {
    match source {
        CaSource::BuiltIn => "CA certificates of Mozilla".to_owned(),
        source => path(source).display().to_string(),
    }
}

fn path(source: &CaSource) -> &Path {
    match source {
        CaSource::File(path) | CaSource::Dir(path) => path,
        CaSource::BuiltIn => Path::new(""),
    }
}

/// Returns a finding for the source, and one for each certificate that is not a trust anchor.
fn contents(source: &CaSource, origin: Option<ValueOrigin>) -> Vec<Finding> {
    let origin = origin.map(|origin| format!(" ({origin})")).unwrap_or_default();
    let files = match source {
        CaSource::BuiltIn => {
            return vec![Finding::ok(CHECK, subject(source), "built-in, because no other CAs are set")];
        }
        CaSource::File(path) => vec![path.clone()],
        CaSource::Dir(folder) => hashed(folder, ""),
    };
    let listed: Vec<_> = files.iter().flat_map(|file| tls::ca_certificates(file).unwrap_or_default()).collect();
    let unfit: Vec<_> = listed.iter().filter_map(|one| Some((one, one.unfit(unix_time())?))).collect();
    let number = match listed.len() {
        1 => "1 certificate".to_owned(),
        number => format!("{number} certificates"),
    };
    // A certificate that is not a CA is still used for its own server.
    let useless = unfit.iter().filter(|(_, why)| *why != Unfit::NotCa).count();
    let summary = match useless {
        0 => Finding::ok(CHECK, subject(source), format!("{number}{origin}")),
        all if all == listed.len() => {
            let text = format!("{number}, none usable{origin}");
            Finding::failed(CHECK, subject(source), text)
                .hint(Hint::parameters("Set another one", [Parameter::CaCertificate]))
        }
        some => Finding::ok(CHECK, subject(source), format!("{number}, {some} of them not used{origin}")),
    };
    let each = unfit.into_iter().filter_map(|(one, why)| no_anchor(one, why));
    std::iter::once(summary).chain(each).collect()
}

/// Returns the finding for a certificate that is not a trust anchor. A self-signed one of a server is fine: small sites
/// use them.
fn no_anchor(listed: &ListedCertificate, why: Unfit) -> Option<Finding> {
    let certificate = X509::from_der(&listed.certificate).ok()?;
    let name = text(certificate.subject_name());
    let issuer = text(certificate.issuer_name());
    let file = listed.file.display();
    Some(match why {
        Unfit::NotCa if name == issuer => {
            Finding::ok(CHECK, file, format!("{name}: not a CA; trusted only as the certificate of its own server"))
        }
        Unfit::NotCa => {
            let message = format!("{name}: {why}; trusted only as the certificate of its own server");
            Finding::warning(CHECK, file, message)
                .hint(format!("For other servers, add the CA that issued it ({issuer})."))
        }
        _ => Finding::warning(CHECK, file, format!("{name}: not used: {why}")).hint(why.remedy()),
    })
}

/// Returns the files of a hashed folder (`0a1b2c3d.0`); `kind` is what precedes the number: `r` for CRLs.
fn hashed(folder: &Path, kind: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_one = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.split_once('.'));
        name.is_some_and(|(hash, ending)| {
            let number = ending.strip_prefix(kind).unwrap_or_default();
            hash.len() == 8 && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    entries.filter(is_one).collect()
}

/// Warns about CRLs that should have been replaced by now.
fn old_crls(folder: &Path) -> Option<Finding> {
    let now = Asn1Time::days_from_now(0).ok()?;
    let is_old = |path: &&PathBuf| {
        let crl = std::fs::read(path)
            .ok()
            .and_then(|bytes| X509Crl::from_pem(&bytes).or_else(|_| X509Crl::from_der(&bytes)).ok());
        crl.is_some_and(|crl| crl.next_update().is_some_and(|next| next < now))
    };
    let all = hashed(folder, "r");
    let old: Vec<_> = all.iter().filter(is_old).filter_map(|path| path.file_name()).collect();
    let first = old.first()?.to_string_lossy();
    let text = format!("{} of {} CRLs are out of date, among them {first}", old.len(), all.len());
    Some(Finding::warning(CHECK, folder.display(), text).hint(Hint::run("", format!("fetch-crl -l {}", shell(folder)))))
}
