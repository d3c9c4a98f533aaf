//! Certificates and proxies: every form of file that logs in, and for each that cannot, what is wrong and what to do.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::PKey;

use crate::fixtures::{
    AccessLog, Answer, CertificateFixture, Home, Line, Pty, Server, TODAY, TlsFront, Use, WHOAMI, keep, open_to,
};
use crate::support::{Outcome, Rucio, Testbed, unique};

const JDOE: [&str; 2] = ["O=Testbed", "CN=John Doe"];

fn x509(cert: &Path, key: Option<&Path>) -> String {
    let key = key.map(|key| format!("\nclient_key = {}", key.display())).unwrap_or_default();
    format!("auth_type = x509\nclient_cert = {}{key}", cert.display())
}

fn proxy(path: &Path) -> String {
    format!("auth_type = x509_proxy\nclient_x509_proxy = {}", path.display())
}

/// Runs whoami with these lines in `[client]`.
fn run(home: &Home, lines: &str) -> Result<Outcome> {
    home.ours().env("RUCIO_CONFIG", &home.testbed_config(lines)?).args(["whoami"]).run()
}

/// Logs in to the real server with these lines, with both clients, and again from the cache. Returns the log of the first.
fn logs_in(home: &Home, lines: &str) -> Result<String> {
    let config = home.testbed_config(lines)?;
    let first = whoami(home.ours().env("RUCIO_CONFIG", &config), 1)?;
    let next = whoami(home.ours().env("RUCIO_CONFIG", &config), 0)?;
    ensure!(next.stderr.is_empty(), "{next:?}");
    Ok(first.stderr)
}

/// Apache requests the certificate when it has read the request: by a renegotiation in TLS 1.2, and by post-handshake
/// authentication in TLS 1.3.
#[test]
fn x509_login_works_where_certificates_are_requested_per_location() -> Result<()> {
    let jdoe = |ending| Home::certificate(&format!("jdoe{ending}"));
    let lines = [x509(&jdoe(".pem")?, Some(&jdoe(".key.pem")?)), proxy(&jdoe(".proxy.pem")?)];
    for server in ["LATE12_URL", "LATE13_URL"] {
        let url = Testbed::get()?.value(server)?;
        for lines in &lines {
            let home = Home::new()?;
            let config = home.testbed_config(lines)?;
            let client = home.ours().env("RUCIO_CONFIG", &config);
            let outcome = client.args(["-H", url, "--auth-host", url, "whoami"]).run()?;
            ensure!(
                outcome.code == 0 && outcome.stdout.contains("account    : jdoe"),
                "{server}: {lines}: {outcome:?}"
            );
            ensure!(outcome.stderr.is_empty(), "{server}: {lines}: {outcome:?}");
        }
        // Elsewhere at the same server no certificate is needed.
        let home = Home::new()?;
        let config = home.testbed_config("auth_type = userpass\nusername = jdoe\npassword = secret")?;
        let client = home.ours().env("RUCIO_CONFIG", &config);
        let outcome = client.args(["-H", url, "--auth-host", url, "whoami"]).run()?;
        ensure!(outcome.code == 0, "{server}: {outcome:?}");
    }
    Ok(())
}

/// Runs whoami, which must answer as jdoe after so many logins.
fn whoami(client: Rucio, logins: usize) -> Result<Outcome> {
    let agent = unique("x509");
    let outcome = client.args(["--user-agent", &agent, "whoami"]).run()?;
    ensure!(outcome.code == 0 && outcome.stdout.contains("account    : jdoe"), "{outcome:?}");
    let lines = AccessLog::of("apache")?.of_agent(&agent, WHOAMI[1].0)?;
    ensure!(lines.iter().filter(|line| line.is_login()).count() == logins, "{lines:?}");
    Ok(outcome)
}

/// The command exits with 1 after one error, prints nothing on stdout, and prints all these texts.
fn refused(outcome: &Outcome, expected: &[&str]) -> Result<()> {
    ensure!(outcome.code == 1 && outcome.stdout.is_empty(), "{outcome:?}");
    // The official client, too, logs each failed connection before it fails.
    let is_error = |line: &&str| line.contains("\tERROR\t") && !line.contains("\tConnectionError: ");
    ensure!(outcome.stderr.lines().filter(is_error).count() == 1, "{}", outcome.stderr);
    for text in expected.iter().chain(&["Hint: "]) {
        ensure!(outcome.stderr.contains(text), "{text:?} is not said:\n{}", outcome.stderr);
    }
    Ok(())
}

/// The current time and the command in a message.
const TIMES: [&str; 2] = ["(it is 20", "UTC now)"];

#[test]
fn pkcs12_opens_with_what_is_typed_and_the_cache_serves_both_clients() -> Result<()> {
    let home = Home::new()?;
    let p12 = Home::certificate("jdoe.p12")?;
    let config = home.testbed_config(&x509(&p12, None))?;
    let mut terminal = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], &["whoami"])?;
    terminal.type_secret(&format!("Pass phrase for {}: ", p12.display()), "secret\n")?;
    let (code, screen) = terminal.end()?;
    ensure!(code == 0 && screen.contains("account    : jdoe") && !screen.contains("secret"), "{screen}");
    whoami(home.ours().env("RUCIO_CONFIG", &config), 0)?;
    // The official client cannot open it, but has the token.
    let (cert, key) = (Home::certificate("jdoe.pem")?, Home::certificate("jdoe.key.pem")?);
    let config = home.testbed_config(&x509(&cert, Some(&key)))?;
    whoami(home.official()?.env("RUCIO_CONFIG", &config), 0).map(drop)
}

#[test]
fn pkcs12_reports_a_wrong_pass_phrase() -> Result<()> {
    let home = Home::new()?;
    let config = home.testbed_config(&x509(&Home::certificate("jdoe.p12")?, None))?;
    let mut terminal = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], &["whoami"])?;
    terminal.type_secret("Pass phrase for .*: ", "guess\n")?;
    let (code, screen) = terminal.end()?;
    ensure!(code == 1 && screen.contains("the pass phrase does not open it"), "{screen}");
    ensure!(screen.contains("jdoe.p12") && !screen.contains("guess") && !home.token_file().exists(), "{screen}");
    Ok(())
}

/// Encrypted by RC2, which OpenSSL 3 knows only on request, and many a browser wrote.
#[test]
fn pkcs12_of_older_programs_opens() -> Result<()> {
    let home = Home::new()?;
    let (cert, key, old) =
        (Home::certificate("jdoe.pem")?, Home::certificate("jdoe.key.pem")?, home.path().join("old.p12"));
    let made = Command::new("openssl")
        .args(["pkcs12", "-export", "-legacy", "-passout", "pass:secret", "-in"])
        .arg(&cert)
        .arg("-inkey")
        .arg(&key)
        .arg("-out")
        .arg(&old)
        .output()?;
    ensure!(made.status.success(), "{made:?}");
    // The configured key of another certificate is ignored: PKCS#12 contains its own key.
    let config = home.testbed_config(&x509(&old, Some(&Home::certificate("root.key.pem")?)))?;
    let mut terminal = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], &["whoami"])?;
    terminal.type_secret("Pass phrase for .*old.p12: ", "secret\n")?;
    let (code, screen) = terminal.end()?;
    ensure!(code == 0 && screen.contains("account    : jdoe"), "{screen}");
    Ok(())
}

/// The server knows only the root, so it must be shown the authority between.
#[test]
fn pkcs12_sends_its_chain_whatever_the_file_name() -> Result<()> {
    let home = Home::new()?;
    let between = CertificateFixture::testbed("ca")?.sign(&["O=Testbed", "CN=Users"], TODAY, Use::Authority)?;
    let user = between.sign(&JDOE, TODAY, Use::User)?;
    let file = keep(&home, "me.bin", user.pkcs12("", &[&between])?)?;
    let expected = logs_in(&home, &x509(&file, None))?;
    ensure!(expected.is_empty(), "{expected}");
    Ok(())
}

#[test]
fn pem_file_may_have_certificates_in_any_order() -> Result<()> {
    let between = CertificateFixture::testbed("ca")?.sign(&["O=Testbed", "CN=Users"], TODAY, Use::Authority)?;
    let user = between.sign(&JDOE, TODAY, Use::User)?;
    for parts in [
        [user.pem()?, between.pem()?, user.key_pem()?],
        [user.key_pem()?, between.pem()?, user.pem()?],
        [between.pem()?, user.pem()?, user.key_pem()?],
    ] {
        let home = Home::new()?;
        let file = keep(&home, "all.pem", parts.concat())?;
        let expected = logs_in(&home, &x509(&file, None))?;
        ensure!(expected.is_empty(), "{expected}");
    }
    Ok(())
}

/// Elliptic curves in both forms of PEM, and Ed25519, if the server accepts it (OpenSSL does).
#[test]
fn key_of_every_type_logs_in() -> Result<()> {
    let ca = CertificateFixture::testbed("ca")?;
    let curve = EcKey::generate(&*EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?)?;
    let old_form = String::from_utf8(curve.private_key_to_pem()?)?;
    ensure!(old_form.contains("BEGIN EC PRIVATE KEY"));
    let (curve, edwards) = (PKey::from_ec_key(curve)?, PKey::generate_ed25519()?);
    let new_form = String::from_utf8(curve.private_key_to_pem_pkcs8()?)?;
    let edwards_form = String::from_utf8(edwards.private_key_to_pem_pkcs8()?)?;
    for (key, pem) in [(curve.clone(), old_form), (curve, new_form), (edwards, edwards_form)] {
        let home = Home::new()?;
        let user = ca.sign_for(key, &JDOE, TODAY, Use::User)?;
        let file = keep(&home, "user.pem", user.pem()? + &pem)?;
        let expected = logs_in(&home, &x509(&file, None))?;
        ensure!(expected.is_empty(), "{expected}");
    }
    Ok(())
}

#[test]
fn key_missing_or_of_another_certificate_is_reported_before_any_request() -> Result<()> {
    let home = Home::new()?;
    let (jdoe, root_key) = (Home::certificate("jdoe.pem")?, Home::certificate("root.key.pem")?);
    refused(
        &run(&home, &x509(&jdoe, None))?,
        &["jdoe.pem cannot be used: it contains no private key", "--client-key"],
    )?;
    refused(
        &run(&home, &x509(&jdoe, Some(&root_key)))?,
        &["root.key.pem is not that of the certificate", "jdoe.pem (CN=John Doe,O=Testbed)", "[client] client_cert"],
    )?;
    refused(&run(&home, &x509(&jdoe, Some(&jdoe)))?, &["jdoe.pem) permissions are liberal", "chmod 600"])?;
    let mixed = keep(&home, "mixed.pem", [fs::read(&jdoe)?, fs::read(&root_key)?].concat())?;
    refused(&run(&home, &x509(&mixed, None))?, &["The key in ", "mixed.pem is not that of its certificate"])?;
    let damaged = keep(&home, "key.pem", "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n")?;
    refused(&run(&home, &x509(&jdoe, Some(&damaged)))?, &["key.pem cannot be used", "damaged"])
}

/// A proxy file: the proxy, its key, and its chain.
fn proxy_file(home: &Home, proxy: &CertificateFixture, behind: &[&CertificateFixture]) -> Result<std::path::PathBuf> {
    let mut pem = proxy.pem()? + &proxy.key_pem()?;
    for party in behind {
        pem += &party.pem()?;
    }
    keep(home, "x509up", pem)
}

#[test]
fn proxy_of_every_form_logs_in() -> Result<()> {
    let jdoe = CertificateFixture::testbed("jdoe")?;
    for name in ["CN=1234567", "CN=proxy", "CN=limited proxy"] {
        let home = Home::new()?;
        let first = jdoe.proxy(name, TODAY, Use::Proxy)?;
        let expected = logs_in(&home, &proxy(&proxy_file(&home, &first, &[&jdoe])?))?;
        ensure!(expected.is_empty(), "{expected}");
        let (home, second) = (Home::new()?, first.proxy("CN=7", TODAY, Use::Proxy)?);
        let expected = logs_in(&home, &proxy(&proxy_file(&home, &second, &[&first, &jdoe])?))?;
        ensure!(expected.is_empty(), "{expected}");
    }
    Ok(())
}

/// The real server rejects these; other servers must receive the whole chain.
#[test]
fn proxy_of_the_legacy_form_sends_its_chain() -> Result<()> {
    let (home, jdoe) = (Home::new()?, CertificateFixture::testbed("jdoe")?);
    let server = Server::start(|_, _| Answer::json(r#"{"account": "jdoe"}"#))?;
    let front = TlsFront::start(&server, &CertificateFixture::testbed("host")?)?;
    let first = jdoe.proxy("CN=limited proxy", TODAY, Use::OldProxy)?;
    let second = first.proxy("CN=limited proxy", TODAY, Use::OldProxy)?;
    let file = proxy_file(&home, &second, &[&first, &jdoe])?;
    let ca = Home::certificate("ca.pem")?.display().to_string();
    let outcome = front.client(&home, &ca, &proxy(&file))?.args(["whoami"]).run()?;
    ensure!(outcome.code == 0, "{outcome:?}");
    ensure!(front.shown()[0] == ["limited proxy", "limited proxy", "John Doe"], "{:?}", front.shown());
    ensure!(front.shown()[1].is_empty(), "only the login needs it: {:?}", front.shown());
    // The error of the real server is explained.
    let expected = ["does not know the CA", "a proxy of the old form", "voms-proxy-init -rfc"];
    refused(&run(&home, &proxy(&file))?, &expected)
}

#[test]
fn proxy_that_expired_is_told_from_an_expired_certificate() -> Result<()> {
    let (home, ca) = (Home::new()?, CertificateFixture::testbed("ca")?);
    let jdoe = CertificateFixture::testbed("jdoe")?;
    let old = jdoe.proxy("CN=1", (-9, -2), Use::Proxy)?;
    let expected =
        [&["The proxy in ", "x509up expired on 20", "Create a new proxy: `voms-proxy-init -out "][..], &TIMES].concat();
    refused(&run(&home, &proxy(&proxy_file(&home, &old, &[&jdoe])?))?, &expected)?;
    let expired = ca.sign(&JDOE, (-99, -1), Use::User)?;
    let good = expired.proxy("CN=1", TODAY, Use::Proxy)?;
    let expected =
        ["The certificate of CN=John Doe,O=Testbed behind the one in ", "Renew that certificate. Create a new"];
    refused(&run(&home, &proxy(&proxy_file(&home, &good, &[&expired])?))?, &[&expected[..], &TIMES].concat())?;
    let file = keep(&home, "old.pem", expired.pem()? + &expired.key_pem()?)?;
    let expected = ["The certificate in ", "old.pem expired on 20", "Renew the certificate of CN=John Doe,O=Testbed"];
    refused(&run(&home, &x509(&file, None))?, &[&expected[..], &TIMES].concat())
}

/// Seen with a clock that is wrong, a good certificate is one for later.
#[test]
fn certificate_not_yet_valid_is_a_matter_of_the_clock() -> Result<()> {
    let (home, jdoe) = (Home::new()?, CertificateFixture::testbed("jdoe")?);
    let early = jdoe.proxy("CN=1", (1, 2), Use::Proxy)?;
    let expected = ["The proxy in ", "is not valid before 20", "Check the clock of this machine (`date`)"];
    refused(&run(&home, &proxy(&proxy_file(&home, &early, &[&jdoe])?))?, &[&expected[..], &TIMES].concat())
}

/// A stranger's certificate is valid, but not mapped to an account.
#[test]
fn identity_without_the_account_gets_the_command_for_administrators() -> Result<()> {
    let home = Home::new()?;
    let (cert, key) = (Home::certificate("stranger.pem")?, Home::certificate("stranger.key.pem")?);
    let add = "rucio account identity add --type X509 --id 'CN=Nobody Known,O=Testbed' --email EMAIL jdoe";
    let expected = ["Cannot authenticate to account jdoe", "is CN=Nobody Known,O=Testbed, not mapped", add];
    refused(&run(&home, &x509(&cert, Some(&key)))?, &expected)?;
    // A proxy of it is the same identity.
    let stranger = CertificateFixture::testbed("stranger")?;
    let file = proxy_file(&home, &stranger.proxy("CN=1", TODAY, Use::Proxy)?, &[&stranger])?;
    refused(&run(&home, &proxy(&file))?, &expected[1..])
}

/// Without an account in the configuration, the server looks for one, and may find none.
#[test]
fn identity_without_any_account_is_reported() -> Result<()> {
    let (home, testbed) = (Home::new()?, Testbed::get()?);
    let (url, certs) = (testbed.value("URL")?, testbed.value("CERTS")?);
    let (cert, key) = (Home::certificate("stranger.pem")?, Home::certificate("stranger.key.pem")?);
    let hosts = format!("rucio_host = {url}\nauth_host = {url}\nca_cert = {certs}/ca.pem\n");
    let config = home.config(&format!("{hosts}{}", x509(&cert, Some(&key))))?;
    let outcome = home.ours().env("RUCIO_CONFIG", &config).args(["whoami"]).run()?;
    let add = "rucio account identity add --type X509 --id 'CN=Nobody Known,O=Testbed' --email EMAIL ACCOUNT";
    refused(&outcome, &["does not exist", "for which the server finds no account", "--account", add])
}

/// The server's clock is right, and that of this machine is not.
#[test]
fn certificate_that_expired_by_the_servers_clock_is_ours_to_renew() -> Result<()> {
    let (home, host) = (Home::new()?, CertificateFixture::testbed("host")?);
    let server = Server::start(|_, _| Answer::silence())?;
    let tomorrow = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() + 100_000;
    let (ca, user) =
        (CertificateFixture::testbed("ca")?, CertificateFixture::testbed("ca")?.sign(&JDOE, TODAY, Use::User)?);
    let front = TlsFront::strict(&server, &host, &ca, tomorrow.try_into()?)?;
    let (ca, file) =
        (Home::certificate("ca.pem")?.display().to_string(), keep(&home, "me.p12", user.pkcs12("", &[])?)?);
    let outcome = front.client(&home, &ca, &x509(&file, None))?.args(["whoami"]).run()?;
    let expected =
        ["the server says that your certificate has expired", "is valid until 20", "check the clock", "UTC here"];
    refused(&outcome, &expected)
}

/// A site's load balancer that ends TLS and does not hand on whose certificate it saw.
#[test]
fn certificate_that_the_server_never_received_is_not_blamed() -> Result<()> {
    let (home, host) = (Home::new()?, CertificateFixture::testbed("host")?);
    let refusal = r#"{"ExceptionClass": "CannotAuthenticate", "ExceptionMessage": "Cannot get DN"}"#;
    let server = Server::start(move |_, _| Answer::new(401, "", refusal))?;
    let front = TlsFront::start(&server, &host)?;
    let (ca, proxy_file) = (Home::certificate("ca.pem")?.display().to_string(), Home::certificate("jdoe.proxy.pem")?);
    let client = front.client(&home, &ca, &proxy(&proxy_file))?.args(["--auth-host", &format!("{}/x", front.url())]);
    refused(&client.args(["whoami"]).run()?, &["Cannot get DN", "did not receive the client certificate", "auth_host"])
}

#[test]
fn certificate_of_a_ca_that_the_server_does_not_know() -> Result<()> {
    let home = Home::new()?;
    let user = CertificateFixture::unknown_authority()?.sign(&JDOE, TODAY, Use::User)?;
    let file = keep(&home, "other.pem", user.pem()? + &user.key_pem()?)?;
    let outcome = run(&home, &x509(&file, None))?;
    let expected =
        ["the server does not know the CA that signed your certificate", "signed by CN=Unknown CA,O=Elsewhere"];
    refused(&outcome, &[&expected[..], &["other.pem is that of CN=John Doe,O=Testbed", "--certificate"]].concat())?;
    ensure!(!outcome.stderr.contains("Waiting"), "trying again does not help: {}", outcome.stderr);
    Ok(())
}

#[test]
fn proxy_that_others_may_read_is_used_with_a_warning() -> Result<()> {
    let (home, jdoe) = (Home::new()?, CertificateFixture::testbed("jdoe")?);
    let file = proxy_file(&home, &jdoe.proxy("CN=1", TODAY, Use::Proxy)?, &[&jdoe])?;
    open_to(&file, 0o644)?;
    let expected = logs_in(&home, &proxy(&file))?;
    let warning = format!("The private key in {0} is open to others (mode 644). Run `chmod 600 {0}`.", file.display());
    ensure!(expected.contains(&warning) && expected.matches("WARNING").count() == 1, "{expected}");
    // The permissions of an encrypted one do not matter.
    let home = Home::new()?;
    let file = keep(&home, "me.p12", jdoe.pkcs12("", &[])?)?;
    open_to(&file, 0o644)?;
    let expected = logs_in(&home, &x509(&file, None))?;
    ensure!(expected.is_empty(), "{expected}");
    Ok(())
}

/// Each client reads the other's token, from every authentication method.
#[test]
fn x509_tokens_are_shared_with_the_official_client_both_ways() -> Result<()> {
    let (cert, key) = (Home::certificate("jdoe.pem")?, Home::certificate("jdoe.key.pem")?);
    for lines in [x509(&cert, Some(&key)), proxy(&Home::certificate("jdoe.proxy.pem")?)] {
        for ours_first in [true, false] {
            let home = Home::new()?;
            let config = home.testbed_config(&lines)?;
            let ours = || home.ours().env("RUCIO_CONFIG", &config);
            let official = || Ok::<_, anyhow::Error>(home.official()?.env("RUCIO_CONFIG", &config));
            let clients = if ours_first { [ours(), official()?] } else { [official()?, ours()] };
            for (client, logins) in clients.into_iter().zip([1, 0]) {
                whoami(client, logins)?;
            }
        }
    }
    Ok(())
}

/// The server is shown the certificate at the login alone: afterwards the token speaks.
#[test]
fn certificate_is_sent_at_the_login_only() -> Result<()> {
    let (home, agent) = (Home::new()?, unique("once"));
    let outcome = home.ours().config("x509")?.args(["--user-agent", &agent, "whoami"]).run()?;
    ensure!(outcome.code == 0, "{outcome:?}");
    let lines: Vec<Line> = AccessLog::of("apache")?.of_agent(&agent, WHOAMI[1].0)?;
    ensure!(lines.iter().map(Line::seen).collect::<Vec<_>>() == [("GET /auth/x509", 200), WHOAMI[0], WHOAMI[1]]);
    Ok(())
}
