//! The configuration file and what stands in it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use anyhow::{Result, ensure};

use super::fixture::Patient;
use crate::fixtures::Home;

#[test]
fn there_is_no_configuration() -> Result<()> {
    let patient = Patient::of(Home::new()?, None)?;
    let finding = patient.fails(&[], 1)?;
    finding.says("configuration", &["There is no rucio.cfg", "/opt/rucio/etc/rucio.cfg", "--config FILE"])
}

#[test]
fn the_file_that_was_named_is_not_there() -> Result<()> {
    let patient = Patient::of(Home::new()?, None)?.args(&["--config", "/nowhere/rucio.cfg"]);
    patient.fails(&[], 1)?.says("configuration", &["/nowhere/rucio.cfg cannot be read: No such file", "--config"])
}

#[test]
fn a_line_is_neither_section_nor_option() -> Result<()> {
    let patient = Patient::only("auth_type = userpass\npassword secret")?;
    let finding = patient.fails(&[], 1)?;
    finding.says("configuration", &["line 3: this is neither a section nor an option", "name = value"])
}

#[test]
fn an_option_is_mistyped() -> Result<()> {
    let patient =
        Patient::with(|_| Ok("auth_type = userpass\nusername = jdoe\npassword = secret\nacount = jdoe".into()))?;
    let finding = patient.is_warned()?;
    let place = format!("{}, line 9", patient.config().display());
    finding.says("configuration", &[&place, "knows no option 'acount' in [client]", "Did you mean account?"])?;
    // It stands there twice now, which is another mistake, with another line.
    patient.mend(&finding, "sed ")?;
    patient.fails(&[], 1)?.says("configuration", &["line 9: option 'account' is there already, in line 5"])
}

#[test]
fn an_option_is_unknown() -> Result<()> {
    let patient = Patient::with(|_| {
        Ok("auth_type = userpass\nusername = jdoe\npassword = secret\nexperiment_motto = fiat lux".into())
    })?;
    let finding = patient.is_warned()?;
    finding.says("configuration", &["'experiment_motto'", "Remove the line"])?;
    patient.mend(&finding, "sed ")?;
    patient.is_well().map(drop)
}

#[test]
fn others_may_read_the_password() -> Result<()> {
    let patient = Patient::userpass()?;
    fs::set_permissions(patient.config(), Permissions::from_mode(0o644))?;
    let finding = patient.is_warned()?;
    finding.says("configuration", &["it holds a password and is open to others (mode 644)", "chmod 600 "])?;
    patient.mend(&finding, "chmod ")?;
    patient.is_well().map(drop)
}

#[test]
fn others_may_read_what_is_no_password() -> Result<()> {
    let patient = Patient::with(|_| super::fixture::certificate("jdoe"))?;
    fs::set_permissions(patient.config(), Permissions::from_mode(0o644))?;
    patient.is_well().map(drop)
}

#[test]
fn the_profile_is_not_there() -> Result<()> {
    let patient = Patient::userpass()?.args(&["--profile", "night"]);
    patient.fails(&[], 1)?.says("configuration", &["has no section [profile night]", "Add a section [profile night]"])
}

#[test]
fn servers_and_way_are_not_set() -> Result<()> {
    let patient = Patient::only("account = jdoe")?;
    let (findings, code) = patient.examined(&[])?;
    let failed: Vec<_> = findings.iter().filter(|finding| finding.status == "failed").collect();
    ensure!(code == 1 && failed.len() == 3, "{failed:#?}");
    failed[0].says("settings", &["rucio_host: 'rucio_host' is not set", "-H", "add `rucio_host = "])?;
    failed[1].says("settings", &["auth_host: 'auth_host' is not set", "--auth-host"])?;
    failed[2].says("settings", &["auth_type: 'auth_type' is not set", "RUCIO_AUTH_TYPE"])
}

#[test]
fn an_address_lacks_its_protocol() -> Result<()> {
    let patient = Patient::userpass()?.args(&["-H", "rucio.example.org"]);
    patient
        .fails(&[], 1)?
        .says("settings", &["rucio_host", "does not start with https://", "https://rucio.example.org"])
}

#[test]
fn a_truth_value_is_none() -> Result<()> {
    let lines = "auth_type = userpass\nusername = jdoe\npassword = secret\nauth_oidc_refresh_active = perhaps";
    let patient = Patient::with(|_| Ok(lines.into()))?;
    patient.fails(&[], 1)?.says("settings", &["line 9: option 'auth_oidc_refresh_active'", "Correct the line"])
}

#[test]
fn settings_tell_where_they_stand() -> Result<()> {
    let patient = Patient::userpass()?.env("RUCIO_ACCOUNT", "jdoe").env("HTTPS_PROXY", "").args(&["-S", "userpass"]);
    let findings = patient.is_well()?;
    let said: Vec<_> = findings.iter().map(|found| format!("{}: {}", found.subject, found.message)).collect();
    for text in [
        "RUCIO_ACCOUNT: jdoe (wins over",
        "account: jdoe (the variable RUCIO_ACCOUNT)",
        "auth_type: userpass (the command line)",
    ] {
        ensure!(said.iter().any(|line| line.starts_with(text)), "{text} is not in {said:#?}");
    }
    let host = said.iter().find(|line| line.starts_with("rucio_host: "));
    ensure!(host.is_some_and(|line| line.ends_with("(line 2 of the configuration)")), "{said:#?}");
    Ok(())
}
