//! The configuration file and its content.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use anyhow::{Result, ensure};

use crate::fixtures::doctor::DoctorFixture;

#[test]
fn doctor_finds_a_mistyped_option() -> Result<()> {
    let doctor =
        DoctorFixture::with(|_| Ok("auth_type = userpass\nusername = jdoe\npassword = secret\nacount = jdoe".into()))?;
    let finding = doctor.is_warned()?;
    let place = format!("{}, line 9", doctor.config().display());
    finding.says("configuration", &[&place, "unknown option 'acount' in [client]", "Did you mean account?"])?;
    // Now the option is there twice, which is another error, on another line.
    doctor.apply_hint(&finding, "sed ")?;
    doctor.fails(&[], 1)?.says("configuration", &["line 9: option 'account' is there already, in line 5"])
}

#[test]
fn doctor_finds_an_unknown_option() -> Result<()> {
    let doctor = DoctorFixture::with(|_| {
        Ok("auth_type = userpass\nusername = jdoe\npassword = secret\nexperiment_motto = fiat lux".into())
    })?;
    let finding = doctor.is_warned()?;
    finding.says("configuration", &["'experiment_motto'", "Remove the line"])?;
    doctor.apply_hint(&finding, "sed ")?;
    doctor.is_well().map(drop)
}

#[test]
fn doctor_finds_a_password_that_others_may_read() -> Result<()> {
    let doctor = DoctorFixture::userpass()?;
    fs::set_permissions(doctor.config(), Permissions::from_mode(0o644))?;
    let finding = doctor.is_warned()?;
    finding.says("configuration", &["it contains a password and is accessible to others (mode 644)", "chmod 600 "])?;
    doctor.apply_hint(&finding, "chmod ")?;
    doctor.is_well().map(drop)
}

#[test]
fn doctor_accepts_a_readable_configuration_without_password() -> Result<()> {
    let doctor = DoctorFixture::with(|_| crate::fixtures::doctor::certificate("jdoe"))?;
    fs::set_permissions(doctor.config(), Permissions::from_mode(0o644))?;
    doctor.is_well().map(drop)
}

#[test]
fn doctor_finds_a_missing_profile() -> Result<()> {
    let doctor = DoctorFixture::userpass()?.args(&["--profile", "night"]);
    doctor.fails(&[], 1)?.says("configuration", &["has no section [profile night]", "Add a section [profile night]"])
}

#[test]
fn doctor_finds_an_address_without_protocol() -> Result<()> {
    let doctor = DoctorFixture::userpass()?.args(&["-H", "rucio.example.org"]);
    doctor.fails(&[], 1)?.says("settings", &["rucio_host", "does not start with https://", "https://rucio.example.org"])
}

#[test]
fn doctor_finds_an_invalid_truth_value() -> Result<()> {
    let lines = "auth_type = userpass\nusername = jdoe\npassword = secret\nauth_oidc_refresh_active = perhaps";
    let doctor = DoctorFixture::with(|_| Ok(lines.into()))?;
    doctor.fails(&[], 1)?.says("settings", &["line 9: option 'auth_oidc_refresh_active'", "Correct the line"])
}

#[test]
fn doctor_shows_where_settings_come_from() -> Result<()> {
    let doctor =
        DoctorFixture::userpass()?.env("RUCIO_ACCOUNT", "jdoe").env("HTTPS_PROXY", "").args(&["-S", "userpass"]);
    let findings = doctor.is_well()?;
    let said: Vec<_> = findings.iter().map(|found| format!("{}: {}", found.subject, found.message)).collect();
    for text in [
        "RUCIO_ACCOUNT: jdoe (overrides",
        "account: jdoe (the variable RUCIO_ACCOUNT)",
        "auth_type: userpass (the command line)",
    ] {
        ensure!(said.iter().any(|line| line.starts_with(text)), "{text} is not in {said:#?}");
    }
    let host = said.iter().find(|line| line.starts_with("rucio_host: "));
    ensure!(host.is_some_and(|line| line.ends_with("(line 2 of the configuration)")), "{said:#?}");
    Ok(())
}
