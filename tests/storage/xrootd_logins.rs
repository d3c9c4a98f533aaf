//! Logins at XRootD servers: TLS, gsi, sss, krb5, signed requests. Nothing but this program is on PATH.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::fixtures::TODAY;
use crate::fixtures::download::{DownloadFixture, bytes, ended, verdict};
use crate::fixtures::xrootd::{GridSite, TokenIssuer, XrootdServer};
use crate::support::{Outcome, Testbed};

/// Downloads one file of this content from a PFN, with these variables.
fn download(content: &[u8], pfn: &str, variables: &[(&str, &str)]) -> Result<(DownloadFixture, Outcome)> {
    let mut world = DownloadFixture::new()?;
    world.file("f", content, &[pfn]);
    let mut rucio = world.rucio(&[])?.env("PATH", "/nowhere");
    for (name, value) in variables {
        rucio = rucio.env(name, value);
    }
    let outcome = rucio.run()?;
    Ok((world, outcome))
}

fn expect_arrival(content: &[u8], pfn: &str, variables: &[(&str, &str)], case: &str) -> Result<()> {
    let (world, outcome) = download(content, pfn, variables)?;
    ensure!(outcome.code == 0, "{case}: {}", outcome.stderr);
    world.arrived("f")
}

fn expect_refusal(pfn: &str, variables: &[(&str, &str)], part: &str) -> Result<()> {
    let (_world, outcome) = download(b"x", pfn, variables)?;
    let why = verdict(&outcome, "f").unwrap_or_default();
    ensure!(outcome.code != 0 && why.contains(part), "{part:?} is not in {why:?}\n{}", outcome.stderr);
    Ok(())
}

#[test]
fn xrootd_download_over_tls_whatever_the_server_requires_it_for() -> Result<()> {
    let site = GridSite::new()?;
    let content = bytes(1, 3_000_000);
    let ca = site.ca();
    for mode in ["capable login", "capable session", "capable data", "login", "session data", "off"] {
        let server = site.tls(mode, "")?;
        fs::write(server.place("f"), &content)?;
        for pfn in [server.pfn("f"), server.encrypted_pfn("f")] {
            expect_arrival(&content, &pfn, &[("X509_CERT_DIR", &ca)], &format!("{mode}: {pfn}"))?;
        }
    }
    Ok(())
}

#[test]
fn xrootd_server_is_verified_over_tls() -> Result<()> {
    let site = GridSite::new()?;
    let server = site.tls("capable login", "")?;
    fs::write(server.place("f"), b"x")?;
    let elsewhere = GridSite::new()?.ca();
    expect_refusal(&server.pfn("f"), &[("X509_CERT_DIR", &elsewhere)], "is not trusted (unknown CA)")?;
    let ca = site.ca();
    let by_address = format!("root://127.0.0.2:{}//f", server.port);
    expect_refusal(&by_address, &[("X509_CERT_DIR", &ca)], "is that of another host")?;
    site.revoke_host()?;
    expect_refusal(&server.pfn("f"), &[("X509_CERT_DIR", &ca)], "was revoked by its CA")?;
    let plain = XrootdServer::start("")?;
    expect_refusal(&plain.encrypted_pfn("f"), &[], "has no TLS")
}

#[test]
fn xrootd_download_with_gsi() -> Result<()> {
    let site = GridSite::new()?;
    let (cert, key, proxy) = site.user(TODAY)?;
    let content = bytes(2, 3_000_000);
    let ca = site.ca();
    for lines in ["", "sec.level all compatible", "sec.level all intense", "sec.level all pedantic"] {
        let server = site.gsi("gsi", lines)?;
        fs::write(server.place("f"), &content)?;
        let with_proxy = [("X509_CERT_DIR", ca.as_str()), ("X509_USER_PROXY", &proxy)];
        expect_arrival(&content, &server.pfn("f"), &with_proxy, lines)?;
        let with_certificate = [("X509_CERT_DIR", ca.as_str()), ("X509_USER_CERT", &cert), ("X509_USER_KEY", &key)];
        expect_arrival(&content, &server.pfn("f"), &with_certificate, lines)?;
    }
    Ok(())
}

/// The certificate has the name `localhost` only, which is also what the system has for the address.
#[test]
fn xrootd_gsi_server_is_known_by_the_dns_if_the_user_trusts_it() -> Result<()> {
    let site = GridSite::new()?;
    let (_, _, proxy) = site.user(TODAY)?;
    let server = site.gsi("gsi", "")?;
    fs::write(server.place("f"), b"Wikipedia")?;
    let (pfn, ca) = (format!("root://127.0.0.1:{}//f", server.port), site.ca());
    let with = |value| [("X509_CERT_DIR", ca.as_str()), ("X509_USER_PROXY", &proxy), ("XrdSecGSITRUSTDNS", value)];
    expect_refusal(&pfn, &with("0"), "gsi: the server's certificate is that of another host")?;
    expect_refusal(&pfn, &with("0")[..2], "gsi: the server's certificate is that of another host")?;
    expect_arrival(b"Wikipedia", &pfn, &with("1"), "trusted")?;
    let elsewhere = format!("root://127.0.0.2:{}//f", server.port);
    expect_refusal(&elsewhere, &with("1"), "gsi: the server's certificate is that of another host")
}

/// A new group of 512 bits at each start of the server, and secrets with leading zeros in one of 256 logins.
#[test]
fn xrootd_gsi_logs_in_every_time() -> Result<()> {
    let site = GridSite::new()?;
    let (_, _, proxy) = site.user(TODAY)?;
    let server = site.gsi("gsi", "")?;
    let mut world = DownloadFixture::new()?;
    let content = bytes(3, 100);
    fs::write(server.place("f"), &content)?;
    for number in 0..300 {
        // Each user name is a session of its own.
        let pfn = server.pfn("f").replace("localhost", &format!("u{number}@localhost"));
        world.file(&format!("f{number}"), &content, &[&pfn]);
    }
    let rucio = world.rucio(&[])?.env("PATH", "/nowhere").env("X509_CERT_DIR", &site.ca());
    ended(&rucio.env("X509_USER_PROXY", &proxy).run()?, 0)
}

#[test]
fn xrootd_refused_login_has_the_reason_of_each_method() -> Result<()> {
    let site = GridSite::new()?;
    let ca = site.ca();
    let server = site.gsi("gsi", "")?;
    fs::write(server.place("f"), b"x")?;
    let pfn = server.pfn("f");
    expect_refusal(&pfn, &[("X509_CERT_DIR", &ca)], "gsi: there is no proxy or certificate")?;
    let (_, _, expired) = site.user((-3, -1))?;
    let variables = [("X509_CERT_DIR", ca.as_str()), ("X509_USER_PROXY", &expired)];
    expect_refusal(&pfn, &variables, "gsi: there is no proxy or certificate")?;
    let (_, _, proxy) = site.user(TODAY)?;
    let elsewhere = GridSite::new()?.ca();
    let variables = [("X509_CERT_DIR", elsewhere.as_str()), ("X509_USER_PROXY", &proxy)];
    expect_refusal(&pfn, &variables, "gsi: the server's certificate is not trusted (unknown CA)")?;
    let other = GridSite::new()?;
    let (_, _, strange) = other.user(TODAY)?;
    let variables = [("X509_CERT_DIR", ca.as_str()), ("X509_USER_PROXY", &strange)];
    expect_refusal(&pfn, &variables, "gsi: [30")?;
    let variables = [("X509_CERT_DIR", ca.as_str()), ("X509_USER_PROXY", &proxy), ("XrdSecPROTOCOL", "ztn")];
    expect_refusal(&pfn, &variables, "gsi: not among the methods in XrdSecPROTOCOL")?;
    site.revoke_host()?;
    let variables = [("X509_CERT_DIR", ca.as_str()), ("X509_USER_PROXY", &proxy)];
    expect_refusal(&pfn, &variables, "was revoked by its CA")
}

/// `unix` needs no proof, so it is used only if nothing else is successful.
#[test]
fn xrootd_method_that_trusts_the_client_is_the_last() -> Result<()> {
    let site = GridSite::new()?;
    let (_, _, proxy) = site.user(TODAY)?;
    let server = site.gsi("unix gsi", "")?;
    fs::write(server.place("f"), b"Wikipedia")?;
    let ca = site.ca();
    for (variables, method) in [
        (vec![("X509_CERT_DIR", ca.as_str()), ("X509_USER_PROXY", &proxy)], "by gsi"),
        (vec![("X509_CERT_DIR", ca.as_str())], "by unix"),
    ] {
        let mut world = DownloadFixture::new()?;
        world.file("f", b"Wikipedia", &[&server.pfn("f")]);
        let mut rucio = world.client().args(["-v", "get", "--metalink", "all.meta4", "--dir", "here"]);
        world.document()?;
        for (name, value) in variables {
            rucio = rucio.env(name, value);
        }
        let outcome = rucio.run()?;
        ended(&outcome, 0)?;
        ensure!(outcome.stderr.contains(method), "{method}: {}", outcome.stderr);
    }
    Ok(())
}

#[test]
fn xrootd_download_with_a_shared_key() -> Result<()> {
    let (server, folder) = XrootdServer::start_with_keytab()?;
    let content = bytes(4, 3_000_000);
    fs::write(server.place("f"), &content)?;
    let keytab = folder.path().join("keytab").display().to_string();
    expect_arrival(&content, &server.pfn("f"), &[("XrdSecSSSKT", &keytab)], "sss")?;
    expect_refusal(&server.pfn("f"), &[], "sss: there is no keytab")?;
    let (_other_server, other) = XrootdServer::start_with_keytab()?;
    let keytab = other.path().join("keytab");
    let path = keytab.display().to_string();
    expect_refusal(&server.pfn("f"), &[("XrdSecSSSKT", &path)], "sss: [30")?;
    fs::set_permissions(&keytab, Permissions::from_mode(0o644))?;
    expect_refusal(&server.pfn("f"), &[("XrdSecSSSKT", &path)], "is readable by others")
}

#[test]
fn xrootd_download_with_a_kerberos_ticket() -> Result<()> {
    let testbed = Testbed::get()?.value("DIR")?;
    let (server, _folder) = XrootdServer::start_with_kerberos(testbed)?;
    let content = bytes(5, 3_000_000);
    fs::write(server.place("f"), &content)?;
    let cache = server.place("tickets").display().to_string();
    let realm = format!("{testbed}/etc/krb5.conf");
    let variables = [("KRB5_CONFIG", realm.as_str()), ("KRB5CCNAME", &cache)];
    expect_refusal(&server.pfn("f"), &variables, "krb5: No Kerberos credentials available")?;
    let mut kinit =
        Command::new("kinit").arg("jdoe").envs(variables).stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    kinit.stdin.take().context("no input")?.write_all(b"secret\n")?;
    ensure!(kinit.wait()?.success(), "kinit");
    expect_arrival(&content, &server.pfn("f"), &variables, "krb5")
}

/// A token for the login, and one for the file only.
#[test]
fn xrootd_download_with_a_token() -> Result<()> {
    let site = GridSite::new()?;
    let (server, issuer) = site.tokens("ztn unix")?;
    let content = bytes(6, 3_000_000);
    fs::write(server.place("f"), &content)?;
    let ca = site.ca();
    let good = issuer.token("https://wlcg.cern.ch/jwt/v1/any", 3600)?;
    let with = |token: &str, methods: &str, case: &str| {
        let variables = [("X509_CERT_DIR", ca.as_str()), ("BEARER_TOKEN", token), ("XrdSecPROTOCOL", methods)];
        expect_arrival(&content, &server.pfn("f"), &variables, case)
    };
    with(&good, "ztn", "by ztn")?;
    with(&good, "unix", "by authz")?;
    let in_address = format!("{}?authz=Bearer%20{good}", server.pfn("f"));
    expect_arrival(&content, &in_address, &[("X509_CERT_DIR", &ca)], "in the address")?;
    expect_refusal(&server.pfn("f"), &[("X509_CERT_DIR", &ca)], "ztn: there is no token for this server")?;
    let other = issuer.token("https://other.example.org", 3600)?;
    let variables = [("X509_CERT_DIR", ca.as_str()), ("BEARER_TOKEN", &other)];
    expect_refusal(&server.pfn("f"), &variables, "ztn: there is no token for this server")?;
    let foreign = TokenIssuer::new()?.token("https://wlcg.cern.ch/jwt/v1/any", 3600)?;
    let variables = [("X509_CERT_DIR", ca.as_str()), ("BEARER_TOKEN", &foreign)];
    expect_refusal(&server.pfn("f"), &variables, "[3010]")
}
