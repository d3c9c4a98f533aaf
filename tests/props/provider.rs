//! A person with a browser at the testbed's identity provider.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::support::project;

/// The user of the provider who gives no consent.
pub(crate) const REFUSING: &str = "refuse";

/// Follows a login link to its end as this user; gives the page the browser ends on.
pub(crate) fn browse(link: &str, user: &str) -> Result<String> {
    let output = Command::new(project().join("tests/testbed/testbed")).args(["idp-login", link, user]).output()?;
    ensure!(output.status.success(), "idp-login {link}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
