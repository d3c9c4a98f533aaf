//! Logging in and staying logged in: every authentication method, the token cache shared with the official client, who
//! may see a token, and the faults of a server.

mod cache;
mod commands;
mod explicit;
mod gss;
mod keys;
mod logins;
mod oidc;
mod refusals;
mod servers;
mod ssh;
mod tls;
mod x509;

use anyhow::{Result, ensure};

use crate::support::Outcome;

/// A command that logged in as jdoe without a word.
fn check(outcome: &Outcome) -> Result<()> {
    ensure!(outcome.code == 0 && outcome.stderr.is_empty(), "{outcome:?}");
    ensure!(outcome.stdout.contains("account    : jdoe"), "{outcome:?}");
    Ok(())
}

/// A command that exited with 1, printed nothing on stdout, and printed all these texts and a hint.
fn refused(outcome: &Outcome, expected: &[&str]) -> Result<()> {
    ensure!(outcome.code == 1 && outcome.stdout.is_empty(), "{outcome:?}");
    for text in expected.iter().chain(&["Hint: "]) {
        ensure!(outcome.stderr.contains(text), "it does not say {text:?}:\n{}", outcome.stderr);
    }
    Ok(())
}
