//! Logins at storages.

use anyhow::{Result, ensure};

use crate::fixtures::Home;
use crate::fixtures::doctor::DoctorFixture;

const ALL: [&str; 6] = ["--rse", "GSI_SCRATCHDISK", "--rse", "XRD_SCRATCHDISK", "--rse", "DAVS"];

#[test]
fn doctor_logs_in_at_the_root_storages_of_the_named_rses() -> Result<()> {
    let proxy = Home::certificate("jdoe.proxy.pem")?;
    let doctor = DoctorFixture::userpass()?.env("X509_USER_PROXY", &proxy.to_string_lossy());
    let (findings, code) = doctor.examined(&ALL)?;
    let found: Vec<_> = findings.iter().filter(|finding| finding.check == "storages").collect();
    ensure!(code == 0 && found.iter().all(|finding| finding.status == "ok"), "{code} {findings:#?}");
    let said: Vec<_> = found.iter().map(|finding| finding.message.as_str()).collect();
    let expected = [
        "logged in by gsi, without TLS; it offers gsi",
        "open, without TLS; it requires no authentication",
        "it has no root:// protocol",
    ];
    ensure!(said == expected, "{said:?}");
    ensure!(found[0].subject.starts_with("root://localhost:"), "{:?}", found[0]);
    ensure!(found[0].subject.ends_with(" (GSI_SCRATCHDISK)"), "{:?}", found[0]);
    let without = doctor.is_well()?;
    ensure!(without.iter().all(|finding| finding.check != "storages"), "{without:#?}");
    Ok(())
}

#[test]
fn doctor_finds_what_a_storage_login_lacks() -> Result<()> {
    let doctor = DoctorFixture::userpass()?;
    for (rse, texts) in [
        (
            "GSI_SCRATCHDISK",
            &["no login at localhost:", "gsi: there is no proxy or certificate", "voms-proxy-init"][..],
        ),
        ("NOSUCH", &["RSE 'NOSUCH' cannot be found"]),
    ] {
        let (findings, code) = doctor.examined(&["--rse", rse])?;
        let failed: Vec<_> = findings.iter().filter(|finding| finding.status == "failed").collect();
        let [finding] = failed[..] else { anyhow::bail!("{rse}: {failed:#?}") };
        ensure!(code == 1, "{rse}: {code}");
        finding.says("storages", texts)?;
    }
    Ok(())
}
