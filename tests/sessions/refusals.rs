//! Failing logins: the message has the reason and a hint, and the exit code is the official
//! client's.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Result, ensure};

use crate::fixtures::Home;
use crate::support::Outcome;

/// What the official client logs as an error before it fails.
const LOGGED_BEFORE: [&str; 2] = ["\tConnectionError: ", "\tCannot get AUTH_TYPE"];

/// A configuration in a home of its own, run through both clients.
struct Case {
    home: Home,
    config: Option<String>,
    arguments: Vec<&'static str>,
}

impl Case {
    /// These lines in `[client]`, beside hosts, CA and account.
    fn with(lines: impl FnOnce(&Home) -> Result<String>) -> Result<Self> {
        let home = Home::new()?;
        let lines = lines(&home)?;
        let config = Some(home.testbed_config(&lines)?);
        Ok(Self { home, config, arguments: Vec::new() })
    }

    /// Just these lines in `[client]`.
    fn only(lines: &str) -> Result<Self> {
        let home = Home::new()?;
        let config = Some(home.config(lines)?);
        Ok(Self { home, config, arguments: Vec::new() })
    }

    fn run(&self, official: bool, command: &str) -> Result<Outcome> {
        let client = if official { self.home.official()? } else { self.home.ours() };
        let client = client.env("RUCIO_CONFIG", self.config.as_deref().unwrap_or_default());
        client.args(&self.arguments).args([command]).run()
    }

    /// Both clients exit with 1, also for legacy commands, which have exit codes of their own; stdout is empty, and
    /// our message says all of `expected`. (The official client's new commands exit with 1 on every failure.)
    fn refused(&self, expected: &[&str]) -> Result<()> {
        let official = self.run(true, "list-scopes")?;
        ensure!(official.code == 1, "official: {official:?}");
        for command in ["whoami", "list-scopes"] {
            let ours = self.run(false, command)?;
            ensure!(ours.code == official.code && ours.stdout.is_empty(), "{command}, ours: {ours:?}");
            let notice = "This method is being deprecated";
            let first = ours.stderr.lines().find(|line| !line.contains(notice)).unwrap_or_default();
            let is_logged_before = |line: &&str| LOGGED_BEFORE.iter().any(|text| line.contains(text));
            let errors = ours.stderr.lines().filter(|line| line.contains("\tERROR\t") && !is_logged_before(line));
            ensure!(first.contains("\tERROR\t") && errors.count() == 1, "{command}: {}", ours.stderr);
            for text in expected {
                ensure!(ours.stderr.contains(text), "{command} does not say {text:?}:\n{}", ours.stderr);
            }
        }
        Ok(())
    }
}

fn x509(cert: &Path, key: &Path) -> String {
    format!("auth_type = x509\nclient_cert = {}\nclient_key = {}", cert.display(), key.display())
}

fn certificate(name: &str) -> Result<String> {
    Ok(x509(&Home::certificate(&format!("{name}.pem"))?, &Home::certificate(&format!("{name}.key.pem"))?))
}

#[test]
fn key_that_others_may_read_is_refused() -> Result<()> {
    let case = Case::with(|home| Ok(x509(&Home::certificate("jdoe.pem")?, &home.copy("jdoe.key.pem", 0o644)?)))?;
    case.refused(&[
        "jdoe.key.pem) permissions are liberal (required: 400 or 600, found: 644)",
        "Hint: Run `chmod 600 ",
    ])?;
    let official = case.run(true, "whoami")?;
    ensure!(official.code == 1 && official.stderr.contains("400 or 600, found: 644"), "{official:?}");
    Ok(())
}

#[test]
fn certificate_that_expired_is_refused() -> Result<()> {
    Case::with(|_| certificate("jdoe.expired"))?.refused(&["jdoe.expired.pem expired on", "2020", "Hint: "])
}

#[test]
fn proxy_that_expired_is_refused() -> Result<()> {
    let case = Case::with(|_| {
        let proxy = Home::certificate("jdoe.expired-proxy.pem")?;
        Ok(format!("auth_type = x509_proxy\nclient_x509_proxy = {}", proxy.display()))
    })?;
    case.refused(&["jdoe.expired-proxy.pem expired on", "voms-proxy-init"])
}

#[test]
fn certificate_of_an_unknown_ca_is_refused() -> Result<()> {
    Case::with(|_| certificate("stranger"))?.refused(&["account jdoe", "stranger.pem", "--account"])
}

#[test]
fn password_that_is_wrong_is_refused() -> Result<()> {
    let case = Case::with(|_| Ok("auth_type = userpass\nusername = jdoe\npassword = wr%ng".to_owned()))?;
    let ours = case.run(false, "whoami")?;
    ensure!(!ours.stderr.contains("wr%ng"), "the password is not shown: {}", ours.stderr);
    // The official client cannot read the % at all; with another password both are refused by the server.
    let case = Case::with(|_| Ok("auth_type = userpass\nusername = jdoe\npassword = wrong".to_owned()))?;
    case.refused(&["Cannot authenticate to account jdoe", "Hint: Check the password of jdoe", "--password"])
}

#[test]
fn account_that_is_unknown_is_refused() -> Result<()> {
    let mut case = Case::with(|_| Ok("auth_type = userpass\nusername = jdoe\npassword = secret".to_owned()))?;
    case.arguments = vec!["--account", "nobody77"];
    case.refused(&["Cannot authenticate to account nobody77", "[client] username, password and account"])
}

#[test]
fn configuration_that_is_missing_is_reported() -> Result<()> {
    let case = Case { home: Home::new()?, config: None, arguments: Vec::new() };
    case.refused(&["Rucio looked in the following paths", "/opt/rucio/etc/rucio.cfg", "RUCIO_CONFIG"])?;
    let home = case.home.path().to_string_lossy().into_owned();
    let ours = case.home.ours().env("RUCIO_HOME", &home).env("VIRTUAL_ENV", "/v").env("CONDA_PREFIX", "/c");
    let ours = ours.args(["whoami"]).run()?;
    let mut places = String::new();
    for place in [home.as_str(), "/v", "/c", "/opt/rucio"] {
        write!(places, "\n\t{place}/etc/rucio.cfg")?;
    }
    ensure!(ours.code == 1 && ours.stderr.contains(&places), "{ours:?}");
    Ok(())
}

#[test]
fn options_that_are_missing_are_named() -> Result<()> {
    let hosts = "rucio_host = https://localhost:1\nauth_host = https://localhost:1\n";
    let userpass = "auth_type = userpass\nusername = jdoe";
    Case::only(&format!("{hosts}{userpass}"))?.refused(&["'password' is not set", "[client]", "--password"])?;
    Case::only(hosts)?.refused(&["Option 'auth_type' cannot be found in config file", "-S, RUCIO_AUTH_TYPE"])?;
    Case::only(&format!("{userpass}\nauth_host = https://localhost:1"))?
        .refused(&["Option 'rucio_host' cannot be found in config file", "-H"])?;
    Case::only(&format!("{userpass}\nrucio_host = https://localhost:1"))?
        .refused(&["Option 'auth_host' cannot be found in config file"])
}

#[test]
fn authentication_method_that_is_unknown_is_refused() -> Result<()> {
    let case = Case::with(|_| Ok("auth_type = telepathy".to_owned()))?;
    case.refused(&["'telepathy'", "userpass, x509, x509_proxy, oidc"])
}

#[test]
fn certificates_that_cannot_be_used_are_refused() -> Result<()> {
    let key = Home::certificate("jdoe.key.pem")?;
    let missing = Case::with(|_| Ok(x509(Path::new("/nowhere/cert.pem"), &key)))?;
    missing.refused(&["X.509 client certificate not found: '/nowhere/cert.pem'", "Hint: "])?;
    let folder = Case::with(|home| Ok(x509(home.path(), &key)))?;
    folder.refused(&["cannot be read: Is a directory", "ls -l"])?;
    let no_certificate = Case::with(|_| Ok(x509(&key, &key)))?;
    no_certificate.refused(&["jdoe.key.pem cannot be used: it holds no certificate", "Hint: "])
}

#[test]
fn a_server_with_an_unknown_ca() -> Result<()> {
    let mut case = Case::with(|_| Ok("auth_type = userpass\nusername = jdoe\npassword = secret".to_owned()))?;
    let wrong = Home::certificate("root.pem")?.to_string_lossy().into_owned();
    case.arguments = vec!["--ca-certificate", Box::leak(wrong.into_boxed_str())];
    case.refused(&["certificate", "--ca-certificate, X509_CERT_DIR or [client] ca_cert"])?;
    let ours = case.run(false, "whoami")?;
    ensure!(!ours.stderr.contains("Waiting"), "trying again does not help: {}", ours.stderr);
    Ok(())
}
