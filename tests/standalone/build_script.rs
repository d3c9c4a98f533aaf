//! The build script of the crate says what to install.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

#[test]
fn build_script_says_what_to_install() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let script = folder.path().join("build-script");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let compiled =
        Command::new("rustc").args(["--edition", "2024", "-o"]).arg(&script).arg(root.join("build.rs")).status()?;
    ensure!(compiled.success());
    let output = |variables: &[(&str, &str)]| -> Result<String> {
        let mut command = Command::new(&script);
        command.env_clear().env("PROFILE", "debug").env("CARGO_MANIFEST_DIR", root).envs(variables.iter().copied());
        Ok(String::from_utf8(command.output()?.stdout)?)
    };

    let nothing = ("PATH", "/nowhere");
    let message = output(&[nothing, ("CARGO_FEATURE_STATIC", "1")])?;
    for text in
        ["cargo::error=", "no make, no perl", "`gcc make perl`", "`gcc make perl-core`", "--features system-openssl"]
    {
        ensure!(message.contains(text), "no {text:?} in {message}");
    }
    let has_error = |variables: &[(&str, &str)]| Ok::<_, anyhow::Error>(output(variables)?.contains("cargo::error"));
    ensure!(!has_error(&[nothing])?, "the system's OpenSSL needs neither");
    ensure!(!has_error(&[nothing, ("CARGO_FEATURE_STATIC", "1"), ("OPENSSL_NO_VENDOR", "1")])?);
    ensure!(!has_error(&[("PATH", "/usr/bin:/bin"), ("CARGO_FEATURE_STATIC", "1")])?, "both are installed");
    Ok(())
}
