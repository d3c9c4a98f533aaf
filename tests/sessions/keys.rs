//! Encrypted keys: the prompt for the pass phrase is on the terminal only.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use openssl::rsa::Rsa;
use openssl::symm::Cipher;

use crate::fixtures::{Home, Pty};

/// jdoe's key in the encrypted form of old (`Proc-Type: 4,ENCRYPTED`), which OpenSSL 3 makes only on request.
fn old_form(home: &Home) -> Result<PathBuf> {
    let rsa = Rsa::private_key_from_pem(&fs::read(Home::certificate("jdoe.key.pem")?)?)?;
    let pem = rsa.private_key_to_pem_passphrase(Cipher::aes_128_cbc(), b"secret")?;
    ensure!(String::from_utf8_lossy(&pem).contains("Proc-Type: 4,ENCRYPTED"));
    let path = home.path().join("old.key.pem");
    fs::write(&path, pem)?;
    fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    Ok(path)
}

fn config(home: &Home, key: &Path) -> Result<String> {
    let cert = Home::certificate("jdoe.pem")?;
    home.testbed_config(&format!("auth_type = x509\nclient_cert = {}\nclient_key = {}", cert.display(), key.display()))
}

/// Logs in with this key by typing the pass phrase; the next command needs neither.
fn opens(home: &Home, key: &Path) -> Result<()> {
    let config = config(home, key)?;
    let mut terminal = Pty::ours(home, &[("RUCIO_CONFIG", &config)], &["whoami"])?;
    terminal.type_secret(&format!("Pass phrase for {}: ", key.display()), "secret\n")?;
    let (code, screen) = terminal.end()?;
    ensure!(code == 0 && screen.contains("account    : jdoe"), "{screen}");
    ensure!(!screen.contains("secret"), "the pass phrase is not shown: {screen}");
    let next = home.ours().env("RUCIO_CONFIG", &config).args(["whoami"]).run()?;
    ensure!(next.code == 0 && next.stderr.is_empty(), "{next:?}");
    Ok(())
}

#[test]
fn encrypted_key_in_pkcs8_opens_with_what_is_typed() -> Result<()> {
    let home = Home::new()?;
    opens(&home, &Home::certificate("jdoe.encrypted.pkcs8.pem")?)
}

#[test]
fn encrypted_key_in_legacy_form_opens_with_what_is_typed() -> Result<()> {
    let home = Home::new()?;
    opens(&home, &old_form(&home)?)
}

#[test]
fn encrypted_key_reports_a_wrong_pass_phrase() -> Result<()> {
    let home = Home::new()?;
    for key in [old_form(&home)?, Home::certificate("jdoe.encrypted.pkcs8.pem")?] {
        let config = config(&home, &key)?;
        let mut terminal = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], &["whoami"])?;
        terminal.type_secret("Pass phrase for .*: ", "guess\n")?;
        let (code, screen) = terminal.end()?;
        ensure!(code == 1 && screen.contains("the pass phrase does not open its key"), "{screen}");
        ensure!(screen.contains(&key.display().to_string()) && !screen.contains("guess"), "{screen}");
    }
    Ok(())
}

#[test]
fn encrypted_key_prompt_ends_at_ctrl_c() -> Result<()> {
    let home = Home::new()?;
    let config = config(&home, &Home::certificate("jdoe.encrypted.pkcs8.pem")?)?;
    let mut terminal = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], &["whoami"])?;
    terminal.type_secret("Pass phrase for .*: ", "\x03")?;
    let (code, screen) = terminal.end()?;
    ensure!(code == 130, "{code}: {screen}");
    Ok(())
}

/// A download handles signals itself, and restores the terminal's echo.
#[test]
fn encrypted_key_prompt_of_a_download_ends_at_ctrl_c_and_restores_the_terminal() -> Result<()> {
    let home = Home::new()?;
    let config = config(&home, &Home::certificate("jdoe.encrypted.pkcs8.pem")?)?;
    let mut terminal = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], &["download", "test:one-DAVS.dat"])?;
    terminal.type_secret("Pass phrase for .*: ", "\x03")?;
    terminal.wait_for_echo()?;
    let (code, screen) = terminal.end()?;
    ensure!(code == 130, "{code}: {screen}");
    Ok(())
}

#[test]
fn encrypted_key_without_a_terminal_is_an_error() -> Result<()> {
    let home = Home::new()?;
    let config = config(&home, &Home::certificate("jdoe.encrypted.key.pem")?)?;
    // In a session of its own there is no terminal, even if the tests run on one.
    let alone = home.ours().started_by(&["setsid", "--wait"]).env("RUCIO_CONFIG", &config);
    let outcome = alone.args(["whoami"]).run()?;
    ensure!(outcome.code == 1 && outcome.stdout.is_empty(), "{outcome:?}");
    for text in ["jdoe.encrypted.key.pem is encrypted", "there is no terminal", "Hint: "] {
        ensure!(outcome.stderr.contains(text), "{text}: {}", outcome.stderr);
    }
    Ok(())
}
