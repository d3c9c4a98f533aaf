//! Tokens that are kept: trusted, ended, somebody else's.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};

use anyhow::{Result, ensure};
use serde_json::Value;

use super::fixture::Patient;

/// Who logged in before.
fn returning() -> Result<Patient> {
    let patient = Patient::userpass()?;
    let outcome = patient.client().args(["whoami"]).run()?;
    ensure!(outcome.code == 0, "{outcome:?}");
    Ok(patient)
}

/// Takes the password out of the configuration, and lets the token have ended.
fn ended(patient: &Patient, password: bool) -> Result<()> {
    let record = patient.home.record_file();
    let mut text: Value = serde_json::from_slice(&fs::read(&record)?)?;
    text["expires"] = 1_700_000_000.into();
    fs::write(record, text.to_string())?;
    if !password {
        let config = fs::read_to_string(patient.config())?;
        fs::write(patient.config(), config.replace("password = secret\n", ""))?;
    }
    Ok(())
}

#[test]
fn a_token_has_ended_and_a_login_asks() -> Result<()> {
    let patient = returning()?;
    ended(&patient, false)?;
    for options in [&[][..], &["--offline"]] {
        let finding = patient.fails(options, 4)?;
        finding.says("token", &["token of jdoe at https://localhost:", "by userpass, ended ", "rucio login"])?;
    }
    let outcome = patient.run(&[])?;
    ensure!(outcome.code == 4 && outcome.stderr.contains("Hint: Run `rucio login`."), "{outcome:?}");
    Ok(())
}

#[test]
fn a_token_has_ended_and_a_login_asks_nobody() -> Result<()> {
    let patient = returning()?;
    ended(&patient, true)?;
    let findings = patient.is_well()?;
    ensure!(
        findings.iter().any(|found| found.message.ends_with("ago; the next command logs in by itself")),
        "{findings:#?}"
    );
    Ok(())
}

#[test]
fn a_token_is_still_good_without_a_password() -> Result<()> {
    let patient = returning()?;
    let config = fs::read_to_string(patient.config())?;
    fs::write(patient.config(), config.replace("password = secret\n", ""))?;
    patient.is_well().map(drop)
}

#[test]
fn a_token_is_refused_by_the_server() -> Result<()> {
    let patient = returning()?;
    let config = fs::read_to_string(patient.config())?;
    fs::write(patient.config(), config.replace("password = secret\n", ""))?;
    // As the official client would write it, and nothing like one of the server's.
    patient.home.keep_token("jdoe-jdoe-unknown-made-up")?;
    patient.fails(&[], 4)?.says("login", &["does not take the token any more", "rucio login"])
}

#[test]
fn a_token_is_open_to_others() -> Result<()> {
    let patient = returning()?;
    fs::set_permissions(patient.home.token_file(), Permissions::from_mode(0o644))?;
    let finding = patient.fails(&["--offline"], 1)?;
    finding.says("token", &["not used: ", "is open to others (mode 644)", "chmod 600 "])?;
    patient.mend(&finding, "chmod ")?;
    patient.is_well().map(drop)
}

#[test]
fn the_folder_is_open_to_others() -> Result<()> {
    let patient = returning()?;
    fs::set_permissions(patient.home.token_folder(), Permissions::from_mode(0o777))?;
    let finding = patient.fails(&[], 1)?;
    finding.says("token", &["no token is kept there: ", "is open to others (mode 777)", "chmod 700 "])?;
    patient.mend(&finding, "chmod ")?;
    patient.is_well().map(drop)
}

#[test]
fn the_folder_is_another_users() -> Result<()> {
    let patient = returning()?;
    chown(patient.home.token_folder(), Some(65534), None)?;
    let finding = patient.fails(&[], 1)?;
    finding.says("token", &["belongs to user 65534", "export TMPDIR=~/.rucio/tmp"])?;
    patient.mend(&finding, "mkdir ")?;
    let elsewhere = patient.home.path().join(".rucio/tmp").to_string_lossy().into_owned();
    patient.env("TMPDIR", &elsewhere).is_well().map(drop)
}

#[test]
fn the_token_is_a_link() -> Result<()> {
    let patient = returning()?;
    let elsewhere = patient.home.path().join("elsewhere");
    fs::rename(patient.home.token_file(), &elsewhere)?;
    symlink(&elsewhere, patient.home.token_file())?;
    let finding = patient.fails(&["--offline"], 1)?;
    finding.says("token", &["is a symbolic link", "rm -f "])?;
    patient.mend(&finding, "rm ")?;
    patient.is_well().map(drop)
}
