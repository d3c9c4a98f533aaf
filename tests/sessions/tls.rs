//! Whom we take for the server: authorities, lists of revoked certificates, and `--insecure`.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::fixtures::{AccessLog, Answer, CertificateFixture, Home, Pty, Server, TODAY, TlsFront, Use, WHOAMI};
use crate::support::{Outcome, Testbed, unique};

const USERPASS: &str = "auth_type = userpass\nusername = jdoe\npassword = secret";

fn works(outcome: &Outcome) -> Result<()> {
    ensure!(outcome.code == 0 && outcome.stdout.contains("account    : jdoe"), "{outcome:?}");
    Ok(())
}

/// The command exits with 1 at once, has saved no token, and prints all these texts.
fn refused(home: &Home, outcome: &Outcome, expected: &[&str]) -> Result<()> {
    ensure!(outcome.code == 1 && outcome.stdout.is_empty(), "{outcome:?}");
    for text in expected.iter().chain(&["Hint: "]) {
        ensure!(outcome.stderr.contains(text), "{text:?} is not said:\n{}", outcome.stderr);
    }
    ensure!(!outcome.stderr.contains("Waiting"), "trying again does not help: {}", outcome.stderr);
    ensure!(!home.token_file().exists());
    Ok(())
}

/// The real server, seen with this folder of authorities.
fn with_folder(home: &Home, folder: &Path) -> Result<Outcome> {
    let folder = folder.to_string_lossy();
    home.ours().config("userpass")?.args(["--ca-certificate", &folder, "whoami"]).run()
}

#[test]
fn crl_with_the_server_refuses_it_even_if_outdated() -> Result<()> {
    let (ca, host) = (CertificateFixture::testbed("ca")?, CertificateFixture::testbed("host")?);
    for due in [9, -300] {
        let home = Home::new()?;
        let (folder, hash) = ca.hashed_folder(&home)?;
        fs::write(folder.join(format!("{hash}r0")), ca.revokes(&[&host.certificate], due, &ca.key)?)?;
        let expected = ["the server's certificate was revoked by its CA", "do not use this server"];
        refused(&home, &with_folder(&home, &folder)?, &expected)?;
    }
    Ok(())
}

#[test]
fn crl_without_the_server_changes_nothing() -> Result<()> {
    let (ca, host, jdoe) = (
        CertificateFixture::testbed("ca")?,
        CertificateFixture::testbed("host")?,
        CertificateFixture::testbed("jdoe")?,
    );
    let forged = ca.revokes(&[&host.certificate], 9, &jdoe.key)?;
    for (list, passed_over) in [
        (ca.revokes(&[&jdoe.certificate], 9, &ca.key)?, None),
        (ca.revokes(&[], -300, &ca.key)?, None),
        (forged, Some("its signature is not that of the CA")),
        ("-----BEGIN X509 CRL-----\nbroken\n-----END X509 CRL-----\n".to_owned(), Some("it is damaged")),
        (String::new(), Some("it is damaged")),
    ] {
        let home = Home::new()?;
        let (folder, hash) = ca.hashed_folder(&home)?;
        fs::write(folder.join(format!("{hash}r0")), list)?;
        let outcome = with_folder(&home, &folder)?;
        works(&outcome)?;
        ensure!(outcome.stderr.is_empty(), "{outcome:?}");
        let folder = folder.to_string_lossy();
        let ours = home.ours().config("userpass")?.args(["-v", "--ca-certificate", &folder, "whoami"]).run()?;
        let line = passed_over.map(|why| format!("{hash}r0 is ignored: {why}"));
        ensure!(ours.stderr.contains("is ignored") == line.is_some(), "{ours:?}");
        ensure!(line.is_none_or(|line| ours.stderr.contains(&line)), "{ours:?}");
    }
    Ok(())
}

/// A list may be the second of several, and in the binary form.
#[test]
fn crls_of_one_ca_are_all_read() -> Result<()> {
    let (home, ca, host) = (Home::new()?, CertificateFixture::testbed("ca")?, CertificateFixture::testbed("host")?);
    let (folder, hash) = ca.hashed_folder(&home)?;
    fs::write(folder.join(format!("{hash}r0")), ca.revokes(&[], 9, &ca.key)?)?;
    let list = openssl::x509::X509Crl::from_pem(ca.revokes(&[&host.certificate], 9, &ca.key)?.as_bytes())?;
    fs::write(folder.join(format!("{hash}r1")), list.to_der()?)?;
    refused(&home, &with_folder(&home, &folder)?, &["was revoked by its CA"])
}

/// Globus would refuse a server outside of its authority's policy; the official client and curl know no policies.
#[test]
fn ca_policy_files_are_ignored() -> Result<()> {
    let (home, ca) = (Home::new()?, CertificateFixture::testbed("ca")?);
    let (folder, hash) = ca.hashed_folder(&home)?;
    let policy = "access_id_CA X509 '/O=Testbed/CN=Testbed CA'\npos_rights globus CA:sign\n\
                  cond_subjects globus '\"/O=Elsewhere/*\"'\n";
    fs::write(folder.join(format!("{hash}signing_policy")), policy)?;
    fs::write(
        folder.join(format!("{hash}namespaces")),
        "TO Issuer \"/O=Testbed\" PERMIT Subject \"/O=Elsewhere/.*\"\n",
    )?;
    works(&with_folder(&home, &folder)?)
}

/// Folders of OpenSSL before 1.0 have names of another hash.
#[test]
fn cas_with_other_file_names_are_found() -> Result<()> {
    let (home, ca) = (Home::new()?, CertificateFixture::testbed("ca")?);
    let (folder, hash) = ca.hashed_folder(&home)?;
    fs::rename(folder.join(format!("{hash}0")), folder.join("0badcafe.0"))?;
    works(&with_folder(&home, &folder)?)
}

/// Hundreds of CAs cost nothing as long as they are not read. Reading these blocks for ever.
#[test]
fn cas_and_crls_that_do_not_matter_are_not_read() -> Result<()> {
    let (home, ca) = (Home::new()?, CertificateFixture::testbed("ca")?);
    let (folder, hash) = ca.hashed_folder(&home)?;
    for name in ["00000000.0", "00000000.r0", "ffffffff.0", "ffffffff.r0", &format!("{hash}signing_policy")] {
        ensure!(Command::new("mkfifo").arg(folder.join(name)).status()?.success());
    }
    let folder = folder.to_string_lossy();
    let client = home.ours().config("userpass")?.args(["--ca-certificate", &folder, "whoami"]);
    works(&client.limit(Duration::from_secs(30)).run()?)
}

#[test]
fn ca_is_chosen_among_several_with_one_hash() -> Result<()> {
    let (home, ca) = (Home::new()?, CertificateFixture::testbed("ca")?);
    let (folder, hash) = ca.hashed_folder(&home)?;
    fs::rename(folder.join(format!("{hash}0")), folder.join(format!("{hash}1")))?;
    fs::write(folder.join(format!("{hash}0")), CertificateFixture::unknown_authority()?.pem()?)?;
    works(&with_folder(&home, &folder)?)
}

/// A server with a certificate like this, seen with the testbed's authority.
fn server_with(host: &CertificateFixture, ca: &str) -> Result<(Home, Outcome)> {
    let (home, server) = (Home::new()?, Server::start(|_, _| Answer::json(r#"{"account": "jdoe"}"#))?);
    let front = TlsFront::start(&server, host)?;
    let outcome = front.client(&home, ca, USERPASS)?.args(["whoami"]).run()?;
    let heard = server.heard_in_all();
    ensure!(outcome.code == 0 || heard.is_empty(), "data was sent to an untrusted server: {heard:?}");
    Ok((home, outcome))
}

#[test]
fn server_certificates_that_are_bad_each_have_a_message_and_hint() -> Result<()> {
    let ca = CertificateFixture::testbed("ca")?;
    let trusted = Home::certificate("ca.pem")?.display().to_string();
    let localhost = ["O=Testbed", "CN=localhost"];
    works(&server_with(&ca.sign(&localhost, TODAY, Use::Server("localhost"))?, &trusted)?.1)?;
    let stranger = CertificateFixture::unknown_authority()?;
    let untrusted = "the server's certificate is not trusted (unknown CA)";
    for (host, expected) in [
        (
            ca.sign(&localhost, (-9, -1), Use::Server("localhost"))?,
            ["the server's certificate expired on 20", "(it is 20", "Tell the server's administrators"],
        ),
        (
            ca.sign(&localhost, (1, 2), Use::Server("localhost"))?,
            [
                "the server's certificate is not valid before 20",
                "(it is 20",
                "Check the clock of this machine (`date`)",
            ],
        ),
        (
            ca.sign(&localhost, TODAY, Use::Server("rucio.example.org"))?,
            ["is that of another host: rucio.example.org", "rucio_host and auth_host", "https://localhost:"],
        ),
        (
            stranger.sign(&localhost, TODAY, Use::Server("localhost"))?,
            [untrusted, ": CN=localhost,O=Testbed is signed by CN=Unknown CA,O=Elsewhere", "certs/ca.pem."],
        ),
        (stranger, [untrusted, "is signed by itself", "--ca-certificate, X509_CERT_DIR or [client] ca_cert"]),
    ] {
        let (home, outcome) = server_with(&host, &trusted)?;
        refused(&home, &outcome, &expected)?;
    }
    Ok(())
}

/// Small sites sign their server's certificate with its own key, and hand that out as the authority.
#[test]
fn server_certificate_that_was_named_may_be_self_signed() -> Result<()> {
    let home = Home::new()?;
    let own = CertificateFixture::self_signed("localhost")?;
    let named = crate::fixtures::keep(&home, "server.pem", own.pem()?)?.display().to_string();
    works(&server_with(&own, &named)?.1)?;
    let other = CertificateFixture::self_signed("elsewhere")?;
    let named = crate::fixtures::keep(&home, "server.pem", other.pem()?)?.display().to_string();
    let (home, outcome) = server_with(&other, &named)?;
    refused(&home, &outcome, &["another host: elsewhere"])
}

#[test]
fn server_protocol_mismatch_of_http_and_https_is_reported() -> Result<()> {
    let home = Home::new()?;
    let url = Testbed::get()?.value("DAV")?.replace("http:", "https:");
    let outcome = home.ours().config("userpass")?.args(["-H", &url, "--auth-host", &url, "whoami"]).run()?;
    refused(&home, &outcome, &["the server does not speak TLS on this port", "must begin with http://"])?;
    let url = Testbed::get()?.value("URL")?.replace("https:", "http:");
    let outcome = home.ours().config("userpass")?.args(["-H", &url, "--auth-host", &url, "whoami"]).run()?;
    ensure!(outcome.code == 1 && outcome.stdout.is_empty() && !home.token_file().exists(), "{outcome:?}");
    ensure!(outcome.stderr.contains("400") && outcome.stderr.contains("Hint: "), "{outcome:?}");
    Ok(())
}

/// Sends the same response to every client.
fn warns(expected: &str, host: &str) -> Result<()> {
    let warning = format!("WARNING\tThe certificate of {host} is not verified");
    ensure!(expected.matches(&warning).count() == 1, "{expected}");
    Ok(())
}

#[test]
fn insecure_accepts_an_unknown_ca_and_warns_each_time() -> Result<()> {
    let (home, testbed) = (Home::new()?, Testbed::get()?);
    let wrong = Home::certificate("jdoe.pem")?.display().to_string();
    for way in ["userpass", "x509", "x509_proxy"] {
        for _ in 0..2 {
            let agent = unique("insecure");
            let client = home.ours().config(way)?.args(["--ca-certificate", &wrong, "--user-agent", &agent]);
            let outcome = client.args(["--insecure", "whoami"]).run()?;
            works(&outcome)?;
            warns(&outcome.stderr, testbed.value("URL")?)?;
            // Each logs in on its own, as nothing is saved.
            let lines = AccessLog::of("apache")?.of_agent(&agent, WHOAMI[1].0)?;
            ensure!(lines.iter().filter(|line| line.is_login()).count() == 1, "{lines:?}");
            ensure!(!home.token_folder().exists());
        }
    }
    Ok(())
}

#[test]
fn insecure_works_in_the_browser_too() -> Result<()> {
    let home = Home::new()?;
    let config = Testbed::get()?.config("oidc")?.to_string_lossy().into_owned();
    let wrong = Home::certificate("jdoe.pem")?.display().to_string();
    let words = ["--insecure", "--ca-certificate", &wrong, "--no-browser", "whoami"];
    let terminal = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], &words)?;
    let link = terminal.wait_for(r"(https://\S+/auth/oidc_redirect\?\S+)\s")?;
    let testbed = crate::support::project().join("tests/testbed/testbed");
    ensure!(Command::new(testbed).args(["idp-login", &link]).output()?.status.success());
    let (code, screen) = terminal.end()?;
    ensure!(code == 0 && screen.contains("account    : jdoe"), "{screen}");
    ensure!(screen.contains("is not verified") && !home.token_file().exists(), "{screen}");
    Ok(())
}

/// A token from the true server is not sent to another one that responds in its place.
#[test]
fn insecure_sends_no_cached_token_and_keeps_it() -> Result<()> {
    let (home, server) = (Home::new()?, Server::start(|_, _| Answer::json(r#"{"account": "jdoe"}"#))?);
    let (ca, host) = (Home::certificate("ca.pem")?.display().to_string(), CertificateFixture::testbed("host")?);
    let front = TlsFront::start(&server, &host)?;
    let kept = "jdoe-jdoe-unknown-kept-before";
    home.keep_token(kept)?;
    let run = |words: &[&str]| front.client(&home, &ca, USERPASS)?.args(words).run();
    works(&run(&["--insecure", "whoami"])?)?;
    let heard = server.heard_in_all();
    ensure!(heard.len() == 2 && heard.iter().all(|one| one.header("x-rucio-auth-token") != Some(kept)), "{heard:?}");
    ensure!(home.token()? == kept);
    ensure!(!home.record_file().exists());
    // Without the word the token is good as ever.
    works(&run(&["whoami"])?)?;
    ensure!(
        server.heard_in_all().last().and_then(|one| one.header("x-rucio-auth-token").map(str::to_owned)).as_deref()
            == Some(kept)
    );
    Ok(())
}

#[test]
fn insecure_is_an_option_of_the_command_line_only() -> Result<()> {
    let (home, server) = (Home::new()?, Server::start(|_, _| Answer::json(r#"{"account": "jdoe"}"#))?);
    let front = TlsFront::start(&server, &CertificateFixture::testbed("host")?)?;
    let wrong = Home::certificate("jdoe.pem")?.display().to_string();
    let client = front.client(&home, &wrong, &format!("{USERPASS}\ninsecure = yes\nverify = no"))?;
    let outcome = client.env("RUCIO_INSECURE", "1").env("PYTHONHTTPSVERIFY", "0").args(["whoami"]).run()?;
    refused(&home, &outcome, &["not trusted (unknown CA)"])
}

#[test]
fn insecure_warning_names_each_of_two_servers() -> Result<()> {
    let (home, host) = (Home::new()?, CertificateFixture::testbed("host")?);
    let server = Server::start(|_, _| Answer::json(r#"{"account": "jdoe"}"#))?;
    let (front, login) = (TlsFront::start(&server, &host)?, TlsFront::start(&server, &host)?);
    let ca = Home::certificate("jdoe.pem")?.display().to_string();
    let client = front.client(&home, &ca, USERPASS)?.args(["--auth-host", &login.url()]);
    let outcome = client.args(["--insecure", "whoami"]).run()?;
    works(&outcome)?;
    warns(&outcome.stderr, &front.url())?;
    warns(&outcome.stderr, &login.url())
}
