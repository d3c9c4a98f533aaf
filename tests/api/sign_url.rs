//! `rucio credential sign-url`

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::fixtures::{Home, USER, wait_for};
use crate::support::{Outcome, Rucio, Testbed, project, unique};

/// Signs a URL of the testbed's S3, with these options.
fn sign(home: &Home, options: &[&str], url: &str) -> Result<Outcome> {
    let words = ["credential", "sign-url", "--rse", "S3", "--service", "s3", "--operation", "read"];
    home.ours().config("userpass")?.args(words).args(options).args([url]).run()
}

fn signed(home: &Home, options: &[&str], url: &str) -> Result<String> {
    let outcome = sign(home, options, url)?;
    ensure!(outcome.code == 0 && outcome.stderr.is_empty() && outcome.stdout.lines().count() == 1, "{outcome:?}");
    Ok(outcome.stdout.trim_end().to_owned())
}

/// Requests only the URL with curl. Returns status and body.
fn curl(options: &[&str], url: &str) -> Result<(String, String)> {
    let ca = format!("{}/ca.pem", Testbed::get()?.value("CERTS")?);
    let output =
        Command::new("curl").args(["-sS", "--cacert", &ca, "-w", "\n%{http_code}"]).args(options).arg(url).output()?;
    let text = String::from_utf8(output.stdout)?;
    let (body, status) = text.rsplit_once('\n').context("no status")?;
    Ok((status.to_owned(), body.to_owned()))
}

fn object(name: &str) -> Result<String> {
    Ok(format!("{}/rucio/signed/{}", Testbed::get()?.value("S3")?, unique(name)))
}

#[test]
fn sign_url_is_enough_to_write_read_and_delete_an_object() -> Result<()> {
    let (home, url) = (Home::new()?, object("object")?);
    let write = signed(&home, &["--operation", "write"], &url)?;
    ensure!(curl(&["-X", "PUT", "--data-binary", "héllo"], &url)?.0 == "403", "S3 must want a signature");
    ensure!(curl(&["-X", "PUT", "--data-binary", "héllo"], &write)?.0 == "200");
    let read = signed(&home, &["--operation", "read", "--lifetime", "10m"], &url)?;
    ensure!(read.contains("X-Amz-Expires=600&"), "{read}");
    ensure!(curl(&[], &read)? == ("200".to_owned(), "héllo".to_owned()));
    let others = [(&write, "DELETE"), (&read, "DELETE"), (&write, "GET")];
    for (url, method) in others {
        ensure!(curl(&["-X", method], url)?.0 == "403", "{method} {url}");
    }
    let delete = signed(&home, &["--operation", "delete"], &url)?;
    ensure!(delete.contains("X-Amz-Expires=3600&"), "{delete}");
    ensure!(curl(&["-X", "DELETE"], &delete)?.0 == "204");
    ensure!(curl(&[], &read)?.0 == "404");
    Ok(())
}

#[test]
fn sign_url_signature_expires() -> Result<()> {
    let (home, url) = (Home::new()?, object("shortlived")?);
    ensure!(curl(&["-X", "PUT", "-d", "x"], &signed(&home, &["--operation", "write"], &url)?)?.0 == "200");
    let read = signed(&home, &["--lifetime", "3s"], &url)?;
    ensure!(curl(&[], &read)?.0 == "200", "{read}");
    wait_for("the end of the signature", || Ok((curl(&[], &read)?.0 == "403").then_some(())))
}

#[test]
fn sign_url_is_that_of_the_official_client_for_every_service_and_operation() -> Result<()> {
    let (home, testbed) = (Home::new()?, Testbed::get()?);
    let python = format!("{}/bin/python", testbed.value("CLIENT_VENV")?);
    let script = project().join("tests/api/sign_url.py");
    let ours = Rucio::path();
    let python = Rucio::program(python).home(home.path()).env("LOGNAME", USER).config("userpass")?;
    let script = script.to_string_lossy();
    let outcome = python.args([&*script, &ours, "https://localhost/bucket/some/file"]).run()?;
    ensure!(outcome.code == 0, "{outcome:?}");
    let text = outcome.stdout;
    let marks = [("gcs", "&Signature="), ("s3", "&X-Amz-Signature="), ("swift", "?temp_url_sig=")];
    for line in text.lines() {
        let words: Vec<_> = line.split(' ').collect();
        let [service, _, _, official, ours] = words[..] else { anyhow::bail!("{line}") };
        let mark = marks.iter().find(|(name, _)| *name == service).context("service")?.1;
        ensure!(official == ours && ours.contains(mark), "{line}");
    }
    ensure!(text.lines().count() == 9, "{text}");
    Ok(())
}

#[test]
fn sign_url_record_has_the_expiry() -> Result<()> {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() as i64;
    for service in ["s3", "gcs", "swift"] {
        let url = "https://localhost/bucket/file";
        let outcome = sign(&Home::new()?, &["--service", service, "--lifetime", "2h", "-o", "json"], url)?;
        ensure!(outcome.code == 0, "{outcome:?}");
        let record: Value = serde_json::from_str(&outcome.stdout)?;
        let fields = [("rse", "S3"), ("service", service), ("operation", "read")];
        ensure!(fields.iter().all(|(field, value)| record[*field] == *value), "{record}");
        ensure!(record["lifetime"] == 7200 && record["url"].as_str().is_some_and(|url| url.contains('?')), "{record}");
        let expires = chrono::DateTime::parse_from_rfc3339(record["expires"].as_str().context("expires")?)?;
        ensure!((expires.timestamp() - now() - 7200).abs() < 60, "{record}");
    }
    Ok(())
}

#[test]
fn sign_url_refusals_have_reason_and_hint() -> Result<()> {
    let (home, url) = (Home::new()?, object("refused")?);
    let cases: [(&[&str], &str, [&str; 2]); 6] = [
        (&["--rse", "NOPE"], &url, ["RSE 'NOPE' cannot be found", "rucio rse list"]),
        (&["--rse", "DAVS"], &url, ["cannot sign for s3 on DAVS", "rucio rse attribute list DAVS"]),
        (&["--rse", "DAVS", "--service", "swift"], &url, ["cannot sign for swift on DAVS", "credentials of swift"]),
        (&[], "https://localhost/bucketonly", ["Not a valid Path-Style S3 URL", "https://HOST/BUCKET/KEY"]),
        (&["--lifetime", "8d"], &url, ["lifetime of 691200 seconds", "--lifetime 7d"]),
        (&["--lifetime", "0"], &url, ["expected 1 to", "--lifetime"]),
    ];
    for (options, url, expected) in cases {
        let outcome = sign(&home, options, url)?;
        ensure!(outcome.code == 1 && outcome.stdout.is_empty(), "{options:?}: {outcome:?}");
        ensure!(expected.iter().all(|text| outcome.stderr.contains(text)), "{options:?}: {}", outcome.stderr);
    }
    let alice = ["-a", "alice", "--user", "alice", "credential", "sign-url", "--rse", "S3", "--service", "s3"];
    let outcome = home.ours().config("userpass")?.args(alice).args(["--operation", "read", &url]).run()?;
    ensure!(outcome.code == 1 && outcome.stdout.is_empty(), "{outcome:?}");
    ensure!(
        outcome.stderr.contains("alice can not get signed URL") && outcome.stderr.contains("--key sign-url --value 1 "),
        "{outcome:?}"
    );
    let outcome = home.ours().config("userpass")?.args(["--password", "wrong", "-a", "root"]);
    let outcome = outcome.args(&alice[4..]).args(["--operation", "read", &url]).run()?;
    ensure!(outcome.code == 4 && outcome.stdout.is_empty(), "{outcome:?}");
    Ok(())
}

#[test]
fn sign_url_warns_of_a_port_that_the_server_drops() -> Result<()> {
    let outcome = sign(&Home::new()?, &["--service", "swift"], "https://localhost:8080/v1/file")?;
    ensure!(outcome.code == 0 && outcome.stdout.starts_with("https://localhost/v1/file?"), "{outcome:?}");
    ensure!(outcome.stderr.contains("signed localhost:443"), "{outcome:?}");
    Ok(())
}
