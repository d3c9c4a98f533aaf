//! Signed URLs of S3, also expired ones.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::fixtures::{Home, wait_for};
use crate::support::{Outcome, Testbed};

fn rucio(home: &Home, config: &str, words: &[&str]) -> Result<Outcome> {
    home.ours().config(config)?.folder(home.path()).args(words).run()
}

fn expect(outcome: &Outcome, code: i32, part: &str) -> Result<()> {
    let (stdout, stderr) = (&outcome.stdout, &outcome.stderr);
    ensure!(outcome.code == code, "{} instead of {code}\n{stdout}\n{stderr}", outcome.code);
    ensure!(stderr.contains(part), "{part} is not in\n{stdout}\n{stderr}");
    Ok(())
}

/// Lists test:s3.dat with a signature of so many seconds. Returns the server's response in this format.
fn listed(home: &Home, seconds: u64, form: &str) -> Result<String> {
    let body = json!({"dids": [{"scope": "test", "name": "s3.dat"}], "signature_lifetime": seconds});
    fs::write(home.path().join("body"), body.to_string())?;
    let accept = format!("Accept: {form}");
    let outcome = rucio(home, "userpass", &["api", "POST", "replicas/list", "--input", "body", "--header", &accept])?;
    expect(&outcome, 0, "")?;
    Ok(outcome.stdout)
}

/// The PFN in a listing in XML or JSON.
fn signed_url(listing: &str) -> Result<String> {
    let start = listing.find("https://").context("no PFN")?;
    let url = listing[start..].split(['"', '<']).next().unwrap_or_default();
    Ok(url.replace("&amp;", "&"))
}

fn wait_until_expired(url: &str) -> Result<()> {
    let ca = format!("{}/ca.pem", Testbed::get()?.value("CERTS")?);
    wait_for("the signature to expire", || {
        let curl = Command::new("curl")
            .args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", &ca, url])
            .output()?;
        Ok((curl.stdout == b"403").then_some(()))
    })
}

fn is_whole(home: &Home) -> Result<()> {
    let bytes = fs::read(home.path().join("test/s3.dat"))?;
    let sum = format!("{:08x}", simd_adler32::adler32(&&bytes[..]));
    ensure!(bytes.len() == 500_000 && sum == "2bb3fbf9", "{} bytes, {sum}", bytes.len());
    Ok(())
}

#[test]
fn signed_address_that_expired_is_signed_again() -> Result<()> {
    let home = Home::new()?;
    let listing = listed(&home, 1, "application/metalink4+xml")?;
    fs::write(home.path().join("m.meta4"), &listing)?;
    wait_until_expired(&signed_url(&listing)?)?;
    let outcome = rucio(&home, "userpass", &["download", "--metalink", "m.meta4"])?;
    expect(&outcome, 0, "successfully downloaded")?;
    ensure!(outcome.stderr.matches("Using PFN").count() == 2, "{}", outcome.stderr);
    ensure!(!outcome.stderr.contains("attempt failed"), "{}", outcome.stderr);
    is_whole(&home)
}

#[test]
fn signed_address_as_a_pfn_is_used_and_signed_again_when_expired() -> Result<()> {
    let home = Home::new()?;
    let pfn = signed_url(&listed(&home, 1, "application/x-json-stream")?)?;
    wait_until_expired(&pfn)?;
    let words = ["download", "--pfn", &pfn, "--rses", "S3", "test:s3.dat"];
    expect(&rucio(&home, "userpass", &words)?, 0, "successfully downloaded")?;
    is_whole(&home)
}

/// Alice may not get signed URLs: her listing has none, and a stolen one that has expired is not renewed for her.
#[test]
fn signed_address_needs_permission() -> Result<()> {
    let home = Home::new()?;
    let listing = listed(&home, 1, "application/metalink4+xml")?;
    fs::write(home.path().join("m.meta4"), &listing)?;
    wait_until_expired(&signed_url(&listing)?)?;
    let testbed = Testbed::get()?;
    let (url, certs) = (testbed.value("URL")?, testbed.value("CERTS")?);
    let config = home.config(&format!(
        "rucio_host = {url}\nauth_host = {url}\nca_cert = {certs}/ca.pem\naccount = alice\nauth_type = userpass\n\
         username = alice\npassword = secret"
    ))?;
    let rucio = home.ours().env("RUCIO_CONFIG", &config).folder(home.path());
    let outcome = rucio.args(["download", "--metalink", "m.meta4"]).run()?;
    expect(&outcome, 1, "403 Forbidden")?;
    ensure!(!home.path().join("test/s3.dat").exists());
    Ok(())
}
