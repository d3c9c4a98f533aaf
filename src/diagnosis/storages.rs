//! Logs in at the `root://` storages of an RSE.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;

use super::Finding;
use crate::api;
use crate::error::Error;
use crate::hint::Hint;
use crate::http::Client;
use crate::storage::Pfn;
use crate::storage::xrootd::{LoginReport, XrootdFiles};

const CHECK: &str = "storages";
/// Timeout of a login.
const TIMEOUT: Duration = Duration::from_secs(15);
const SCHEMES: [&str; 4] = ["root", "xroot", "roots", "xroots"];
/// What is missing, by words in the reason, and the command that provides it.
const REMEDIES: [(&str, &str, &str); 3] = [
    ("there is no proxy or certificate", "Create a proxy", "voms-proxy-init"),
    ("the server wants a proxy", "Create a proxy", "voms-proxy-init"),
    ("No Kerberos credentials", "Get a Kerberos ticket", "kinit"),
];

/// Returns a finding for each `root://` server of an RSE.
pub(crate) async fn examine(client: &Client, files: &XrootdFiles, rse: &str) -> Vec<Finding> {
    let settings = match api::rses::settings(client, rse).await {
        Ok(settings) => settings,
        Err(error) => return vec![Finding::from_error(&error, CHECK, rse)],
    };
    let mut servers: Vec<_> = settings
        .protocols
        .iter()
        .filter(|protocol| SCHEMES.contains(&protocol.scheme.as_str()))
        .map(|protocol| format!("{}://{}:{}", protocol.scheme, protocol.hostname, protocol.port))
        .collect();
    servers.dedup();
    if servers.is_empty() {
        return vec![Finding::ok(CHECK, rse, "it has no root:// protocol")];
    }
    join_all(servers.iter().map(|server| log_in(files, rse, server))).await
}

/// Returns a warning if the certificate cannot be used.
pub(crate) fn unusable_certificate(problem: Option<&Error>) -> Vec<Finding> {
    let finding = |error: &Error| Finding::warning(CHECK, "certificate", super::reason(error));
    problem.map(finding).into_iter().collect()
}

/// Returns a failure for what keeps from any login.
pub(crate) fn unusable(error: &Error) -> Vec<Finding> {
    vec![Finding::from_error(error, CHECK, "root://")]
}

async fn log_in(files: &XrootdFiles, rse: &str, server: &str) -> Finding {
    // Of no file: the path is not requested.
    let (subject, pfn) = (format!("{server} ({rse})"), Pfn::new(format!("{server}//none")));
    match timeout(TIMEOUT, files.log_in(&pfn)).await {
        Ok(Ok(report)) => successful(&subject, &report),
        Ok(Err(error)) => with_remedy(Finding::failed(CHECK, &subject, error.message)),
        Err(_) => Finding::failed(CHECK, &subject, format!("no login within {} s", TIMEOUT.as_secs())),
    }
}

fn successful(subject: &str, report: &LoginReport) -> Finding {
    let tls = if report.is_encrypted { "over TLS" } else { "without TLS" };
    let Some(method) = &report.method else {
        return Finding::ok(CHECK, subject, format!("open, {tls}; it requires no authentication"));
    };
    let offered = format!("{tls}; it offers {}", report.offered.join(", "));
    match &report.note {
        Some(note) => with_remedy(Finding::warning(CHECK, subject, format!("{note}; {offered}"))),
        None => Finding::ok(CHECK, subject, format!("logged in by {method}, {offered}")),
    }
}

fn with_remedy(finding: Finding) -> Finding {
    let known = REMEDIES.iter().find(|(words, ..)| finding.message.contains(words));
    match known {
        Some((_, advice, command)) => finding.hint(Hint::run(*advice, *command)),
        None => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    #[test]
    fn storage_login_by_a_poorer_method_than_offered_is_a_warning() {
        let report = |method: Option<&str>, note: Option<&str>| LoginReport {
            is_encrypted: false,
            method: method.map(str::to_owned),
            offered: vec!["gsi".to_owned(), "unix".to_owned()],
            note: note.map(str::to_owned),
        };
        let plain = successful("s", &report(Some("gsi"), None));
        assert_eq!(plain, Finding::ok(CHECK, "s", "logged in by gsi, without TLS; it offers gsi, unix"));
        let open = successful("s", &report(None, None));
        assert_eq!(open, Finding::ok(CHECK, "s", "open, without TLS; it requires no authentication"));
        let note = "logged in by unix; gsi: there is no proxy or certificate";
        let poor = successful("s", &report(Some("unix"), Some(note)));
        assert_eq!((poor.status, poor.hints), (Status::Warning, vec![Hint::run("Create a proxy", "voms-proxy-init")]));
        assert_eq!(poor.message, format!("{note}; without TLS; it offers gsi, unix"));
    }
}
