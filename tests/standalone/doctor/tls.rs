//! Certificates of servers that nobody should trust, or not for long.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Result, ensure};
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Name, X509NameRef};

use crate::fixtures::doctor::DoctorFixture;
use crate::fixtures::{CertificateFixture, Home};

fn name(common: &str) -> Result<X509Name> {
    let mut name = X509Name::builder()?;
    name.append_entry_by_text("CN", common)?;
    Ok(name.build())
}

/// A certificate for this host, or, without one, of an authority; until so many days from now.
fn signed(
    common: &str,
    host: Option<&str>,
    days: i64,
    issuer: &X509NameRef,
    by: &PKey<Private>,
    own: &PKey<Private>,
) -> Result<X509> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs() as i64;
    let mut certificate = X509::builder()?;
    certificate.set_version(2)?;
    certificate.set_serial_number(&*BigNum::from_u32(if host.is_some() { 2 } else { 1 })?.to_asn1_integer()?)?;
    certificate.set_subject_name(&*name(common)?)?;
    certificate.set_issuer_name(issuer)?;
    certificate.set_not_before(&*Asn1Time::from_unix(now - 100 * 86_400)?)?;
    certificate.set_not_after(&*Asn1Time::from_unix(now + days * 86_400)?)?;
    certificate.set_pubkey(own)?;
    match host {
        Some(host) => {
            let names = SubjectAlternativeName::new().dns(host).build(&certificate.x509v3_context(None, None))?;
            certificate.append_extension(names)?;
        }
        None => certificate.append_extension(BasicConstraints::new().critical().ca().build()?)?,
    }
    certificate.sign(by, MessageDigest::sha256())?;
    Ok(certificate.build())
}

/// A server on this machine with a certificate for `host` that expires in so many days. Returns its address and the file of
/// the authority that signed it.
fn server(home: &Home, host: &str, days: i64) -> Result<(String, PathBuf)> {
    server_of(home, host, days, 100)
}

/// The same where the authority's certificate ends in so many days.
fn server_of(home: &Home, host: &str, days: i64, ca_days: i64) -> Result<(String, PathBuf)> {
    let (ca_key, key) = (PKey::from_rsa(Rsa::generate(2048)?)?, PKey::from_rsa(Rsa::generate(2048)?)?);
    let ca = signed("Clinic CA", None, ca_days, &*name("Clinic CA")?, &ca_key, &ca_key)?;
    let certificate = signed(host, Some(host), days, ca.subject_name(), &ca_key, &key)?;
    let file = home.path().join("clinic-ca.pem");
    fs::write(&file, ca.to_pem()?)?;
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls())?;
    acceptor.set_certificate(&certificate)?;
    acceptor.set_private_key(&key)?;
    let (acceptor, listener) = (acceptor.build(), TcpListener::bind("127.0.0.1:0")?);
    let place = format!("localhost:{}", listener.local_addr()?.port());
    // It ends with the test process.
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Whether the client likes the certificate is the client's affair.
            drop(acceptor.accept(stream));
        }
    });
    Ok((place, file))
}

fn patient_at(home: Home, place: &str, ca: &Path) -> Result<DoctorFixture> {
    let lines = format!(
        "rucio_host = https://{place}\nauth_host = https://{place}\nca_cert = {}\naccount = jdoe\nauth_type = userpass\n\
         username = jdoe\npassword = secret",
        ca.display()
    );
    let config = home.config(&lines)?;
    DoctorFixture::of(home, Some(config))
}

#[test]
fn doctor_finds_an_expired_server_certificate() -> Result<()> {
    let home = Home::new()?;
    let (place, ca) = server(&home, "localhost", -2)?;
    let finding = patient_at(home, &place, &ca)?.fails(&[], 1)?;
    finding.says("tls", &["the server's certificate expired on 20", "(CN=localhost, signed by CN=Clinic CA)", "`date`"])
}

#[test]
fn doctor_finds_a_server_certificate_of_another_host() -> Result<()> {
    let home = Home::new()?;
    let (place, ca) = server(&home, "rucio.example.org", 90)?;
    let finding = patient_at(home, &place, &ca)?.fails(&[], 1)?;
    finding
        .says("tls", &["is that of another host: rucio.example.org (CN=rucio.example.org", "rucio_host and auth_host"])
}

#[test]
fn doctor_warns_of_a_server_certificate_that_expires_soon() -> Result<()> {
    let home = Home::new()?;
    let (place, ca) = server(&home, "localhost", 1)?;
    let (findings, code) = patient_at(home, &place, &ca)?.examined(&[])?;
    let warning = findings.iter().find(|finding| finding.check == "tls");
    // Behind the handshake there is no Rucio.
    ensure!(code == 1 && warning.is_some_and(|finding| finding.status == "warning"), "{findings:#?}");
    Ok(())
}

/// If the handshake fails for that reason, the error says so.
#[test]
fn doctor_finds_an_unfit_ca_of_the_server() -> Result<()> {
    let home = Home::new()?;
    let (place, ca) = server_of(&home, "localhost", 90, -2)?;
    fs::write(&ca, fs::read_to_string(&ca)? + &CertificateFixture::unknown_authority()?.pem()?)?;
    let (findings, code) = patient_at(home, &place, &ca)?.examined(&[])?;
    let failed: Vec<_> = findings.iter().filter(|one| one.status == "failed").collect();
    ensure!(code == 1 && failed.len() == 1, "{code}: {findings:#?}");
    let told = format!("since the CA certificate {} (CN=Clinic CA) is not used: it expired on 20", ca.display());
    failed[0].says("tls", &["the server's certificate (CN=localhost) is not trusted", &told, "current certificate"])
}
