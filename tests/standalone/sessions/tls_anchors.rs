//! Which of the certificates in `ca_cert` and X509_CERT_DIR may have signed a server's: those of authorities alone.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::fixtures::{Answer, CertificateFixture, Home, Server, TODAY, TlsFront, Use, keep};
use crate::support::Outcome;

const USERPASS: &str = "auth_type = userpass\nusername = jdoe\npassword = secret";
const LOCALHOST: [&str; 2] = ["O=Testbed", "CN=localhost"];

/// An authority that is as it should be.
fn good_authority() -> Result<CertificateFixture> {
    CertificateFixture::signed_by_itself(&["O=Testbed", "CN=Testbed CA"], TODAY, Use::Authority)
}

/// A server of this certificate, seen by a client that trusts what is in this file or folder.
fn seen(home: &Home, host: &CertificateFixture, trusted: &Path) -> Result<Outcome> {
    seen_with(home, host, &[], trusted)
}

/// The same where the server sends these certificates, too.
fn seen_with(
    home: &Home,
    host: &CertificateFixture,
    others: &[&CertificateFixture],
    trusted: &Path,
) -> Result<Outcome> {
    let server = Server::start(|_, _| Answer::json(r#"{"account": "jdoe"}"#))?;
    let front = TlsFront::with_chain(&server, host, others)?;
    let outcome = front.client(home, &trusted.display().to_string(), USERPASS)?.args(["whoami"]).run()?;
    let heard = server.heard_in_all();
    ensure!(outcome.code == 0 || heard.is_empty(), "data was sent to an untrusted server: {heard:?}");
    Ok(outcome)
}

fn accepted(outcome: &Outcome) -> Result<()> {
    ensure!(outcome.code == 0 && outcome.stdout.contains("account    : jdoe"), "{outcome:?}");
    ensure!(outcome.stderr.is_empty(), "no certificate is warned of that plays no role: {outcome:?}");
    Ok(())
}

/// The command fails at once, with one warning of this file, and with the same and a hint in the error.
fn refused_for(outcome: &Outcome, file: &Path, subject: &str, why: &str) -> Result<()> {
    ensure!(outcome.code == 1 && outcome.stdout.is_empty(), "{outcome:?}");
    let expected = format!("CA certificate {} ({subject}) is not used: {why}", file.display());
    let warnings: Vec<_> = outcome.stderr.lines().filter(|line| line.contains("WARNING\t")).collect();
    ensure!(warnings.len() == 1, "one warning is enough:\n{}", outcome.stderr);
    ensure!(
        warnings[0].contains(&format!("The {expected}")),
        "{expected:?} is not in the warning:\n{}",
        outcome.stderr
    );
    let error = format!("is not trusted, since the {expected}");
    ensure!(outcome.stderr.contains(&error), "{error:?} is not said:\n{}", outcome.stderr);
    ensure!(outcome.stderr.contains("Hint: "), "there is no hint:\n{}", outcome.stderr);
    ensure!(!outcome.stderr.contains("Waiting"), "trying again does not help:\n{}", outcome.stderr);
    Ok(())
}

/// Certificates that may sign no server's, each with its name and with what is wrong.
fn unfit() -> Result<Vec<(CertificateFixture, &'static str, &'static str)>> {
    let itself = CertificateFixture::signed_by_itself;
    let issued = good_authority()?.sign(&["CN=Issued"], TODAY, Use::Server("elsewhere"))?;
    Ok(vec![
        (itself(&["CN=Pinned"], TODAY, Use::Server("elsewhere"))?, "CN=Pinned", "it is not the certificate of a CA"),
        (issued, "CN=Issued", "it is not the certificate of a CA"),
        (itself(&["CN=Old CA"], (-9, -1), Use::Authority)?, "CN=Old CA", "it expired on 20"),
        (itself(&["CN=Early CA"], (1, 9), Use::Authority)?, "CN=Early CA", "it is valid only from 20"),
        (itself(&["CN=CRL CA"], TODAY, Use::NoCertSign)?, "CN=CRL CA", "it may not sign certificates"),
        (itself(&["CN=Client CA"], TODAY, Use::ClientAuthority)?, "CN=Client CA", "it is not for TLS servers"),
    ])
}

#[test]
fn ca_in_a_file_that_is_unfit_is_not_used() -> Result<()> {
    for (authority, subject, why) in unfit()? {
        let home = Home::new()?;
        let file = keep(&home, "ca.pem", good_authority()?.pem()? + &authority.pem()?)?;
        let host = authority.sign(&LOCALHOST, TODAY, Use::Server("localhost"))?;
        refused_for(&seen(&home, &host, &file)?, &file, subject, why).context(subject)?;
        // Nor where the server sends the authority's certificate along, as many do.
        refused_for(&seen_with(&home, &host, &[&authority], &file)?, &file, subject, why).context(subject)?;
    }
    Ok(())
}

#[test]
fn ca_in_a_folder_that_is_unfit_is_not_used() -> Result<()> {
    for (authority, subject, why) in unfit()? {
        let home = Home::new()?;
        let (folder, hash) = authority.hashed_folder(&home)?;
        let host = authority.sign(&LOCALHOST, TODAY, Use::Server("localhost"))?;
        let outcome = seen(&home, &host, &folder)?;
        refused_for(&outcome, &folder.join(format!("{hash}0")), subject, why).context(subject)?;
        // Nor where the names in the folder are hashes of another time.
        let renamed = folder.join("0badcafe.0");
        fs::rename(folder.join(format!("{hash}0")), &renamed)?;
        refused_for(&seen(&home, &host, &folder)?, &renamed, subject, why).context(subject)?;
    }
    Ok(())
}

#[test]
fn ca_that_is_unfit_but_plays_no_role_is_not_reported() -> Result<()> {
    let (home, ca) = (Home::new()?, good_authority()?);
    let mut all = ca.pem()?;
    let (folder, _) = ca.hashed_folder(&home)?;
    for (authority, ..) in unfit()? {
        all += &authority.pem()?;
        authority.hashed_folder(&home)?;
    }
    let file = keep(&home, "ca.pem", all)?;
    let host = ca.sign(&LOCALHOST, TODAY, Use::Server("localhost"))?;
    for trusted in [file, folder] {
        accepted(&seen(&home, &host, &trusted)?).context(trusted.display().to_string())?;
    }
    Ok(())
}

/// Authorities renew their certificate and keep their key; folders and files then often have both.
#[test]
fn ca_that_expired_does_not_hide_its_renewed_certificate() -> Result<()> {
    let old = CertificateFixture::signed_by_itself(&["CN=Renewed CA"], (-9, -1), Use::Authority)?;
    let new = old.sign_for(old.key.clone(), &["CN=Renewed CA"], TODAY, Use::Authority)?;
    let host = new.sign(&LOCALHOST, TODAY, Use::Server("localhost"))?;
    for pair in [[&old, &new], [&new, &old]] {
        let home = Home::new()?;
        let file = keep(&home, "ca.pem", pair[0].pem()? + &pair[1].pem()?)?;
        accepted(&seen(&home, &host, &file)?)?;
        let (folder, hash) = pair[0].hashed_folder(&home)?;
        fs::write(folder.join(format!("{hash}1")), pair[1].pem()?)?;
        accepted(&seen(&home, &host, &folder)?)?;
    }
    Ok(())
}

/// An expired root is no hindrance where the server's chain leads to another, too.
#[test]
fn ca_that_expired_does_not_matter_beside_another_path() -> Result<()> {
    let home = Home::new()?;
    let root = CertificateFixture::signed_by_itself(&["CN=Root"], TODAY, Use::Authority)?;
    let old = CertificateFixture::signed_by_itself(&["CN=Old Root"], (-9, -1), Use::Authority)?;
    let crossed = old.sign_for(root.key.clone(), &["CN=Root"], TODAY, Use::Authority)?;
    let host = root.sign(&LOCALHOST, TODAY, Use::Server("localhost"))?;
    let file = keep(&home, "ca.pem", old.pem()? + &root.pem()?)?;
    accepted(&seen_with(&home, &host, &[&crossed], &file)?)
}

/// The certificates between the server's and a root are judged alike.
#[test]
fn ca_that_is_intermediate_and_unfit_is_not_used() -> Result<()> {
    let (home, ca) = (Home::new()?, good_authority()?);
    let file = keep(&home, "ca.pem", ca.pem()?)?;
    for (days, what_for, why) in [
        (TODAY, Use::Authority, None),
        (TODAY, Use::NoCertSign, Some("it may not sign certificates")),
        (TODAY, Use::ClientAuthority, Some("it is not for TLS servers")),
        (TODAY, Use::User, Some("it is not the certificate of a CA")),
        ((-9, -1), Use::Authority, Some("it expired on 20")),
    ] {
        let between = ca.sign(&["CN=Between"], days, what_for)?;
        let host = between.sign(&LOCALHOST, TODAY, Use::Server("localhost"))?;
        let outcome = seen_with(&home, &host, &[&between], &file)?;
        let Some(why) = why else {
            accepted(&outcome)?;
            fs::remove_dir_all(home.token_folder())?;
            continue;
        };
        let expected = format!("the CA certificate that the server sent (CN=Between) is not used: {why}");
        ensure!(outcome.code == 1 && outcome.stderr.contains(&expected), "{expected:?}: {outcome:?}");
        ensure!(outcome.stderr.contains("Tell the server's administrators"), "{outcome:?}");
    }
    Ok(())
}

/// An authority may say how many others there may be between it and a server.
#[test]
fn ca_path_length_is_respected() -> Result<()> {
    for (most, between, is_good) in [(0, 0, true), (0, 1, false), (1, 1, true), (1, 2, false), (2, 2, true)] {
        let home = Home::new()?;
        let root = CertificateFixture::signed_by_itself(&["CN=Root"], TODAY, Use::Limited(most))?;
        let mut chain = vec![root];
        for number in 0..between {
            let name = format!("CN=Below {number}");
            let below = chain[number].sign(&[&name], TODAY, Use::Authority)?;
            chain.push(below);
        }
        let host = chain[between].sign(&LOCALHOST, TODAY, Use::Server("localhost"))?;
        let file = keep(&home, "ca.pem", chain[0].pem()?)?;
        // What is sent besides counts for nothing: the root itself, and another that has nothing to do with it.
        let stranger = CertificateFixture::unknown_authority()?;
        let sent: Vec<_> = chain.iter().rev().chain([&stranger]).collect();
        let outcome = seen_with(&home, &host, &sent, &file)?;
        match is_good {
            true => accepted(&outcome).with_context(|| format!("{most} {between}"))?,
            false => refused_for(&outcome, &file, "CN=Root", &format!("it allows {most} CAs below it"))?,
        }
    }
    Ok(())
}

/// An intermediate CA may be trusted without its root, as with curl.
#[test]
fn ca_that_is_intermediate_may_be_named_without_its_root() -> Result<()> {
    let home = Home::new()?;
    let between = good_authority()?.sign(&["CN=Between"], TODAY, Use::Authority)?;
    let host = between.sign(&LOCALHOST, TODAY, Use::Server("localhost"))?;
    accepted(&seen(&home, &host, &keep(&home, "ca.pem", between.pem()?)?)?)
}

/// Where a server's certificate is listed: in a file, and in a folder with and without the hash of today.
fn listings(home: &Home, listed: &CertificateFixture) -> Result<[PathBuf; 3]> {
    let file = keep(home, "server.pem", listed.pem()?)?;
    let (folder, hash) = listed.hashed_folder(home)?;
    let other = home.path().join("other");
    fs::create_dir_all(&other)?;
    fs::copy(folder.join(format!("{hash}0")), other.join("0badcafe.0"))?;
    Ok([file, folder, other])
}

#[test]
fn server_certificate_that_is_listed_is_good_for_that_server_only() -> Result<()> {
    let own = CertificateFixture::signed_by_itself(&LOCALHOST, TODAY, Use::Server("localhost"))?;
    let issued = CertificateFixture::unknown_authority()?.sign(&LOCALHOST, TODAY, Use::Server("localhost"))?;
    for listed in [own, issued] {
        let home = Home::new()?;
        // The owner of the key issues another certificate of the same name.
        let forged = listed.sign_for(listed.key.clone(), &LOCALHOST, TODAY, Use::Server("localhost"))?;
        for trusted in listings(&home, &listed)? {
            accepted(&seen(&home, &listed, &trusted)?)?;
            fs::remove_dir_all(home.token_folder())?;
            let outcome = seen(&home, &forged, &trusted)?;
            let expected = "(CN=localhost,O=Testbed) is not used: it is not the certificate of a CA";
            ensure!(outcome.code == 1 && outcome.stderr.contains(expected), "{outcome:?}");
        }
    }
    Ok(())
}

#[test]
fn server_certificate_that_is_listed_must_be_valid_for_host_and_time() -> Result<()> {
    for (days, host, expected) in [
        ((-9, -1), "localhost", "the server's certificate expired on 20"),
        ((1, 9), "localhost", "the server's certificate is not valid before 20"),
        (TODAY, "elsewhere", "is that of another host: elsewhere"),
    ] {
        let home = Home::new()?;
        let listed = CertificateFixture::signed_by_itself(&LOCALHOST, days, Use::Server(host))?;
        for trusted in listings(&home, &listed)? {
            let outcome = seen(&home, &listed, &trusted)?;
            ensure!(outcome.code == 1 && outcome.stderr.contains(expected), "{expected}: {outcome:?}");
        }
    }
    Ok(())
}

/// A list of what was revoked counts if it is signed by the authority's key, as long as that may sign.
#[test]
fn crl_of_an_unfit_ca_is_ignored() -> Result<()> {
    let (home, ca) = (Home::new()?, good_authority()?);
    let (folder, hash) = ca.hashed_folder(&home)?;
    let host = ca.sign(&LOCALHOST, TODAY, Use::Server("localhost"))?;
    let old = CertificateFixture::signed_by_itself(&["O=Testbed", "CN=Testbed CA"], (-9, -1), Use::Authority)?;
    ensure!(old.certificate.subject_name_hash() == ca.certificate.subject_name_hash(), "the names are not the same");
    fs::write(folder.join(format!("{hash}1")), old.pem()?)?;
    fs::write(folder.join(format!("{hash}r0")), ca.revokes(&[&host.certificate], 9, &old.key)?)?;
    accepted(&seen(&home, &host, &folder)?)?;
    fs::remove_dir_all(home.token_folder())?;
    fs::write(folder.join(format!("{hash}r0")), ca.revokes(&[&host.certificate], 9, &ca.key)?)?;
    let outcome = seen(&home, &host, &folder)?;
    ensure!(outcome.code == 1 && outcome.stderr.contains("was revoked by its CA"), "{outcome:?}");
    Ok(())
}

/// The purpose of TLS servers in DER form, in a list.
const SERVERS: &[u8] = &[0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1];

/// A certificate with OpenSSL's trust settings (the fields of `X509_CERT_AUX` in DER form) behind it.
fn with_settings(ca: &CertificateFixture, fields: &[u8]) -> Result<String> {
    let settings = [&[0x30, fields.len() as u8], fields].concat();
    let body = openssl::base64::encode_block(&[ca.certificate.to_der()?, settings].concat());
    Ok(format!("-----BEGIN TRUSTED CERTIFICATE-----\n{body}\n-----END TRUSTED CERTIFICATE-----\n"))
}

/// The forms that OpenSSL reads, besides the usual one.
#[test]
fn ca_file_in_other_forms_of_pem_is_read() -> Result<()> {
    let ca = good_authority()?;
    let host = ca.sign(&LOCALHOST, TODAY, Use::Server("localhost"))?;
    let pem = ca.pem()?;
    for (form, content) in [
        ("byte order mark", format!("\u{feff}{pem}")),
        ("old label", pem.replace("CERTIFICATE", "X509 CERTIFICATE")),
        ("alias", with_settings(&ca, &[0x0c, 2, b'C', b'A'])?),
        ("trusted for servers", with_settings(&ca, SERVERS)?),
    ] {
        let home = Home::new()?;
        accepted(&seen(&home, &host, &keep(&home, "ca.pem", content)?)?).context(form)?;
    }
    Ok(())
}

/// The settings behind a certificate may exclude servers; then it is no authority for them, wherever it comes from.
#[test]
fn ca_that_is_not_trusted_for_servers_is_not_used() -> Result<()> {
    let root = good_authority()?;
    let between = root.sign(&["CN=Between"], TODAY, Use::Authority)?;
    let host = between.sign(&LOCALHOST, TODAY, Use::Server("localhost"))?;
    let clients = [&SERVERS[..11], &[2]].concat();
    let rejected = [&[0xa0], &SERVERS[1..]].concat();
    for fields in [clients, rejected] {
        let home = Home::new()?;
        let listed = keep(&home, "ca.pem", with_settings(&between, &fields)? + &root.pem()?)?;
        let why = "its trust settings exclude TLS servers";
        for sent in [&[][..], &[&between]] {
            refused_for(&seen_with(&home, &host, sent, &listed)?, &listed, "CN=Between", why)?;
        }
        let own = CertificateFixture::self_signed("localhost")?;
        let listed = keep(&home, "own.pem", with_settings(&own, &fields)?)?;
        refused_for(&seen(&home, &own, &listed)?, &listed, "CN=localhost", why)?;
    }
    Ok(())
}
