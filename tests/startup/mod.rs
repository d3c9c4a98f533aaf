//! What mistakes end with, compared with the official client.

use anyhow::{Result, ensure};

use crate::fixtures::Home;

/// The official client's codes for the same mistakes; it needs a configuration to make them.
#[test]
fn usage_errors_end_with_the_official_codes() -> Result<()> {
    let home = Home::new()?;
    for arguments in [
        vec!["--no-such-option", "whoami"],
        vec!["whoami", "--no-such-option"],
        vec!["did", "list", "--no-such-option"],
        vec!["list-dids", "--no-such-option"],
        vec!["rule", "show"],
        vec!["rule-info"],
        vec!["did"],
        vec!["did", "content"],
        vec![],
        vec!["--account", "jdoe"],
        vec!["--legacy"],
    ] {
        let official = home.official()?.config("userpass")?.args(&arguments).run()?;
        let ours = home.ours().config("userpass")?.args(&arguments).run()?;
        ensure!(ours.code == official.code, "{arguments:?}: ours {ours:?}\nofficial {official:?}");
    }
    Ok(())
}
