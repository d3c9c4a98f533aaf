//! Certificates of servers, and the CAs that issued them.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::fixtures::doctor::DoctorFixture;
use crate::fixtures::{CertificateFixture, Home, TODAY, Use, keep};

#[test]
fn ca_of_the_server_is_unknown() -> Result<()> {
    let doctor = DoctorFixture::userpass()?;
    let wrong =
        keep(&doctor.home, "ca.pem", CertificateFixture::unknown_authority()?.pem()?)?.to_string_lossy().into_owned();
    let finding = doctor.args(&["--ca-certificate", &wrong]).fails(&[], 1)?;
    let texts =
        ["not trusted (unknown CA): CN=localhost,O=Testbed is signed by CN=Testbed CA,O=Testbed", "--ca-certificate"];
    finding.says("tls", &texts)?;
    finding.says("tls", &["openssl s_client -showcerts -connect localhost:"])
}

#[test]
fn doctor_warns_when_insecure() -> Result<()> {
    let wrong = Home::certificate("root.pem")?.to_string_lossy().into_owned();
    let (findings, _) = DoctorFixture::userpass()?.args(&["--insecure", "--ca-certificate", &wrong]).examined(&[])?;
    let finding = findings.iter().find(|finding| finding.check == "tls");
    ensure!(finding.is_some_and(|finding| finding.status == "warning"), "{findings:#?}");
    ensure!(findings.iter().any(|finding| finding.check == "server"), "{findings:#?}");
    Ok(())
}

#[test]
fn doctor_finds_missing_cas() -> Result<()> {
    let finding = DoctorFixture::userpass()?.args(&["--ca-certificate", "/nowhere/ca.pem"]).fails(&[], 1)?;
    finding.says("ca", &["invalid path: /nowhere/ca.pem: No such file", "X509_CERT_DIR"])
}

#[test]
fn doctor_finds_an_empty_folder_of_cas() -> Result<()> {
    let doctor = DoctorFixture::userpass()?;
    let folder = doctor.home.path().join("empty");
    fs::create_dir(&folder)?;
    let folder = folder.to_string_lossy().into_owned();
    let finding = doctor.env("X509_CERT_DIR", &folder).fails(&[], 1)?;
    finding.says("ca", &[&format!("{folder}: There is no CA certificate in"), "hashed folder"])
}

/// A user who trusts the CAs in this file or folder.
fn trusting(trusted: &Path) -> Result<DoctorFixture> {
    Ok(DoctorFixture::userpass()?.args(&["--ca-certificate", &trusted.to_string_lossy()]))
}

/// Each is a line of its own, whether or not it plays a role.
fn check_unfit_warnings(trusted: &Path, expected: &[(String, &str, &str)]) -> Result<()> {
    let (findings, _) = trusting(trusted)?.examined(&["--offline"])?;
    let warnings: Vec<_> = findings.iter().filter(|one| one.check == "ca" && one.status == "warning").collect();
    ensure!(
        warnings.len() == expected.len(),
        "{} warnings instead of {}: {findings:#?}",
        warnings.len(),
        expected.len()
    );
    for (file, text, hint) in expected {
        let found = warnings.iter().find(|one| one.subject == *file && one.message.starts_with(text));
        let found = found.with_context(|| format!("{file}: {text} is not in {warnings:#?}"))?;
        ensure!(found.hint.as_ref().is_some_and(|found| found.contains(hint)), "{hint} is not in {found:?}");
    }
    let number = format!("{} of them not used", expected.len() - 1);
    ensure!(findings.iter().any(|one| one.check == "ca" && one.message.contains(&number)), "{number}: {findings:#?}");
    Ok(())
}

#[test]
fn doctor_finds_unfit_cas() -> Result<()> {
    let (home, ca) = (&Home::new()?, CertificateFixture::testbed("ca")?);
    let old = CertificateFixture::signed_by_itself(&["CN=Old"], (-9, -1), Use::Authority)?;
    let no_signer = CertificateFixture::signed_by_itself(&["CN=Mute"], TODAY, Use::NoCertSign)?;
    let clients = CertificateFixture::signed_by_itself(&["CN=Clients"], TODAY, Use::ClientAuthority)?;
    let all = [
        (&old, "CN=Old: not used: it expired on 20", "the CA's current certificate"),
        (&no_signer, "CN=Mute: not used: it may not sign certificates", "certificate for signing"),
        (&clients, "CN=Clients: not used: it is not for TLS servers", "certificate for signing"),
        (
            &ca.sign(&["CN=Issued"], TODAY, Use::Server("elsewhere"))?,
            "CN=Issued: it is not the certificate of a CA; trusted only as the certificate of its own server",
            "add the CA that issued it (CN=Testbed CA,O=Testbed)",
        ),
    ];
    let (folder, _) = ca.hashed_folder(home)?;
    let (mut pem, mut in_file, mut in_folder) = (ca.pem()?, Vec::new(), Vec::new());
    for (party, text, hint) in &all {
        pem += &party.pem()?;
        let (_, hash) = party.hashed_folder(home)?;
        in_folder.push((folder.join(format!("{hash}0")).display().to_string(), *text, *hint));
        in_file.push((home.path().join("ca.pem").display().to_string(), *text, *hint));
    }
    check_unfit_warnings(&keep(home, "ca.pem", pem)?, &in_file)?;
    check_unfit_warnings(&folder, &in_folder)
}

#[test]
fn doctor_finds_a_file_without_a_fit_ca() -> Result<()> {
    let (home, old) = (Home::new()?, CertificateFixture::signed_by_itself(&["CN=Old"], (-9, -1), Use::Authority)?);
    let file = keep(&home, "ca.pem", old.pem()?)?;
    let (findings, code) = trusting(&file)?.examined(&[])?;
    let failed: Vec<_> = findings.iter().filter(|one| one.status == "failed").collect();
    ensure!(code == 1 && failed.len() == 1, "{code}: {findings:#?}");
    failed[0].says("ca", &[&format!("{}: 1 certificate, none usable", file.display()), "X509_CERT_DIR"])
}

/// What small sites do is no reason for a warning.
#[test]
fn doctor_accepts_a_servers_own_certificate() -> Result<()> {
    let home = Home::new()?;
    let own = CertificateFixture::signed_by_itself(&["CN=localhost"], TODAY, Use::Server("localhost"))?;
    let file = keep(&home, "server.pem", own.pem()?)?;
    let (findings, _) = trusting(&file)?.examined(&["--offline"])?;
    let expected = findings
        .iter()
        .find(|one| one.message == "CN=localhost: not a CA; trusted only as the certificate of its own server");
    ensure!(expected.is_some_and(|one| one.status == "ok" && one.subject == file.to_string_lossy()), "{findings:#?}");
    ensure!(findings.iter().all(|one| one.check != "ca" || one.status == "ok"), "{findings:#?}");
    Ok(())
}

#[test]
fn doctor_finds_an_outdated_crl() -> Result<()> {
    let doctor = DoctorFixture::userpass()?;
    let folder = doctor.home.path().join("certificates");
    let script = format!(
        "mkdir '{folder}' && cd '{folder}' && cp -L {ca}/*.0 . && hash=$(ls *.0) && mkdir ../ca && cd ../ca && : > index &&
         echo 01 > number && printf '[ca]\\ndefault_ca = d\\n[d]\\ndatabase = index\\ncrlnumber = number\\ndefault_md = sha256\\n' > cnf &&
         openssl ca -gencrl -config cnf -cert {ca}.pem -keyfile {ca}.key.pem -crl_lastupdate 20200101000000Z -crl_nextupdate 20200201000000Z \
         -out '{folder}/'${{hash%.0}}.r0",
        folder = folder.display(),
        ca = Home::certificate("ca")?.display()
    );
    let made = Command::new("sh").args(["-c", &script]).output()?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let (findings, _) = doctor.env("X509_CERT_DIR", &folder.to_string_lossy()).examined(&["--offline"])?;
    let old: Vec<_> = findings.iter().filter(|finding| finding.status != "ok").collect();
    ensure!(old.len() == 1, "{old:#?}");
    let command = format!("fetch-crl -l {}", folder.display());
    old[0].says("ca", &["1 of 1 CRLs are out of date, among them ", ".r0", &command])?;
    ensure!(old[0].status == "warning");
    Ok(())
}
