//! Saved tokens: trusted, expired, of another user.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::fixtures::doctor::DoctorFixture;

/// Who logged in before.
fn returning() -> Result<DoctorFixture> {
    let doctor = DoctorFixture::userpass()?;
    let outcome = doctor.client().args(["whoami"]).run()?;
    ensure!(outcome.code == 0, "{outcome:?}");
    Ok(doctor)
}

/// Removes the password from the configuration, and expires the token.
fn ended(doctor: &DoctorFixture, password: bool) -> Result<()> {
    let record = doctor.home.record_file();
    let mut text: Value = serde_json::from_slice(&fs::read(&record)?)?;
    text["expires"] = 1_700_000_000.into();
    fs::write(record, text.to_string())?;
    if !password {
        let config = fs::read_to_string(doctor.config())?;
        fs::write(doctor.config(), config.replace("password = secret\n", ""))?;
    }
    Ok(())
}

#[test]
fn doctor_finds_an_expired_token_where_a_login_asks() -> Result<()> {
    let doctor = returning()?;
    ended(&doctor, false)?;
    for options in [&[][..], &["--offline"]] {
        let finding = doctor.fails(options, 4)?;
        finding.says("token", &["token of jdoe at https://localhost:", "with userpass, expired ", "rucio login"])?;
    }
    let outcome = doctor.run(&[])?;
    ensure!(outcome.code == 4 && outcome.stderr.contains("Hint: Run `rucio login`."), "{outcome:?}");
    Ok(())
}

#[test]
fn doctor_accepts_an_expired_token_where_a_login_does_not_ask() -> Result<()> {
    let doctor = returning()?;
    ended(&doctor, true)?;
    let findings = doctor.is_well()?;
    ensure!(
        findings.iter().any(|found| found.message.ends_with("ago; the next command logs in automatically")),
        "{findings:#?}"
    );
    Ok(())
}

#[test]
fn doctor_accepts_a_valid_token_without_a_password() -> Result<()> {
    let doctor = returning()?;
    let config = fs::read_to_string(doctor.config())?;
    fs::write(doctor.config(), config.replace("password = secret\n", ""))?;
    doctor.is_well().map(drop)
}

#[test]
fn doctor_finds_a_token_that_the_server_refuses() -> Result<()> {
    let doctor = returning()?;
    let config = fs::read_to_string(doctor.config())?;
    fs::write(doctor.config(), config.replace("password = secret\n", ""))?;
    // As the official client would write it, and nothing like one of the server's.
    doctor.home.keep_token("jdoe-jdoe-unknown-made-up")?;
    doctor.fails(&[], 4)?.says("login", &["rejects the token", "rucio login"])
}

#[test]
fn doctor_finds_a_token_that_others_may_read() -> Result<()> {
    let doctor = returning()?;
    fs::set_permissions(doctor.home.token_file(), Permissions::from_mode(0o644))?;
    let finding = doctor.is_warned()?;
    finding.says("token", &["open to others (mode 644)", "chmod 600 "])?;
    doctor.apply_hint(&finding, "chmod ")?;
    doctor.is_well().map(drop)
}

#[test]
fn doctor_finds_a_token_folder_that_others_may_read() -> Result<()> {
    let doctor = returning()?;
    fs::set_permissions(doctor.home.token_folder(), Permissions::from_mode(0o777))?;
    let finding = doctor.fails(&[], 1)?;
    finding.says("token", &["no token can be saved there: ", "is open to others (mode 777)", "chmod 700 "])?;
    doctor.apply_hint(&finding, "chmod ")?;
    doctor.is_well().map(drop)
}

#[test]
fn doctor_finds_a_token_folder_of_another_user() -> Result<()> {
    let doctor = returning()?;
    chown(doctor.home.token_folder(), Some(65534), None)?;
    let finding = doctor.fails(&[], 1)?;
    finding.says("token", &["belongs to user 65534", "export TMPDIR=~/.rucio/tmp"])?;
    doctor.apply_hint(&finding, "mkdir ")?;
    let elsewhere = doctor.home.path().join(".rucio/tmp").to_string_lossy().into_owned();
    doctor.env("TMPDIR", &elsewhere).is_well().map(drop)
}

#[test]
fn doctor_finds_a_token_that_is_a_link() -> Result<()> {
    let doctor = returning()?;
    let elsewhere = doctor.home.path().join("elsewhere");
    fs::rename(doctor.home.token_file(), &elsewhere)?;
    symlink(&elsewhere, doctor.home.token_file())?;
    let finding = doctor.fails(&["--offline"], 1)?;
    finding.says("token", &["is a symbolic link", "rm -f "])?;
    doctor.apply_hint(&finding, "rm ")?;
    doctor.is_well().map(drop)
}
