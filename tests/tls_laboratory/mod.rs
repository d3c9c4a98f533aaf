//! A laboratory of TLS servers, CA files and user certificates: both clients must come to the same verdict on each.
//!
//! The servers speak with OpenSSL, which refuses nothing there. The reference is what the official client's libraries
//! (requests, urllib3, ssl) make of the server in the same run. Where ours accepts more or less, [`differences`] has the
//! reason. All verdicts and messages are written to `target/tmp/tls-laboratory/*.txt`.

mod ca_files;
mod case;
mod cases;
mod certificate;
mod clients;
mod differences;
mod keys;
mod server;
mod user_certificates;

use std::fs;

use anyhow::{Result, ensure};

use self::case::{Case, Draft, Lab};
use self::certificate::Blueprint;
use self::clients::{Trial, Verdict};
use self::differences::Difference;

#[test]
fn tls_laboratory_servers_get_the_official_verdict() -> Result<()> {
    let lab = Lab::new()?;
    let folder = tempfile::tempdir()?;
    let proxy = server::start_proxy()?;
    let trial = |case: Case| -> Result<Trial> {
        let ca = folder.path().join(format!("{}.pem", case.name));
        fs::write(&ca, certificate::pem(&case.trusted)?)?;
        let url = format!("https://{}:{}", case.host, server::start(case.context, case.ending)?);
        let is_local = ["localhost", "127.0.0.1"].contains(&case.host.as_str());
        let proxy = (!is_local).then(|| proxy.clone());
        Ok(Trial { name: case.name, url, plain_url: None, ca, proxy, certificate: Vec::new() })
    };
    let trials: Vec<_> = cases::all(&lab)?.into_iter().map(trial).collect::<Result<_>>()?;
    ensure!(trials.len() >= 100, "only {} servers", trials.len());
    judge("servers", &clients::run(&trials)?, differences::SERVERS)
}

#[test]
fn tls_laboratory_ca_files_get_the_official_verdict() -> Result<()> {
    let lab = Lab::new()?;
    let folder = tempfile::tempdir()?;
    let host = lab.issue(&Blueprint::server())?;
    let case = Draft::new("host", host.clone()).build()?;
    let url = format!("https://localhost:{}", server::start(case.context, case.ending)?);
    let trial =
        |(name, ca)| Trial { name, url: url.clone(), plain_url: None, ca, proxy: None, certificate: Vec::new() };
    let trials: Vec<_> = ca_files::forms(&lab, &host, folder.path())?.into_iter().map(trial).collect();
    ensure!(trials.len() >= 40, "only {} forms", trials.len());
    judge("ca-files", &clients::run(&trials)?, differences::CA_FILES)
}

#[test]
fn tls_laboratory_user_certificates_get_the_official_verdict() -> Result<()> {
    let lab = Lab::new()?;
    let folder = tempfile::tempdir()?;
    let ca = lab.self_signed(&Blueprint::authority("User CA").key("p-384"))?;
    let ca_file = folder.path().join("ca.pem");
    fs::write(&ca_file, lab.root.pem()?)?;
    let start = |draft: Draft| -> Result<String> {
        let case = draft.build()?;
        Ok(format!("https://localhost:{}", server::start(case.context, case.ending)?))
    };
    let plain = start(lab.server("plain", &Blueprint::server())?)?;
    let required = ca.clone();
    let login = lab.server("login", &Blueprint::server())?;
    let login = start(login.speaks(move |context| user_certificates::required(context, &required)))?;
    let trial = |(name, certificate)| Trial {
        name,
        url: login.clone(),
        plain_url: Some(plain.clone()),
        ca: ca_file.clone(),
        proxy: None,
        certificate,
    };
    let trials: Vec<_> = user_certificates::forms(&lab, &ca, folder.path())?.into_iter().map(trial).collect();
    ensure!(trials.len() >= 40, "only {} forms", trials.len());
    judge("user-certificates", &clients::run(&trials)?, differences::USER_CERTIFICATES)
}

/// Fails for each verdict that is neither the official one nor a listed difference, and for each message with text for
/// programmers.
fn judge(kind: &str, verdicts: &[Verdict], differences: &[Difference]) -> Result<()> {
    let lines: Vec<_> = verdicts.iter().map(Verdict::line).collect();
    fs::write(keys::folder()?.join(format!("{kind}.txt")), lines.join("\n") + "\n")?;
    let mut wrong = Vec::new();
    for verdict in verdicts {
        let expected = differences.iter().find(|one| one.name == verdict.name);
        let right = match expected {
            Some(difference) => {
                verdict.ours_accepts() == difference.ours_accepts
                    && verdict.official_accepts() != difference.ours_accepts
            }
            None => verdict.ours_accepts() == verdict.official_accepts(),
        };
        if !right {
            wrong.push(format!("VERDICT {}", verdict.line()));
        }
        if let Some(text) = verdict.bad_message()? {
            wrong.push(format!("MESSAGE ({text}) {}", verdict.line()));
        }
    }
    for difference in differences {
        ensure!(verdicts.iter().any(|one| one.name == difference.name), "no case {}", difference.name);
    }
    ensure!(wrong.is_empty(), "{} of {} cases are wrong:\n{}", wrong.len(), verdicts.len(), wrong.join("\n"));
    Ok(())
}
