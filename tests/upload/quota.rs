//! Uploads that exceed a quota, of the account or of the storage.

use anyhow::{Result, ensure};

use super::faults::{asked, storage, times, upload};
use super::{Fixture, expect};
use crate::differential::the_only_run;
use crate::fixtures::Answer;
use crate::support::unique;

/// Creates an RSE of its own below the fixture's home, where ordinary users may register files. Returns its name.
fn add_rse(fixture: &Fixture) -> Result<String> {
    let rse = format!("{}_SCRATCHDISK", unique("QUOTA").to_uppercase());
    let prefix = format!("{}/", fixture.home.path().join("storage").display());
    let all = r#"{"lan": {"read": 1, "write": 1, "delete": 1}, "wan": {"read": 1, "write": 1, "delete": 1}}"#;
    let address = ["--scheme", "file", "--hostname", "localhost", "--port", "0", "--prefix", &prefix];
    let class = "rucio.rse.protocols.posix.Default";
    as_root(fixture, &["rse", "add", &rse])?;
    as_root(
        fixture,
        &[&["rse", "protocol", "add", &rse], &address[..], &["--domain-json", all, "--impl", class]].concat(),
    )?;
    Ok(rse)
}

fn as_root(fixture: &Fixture, words: &[&str]) -> Result<()> {
    expect(&fixture.rucio_as("root")?.args(words).run()?, 0)
}

/// The account has no limit at the RSE, so the server refuses the rule after it has registered the file. The official client
/// leaves the file so, and reports it as present the next time.
fn upload_beyond_the_limit(fixture: &Fixture, rse: &str) -> Result<()> {
    let name = fixture.file(b"Wikipedia")?;
    let words = ["--register-after-upload", name.as_str()];
    let rules = || fixture.ask(&["rule", "list", "--did", &fixture.did(&name)]);
    for run in ["first", "second"] {
        let refused = fixture.upload(rse, &words)?;
        ensure!(refused.code == 27, "{run}: {}\n{}", refused.code, refused.stderr);
        for text in
            ["There is not enough quota left", "no rule protects it from deletion", "`rucio account limit list jdoe`"]
        {
            ensure!(refused.stderr.contains(text), "{run}: {text}: {}", refused.stderr);
        }
        ensure!(fixture.state(&name, rse)? == "AVAILABLE", "{run}: {}", fixture.state(&name, rse)?);
        ensure!(rules()?.as_array().is_some_and(Vec::is_empty), "{run}: {}", rules()?);
    }
    as_root(fixture, &["account", "limit", "set", "jdoe", "--rse", rse, "--bytes", "1000000"])?;
    let completed = fixture.upload(rse, &words)?;
    expect(&completed, 0)?;
    ensure!(rules()?.as_array().is_some_and(|rules| rules.len() == 1), "{}", rules()?);
    let nothing = fixture.upload(rse, &words)?;
    expect(&nothing, 79)?;
    ensure!(nothing.stderr.contains("1 there already, 0 failed."), "{}", nothing.stderr);
    Ok(())
}

#[test]
fn quota_upload_without_a_rule_is_an_error_until_the_same_command_adds_the_rule() -> Result<()> {
    let _only = the_only_run();
    let fixture = Fixture::new("userpass")?;
    let rse = add_rse(&fixture)?;
    let outcome = upload_beyond_the_limit(&fixture, &rse);
    as_root(&fixture, &["rse", "remove", &rse])?;
    outcome
}

/// The status alone says something else: no permission, or a fault that a retry may help. Answers of Ceph (403), of a WebDAV
/// server on a file system with quotas (500), of dCache (507).
#[test]
fn quota_of_the_storage_is_named_and_the_file_is_sent_once() -> Result<()> {
    let s3 = "<?xml version=\"1.0\"?><Error><Code>QuotaExceeded</Code><RequestId>tx0</RequestId></Error>";
    let cases = [
        (403, "application/xml", s3, "the storage answered 403 Forbidden: QuotaExceeded"),
        (
            500,
            "text/plain",
            "Disk quota exceeded\n",
            "the storage answered 500 Internal Server Error: Disk quota exceeded",
        ),
        (
            507,
            "text/plain",
            "No space in the link group",
            "the storage is full: it answered 507 Insufficient Storage: No space",
        ),
        (507, "text/html", "<h1>Oops</h1>", "the storage is full: it answered 507 Insufficient Storage\n"),
    ];
    for (status, kind, body, reason) in cases {
        let headers = format!("Content-Type: {kind}\r\n");
        let full = storage(move |request, _| request.starts_with("PUT").then(|| Answer::new(status, &headers, body)))?;
        let outcome = upload(&Fixture::new("userpass")?, &full, &[])?;
        expect(&outcome, 79)?;
        ensure!(outcome.stderr.contains(reason), "{reason}: {}", outcome.stderr);
        ensure!(times(&full, "PUT /x.rucio.upload") == 1, "{reason}: {:?}", asked(&full));
    }
    Ok(())
}
