//! `rucio whoami --linked-identities`.

use anyhow::{Result, ensure};

use super::{json, shown};
use crate::fixtures::Home;
use crate::support::{Testbed, unique};

#[test]
fn whoami_lists_the_identities_of_the_account() -> Result<()> {
    let home = Home::new()?;
    let plain = shown(&home, "userpass", &["whoami"])?;
    let text = shown(&home, "userpass", &["whoami", "--linked-identities"])?;
    // The server sends an account's fields in no order.
    let behind: Vec<_> = text.lines().skip(plain.lines().count()).collect();
    ensure!(text.lines().take(plain.lines().count()).any(|line| line == "account    : jdoe"), "{text}");
    ensure!(behind.first() == Some(&"identity   : jdoe"), "{text}");
    for line in [
        "linked     : CN=John Doe,O=Testbed (X509)".to_owned(),
        "linked     : jdoe (USERPASS)".to_owned(),
        format!("linked     : SUB=jdoe, ISS={} (OIDC)", Testbed::get()?.value("OIDC")?),
    ] {
        ensure!(behind.contains(&line.as_str()), "no {line:?} in\n{text}");
    }
    Ok(())
}

/// An identity of two accounts, created for this test.
#[test]
fn whoami_lists_the_other_accounts_of_an_identity() -> Result<()> {
    let home = Home::new()?;
    let (first, second, user) = (unique("lka"), unique("lkb"), unique("lku"));
    for account in [&first, &second] {
        shown(&home, "root", &["account", "add", account, "USER"])?;
        let identity = ["account", "identity", "add", "--type", "USERPASS", "--id", &user, "--email", "x@y.z"];
        shown(&home, "root", &[&identity[..], &["--password", "pass", account]].concat())?;
    }
    let words = ["-a", &first, "--user", &user, "--password", "pass", "whoami", "--linked-identities"];
    let text = shown(&home, "userpass", &words)?;
    ensure!(
        text.ends_with(&format!("\nidentity   : {user}\nlinked     : {user} (USERPASS)\nmay act as : {second}\n")),
        "{text}"
    );
    let record = json(&home, "userpass", &words)?;
    ensure!(record["linked_accounts"] == serde_json::json!([second]), "{record}");
    Ok(())
}

#[test]
fn whoami_has_links_in_its_record() -> Result<()> {
    let home = Home::new()?;
    let record = json(&home, "x509_proxy", &["whoami", "--linked-identities"])?;
    ensure!(record["account"] == "jdoe" && record["identity"] == "CN=John Doe,O=Testbed", "{record}");
    let linked = record["linked_identities"].as_array().cloned().unwrap_or_default();
    ensure!(linked.iter().any(|found| found["identity"] == "jdoe" && found["type"] == "USERPASS"), "{record}");
    ensure!(record["linked_accounts"].is_array(), "{record}");
    ensure!(json(&home, "x509_proxy", &["whoami"])?.get("linked_identities").is_none());
    ensure!(shown(&home, "x509_proxy", &["whoami", "--linked-identities", "-o", "name"])? == "jdoe\n");
    Ok(())
}
