//! The configuration file and what stands in it, where no server is asked.

use anyhow::{Result, ensure};

use crate::fixtures::Home;
use crate::fixtures::doctor::DoctorFixture;

#[test]
fn doctor_finds_no_configuration() -> Result<()> {
    let doctor = DoctorFixture::of(Home::new()?, None)?;
    let finding = doctor.fails(&[], 1)?;
    finding.says("configuration", &["Rucio looked in the following paths", "/opt/rucio/etc/rucio.cfg", "--config"])
}

#[test]
fn doctor_finds_a_missing_named_file() -> Result<()> {
    let doctor = DoctorFixture::of(Home::new()?, None)?.args(&["--config", "/nowhere/rucio.cfg"]);
    doctor.fails(&[], 1)?.says("configuration", &["/nowhere/rucio.cfg cannot be read: No such file", "--config"])
}

#[test]
fn doctor_finds_a_malformed_line() -> Result<()> {
    let doctor = DoctorFixture::only("auth_type = userpass\npassword secret")?;
    let finding = doctor.fails(&[], 1)?;
    finding.says("configuration", &["line 3: this is neither a section nor an option", "name = value"])
}

#[test]
fn doctor_finds_missing_servers_and_method() -> Result<()> {
    let doctor = DoctorFixture::only("account = jdoe")?;
    let (findings, code) = doctor.examined(&[])?;
    let failed: Vec<_> = findings.iter().filter(|finding| finding.status == "failed").collect();
    ensure!(code == 1 && failed.len() == 3, "{failed:#?}");
    failed[0].says(
        "settings",
        &[
            "rucio_host: Section client and Option 'rucio_host' cannot be found in config file",
            "-H",
            "or [client] rucio_host",
        ],
    )?;
    failed[1].says(
        "settings",
        &["auth_host: Section client and Option 'auth_host' cannot be found in config file", "--auth-host"],
    )?;
    failed[2].says("settings", &["auth_type: Option 'auth_type' cannot be found in config file", "RUCIO_AUTH_TYPE"])
}
