//! Every authentication method, and every setting for the CA of the server.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use regex::Regex;

use super::check;
use crate::fixtures::{AccessLog, Home, Line, Pty, WHOAMI};
use crate::support::{Testbed, project, unique};

#[test]
fn login_by_password_certificate_and_proxy() -> Result<()> {
    for way in ["userpass", "x509", "x509_proxy"] {
        let (home, agent) = (Home::new()?, unique("login"));
        check(&home.ours().config(way)?.args(["--user-agent", &agent, "whoami"]).run()?)?;
        let lines = AccessLog::of("apache")?.of_agent(&agent, WHOAMI[1].0)?;
        let (login, seen) = (format!("GET /auth/{way}"), lines.iter().map(Line::seen).collect::<Vec<_>>());
        ensure!(seen == [(login.as_str(), 200), WHOAMI[0], WHOAMI[1]], "{seen:?}");
    }
    Ok(())
}

#[test]
fn login_by_options_alone() -> Result<()> {
    let home = Home::new()?;
    let config = home.testbed_config("auth_type = telepathy")?;
    let certs = Testbed::get()?.value("CERTS")?;
    let (cert, key, proxy) =
        (format!("{certs}/jdoe.pem"), format!("{certs}/jdoe.key.pem"), format!("{certs}/jdoe.proxy.pem"));
    for options in [
        vec!["-S", "userpass", "--user", "jdoe", "--password", "secret"],
        vec!["-S", "X509", "--certificate", &cert, "--client-key", &key],
        vec!["-S", "x509_proxy", "--certificate", &proxy],
    ] {
        check(&home.ours().args(["--config", &config]).args(&options).args(["whoami"]).run()?)?;
    }
    Ok(())
}

#[test]
fn login_by_variables() -> Result<()> {
    let home = Home::new()?;
    let config = home.testbed_config("auth_type = telepathy")?;
    let certs = Testbed::get()?.value("CERTS")?;
    let ours = |auth_type: &str| home.ours().env("RUCIO_CONFIG", &config).env("RUCIO_AUTH_TYPE", auth_type);
    let x509 = ours("x509").env("RUCIO_CLIENT_CERT", &format!("{certs}/jdoe.pem"));
    check(&x509.env("RUCIO_CLIENT_KEY", &format!("{certs}/jdoe.key.pem")).args(["whoami"]).run()?)?;
    for variable in ["RUCIO_CLIENT_PROXY", "X509_USER_PROXY"] {
        let proxy = ours("x509_proxy").env(variable, &format!("{certs}/jdoe.proxy.pem"));
        check(&proxy.args(["whoami"]).run()?).with_context(|| variable)?;
    }
    Ok(())
}

/// A password with what configuration files find hard.
#[test]
fn login_with_a_percent_sign_in_the_password() -> Result<()> {
    let home = Home::new()?;
    let config = home.testbed_config("auth_type = userpass\nusername = jdoe\npassword = 100%secret")?;
    let outcome = home.ours().args(["--config", &config, "whoami"]).run()?;
    ensure!(outcome.code == 1 && outcome.stderr.contains("Cannot authenticate to account jdoe"), "{outcome:?}");
    Ok(())
}

/// Acts as the browser. Returns the last page of the login.
fn browser(link: &str) -> Result<String> {
    let output = Command::new(project().join("tests/testbed/testbed")).args(["idp-login", link]).output()?;
    ensure!(output.status.success(), "idp-login {link}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

const LINK: &str = r"(https://\S+/auth/oidc_redirect\?\S+)\s";

#[test]
fn login_in_the_browser_while_the_client_polls() -> Result<()> {
    let home = Home::new()?;
    let config = Testbed::get()?.config("oidc")?.to_string_lossy().into_owned();
    let terminal = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], &["whoami"])?;
    let link = terminal.wait_for(LINK)?;
    browser(&link)?;
    let (code, screen) = terminal.end()?;
    ensure!(code == 0 && screen.contains("account    : jdoe"), "{screen}");
    // A JWT of the provider, good for the next command.
    ensure!(home.token()?.split('.').count() == 3);
    check(&home.ours().env("RUCIO_CONFIG", &config).args(["whoami"]).run()?)
}

#[test]
fn login_in_the_browser_with_a_code() -> Result<()> {
    let home = Home::new()?;
    let config = Testbed::get()?.config("oidc_code")?.to_string_lossy().into_owned();
    let mut terminal = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], &["whoami"])?;
    let link = terminal.wait_for(LINK)?;
    let page = browser(&link)?;
    let code = Regex::new(r"<b>(\w+)</b>")?.captures(&page).with_context(|| page.clone())?[1].to_owned();
    terminal.wait_for("Copy the code")?;
    terminal.type_in("mistyped\n")?;
    terminal.wait_for("was not accepted")?;
    terminal.type_in(&format!("{code}\n"))?;
    let (code, screen) = terminal.end()?;
    ensure!(code == 0 && screen.contains("account    : jdoe"), "{screen}");
    check(&home.ours().env("RUCIO_CONFIG", &config).args(["whoami"]).run()?)
}

#[test]
fn login_in_the_browser_needs_a_terminal() -> Result<()> {
    let outcome = Home::new()?.ours().config("oidc_code")?.args(["whoami"]).run()?;
    ensure!(outcome.code == 1 && outcome.stderr.contains("nothing was typed"), "{outcome:?}");
    ensure!(Regex::new(LINK)?.is_match(&outcome.stderr) && outcome.stdout.is_empty(), "{outcome:?}");
    Ok(())
}

/// A folder as grid sites have it: certificates by hash, and beside them what is none.
#[test]
fn login_verifies_the_server_with_a_folder_of_cas() -> Result<()> {
    let home = Home::new()?;
    let folder = home.path().join("certificates");
    fs::create_dir(&folder)?;
    let hashed =
        fs::read_dir(Home::certificate("ca")?)?.map(|entry| Ok(entry?.file_name())).collect::<Result<Vec<_>>>()?;
    let hashed = hashed.iter().filter_map(|name| name.to_str()).find(|name| name.ends_with(".0")).context("no hash")?;
    fs::copy(Home::certificate("ca.pem")?, folder.join("Testbed.pem"))?;
    symlink("Testbed.pem", folder.join(hashed))?;
    let hash = hashed.trim_end_matches(".0");
    fs::write(folder.join(format!("{hash}.r0")), "-----BEGIN X509 CRL-----\nbroken\n-----END X509 CRL-----\n")?;
    fs::write(folder.join(format!("{hash}.signing_policy")), "access_id_CA X509 '/O=Testbed/CN=Testbed CA'\n")?;
    fs::write(folder.join(format!("{hash}.namespaces")), "TO Issuer \"/O=Testbed\" PERMIT Subject \".*\"\n")?;
    let folder = folder.to_string_lossy().into_owned();
    let ours = || home.ours().config("x509_proxy");
    check(&ours()?.env("X509_CERT_DIR", &folder).args(["whoami"]).run()?)?;
    check(&ours()?.args(["--ca-certificate", &folder, "whoami"]).run()?)?;
    Ok(())
}

#[test]
fn login_names_a_ca_that_is_missing_or_none() -> Result<()> {
    let home = Home::new()?;
    let empty = home.path().join("empty");
    fs::create_dir(&empty)?;
    let empty = empty.to_string_lossy().into_owned();
    for (path, expected) in [
        ("/nowhere/ca.pem", "TLS CA certificate bundle, invalid path: /nowhere/ca.pem"),
        (&empty, "There is no CA certificate in"),
    ] {
        let outcome = home.ours().config("userpass")?.args(["--ca-certificate", path, "whoami"]).run()?;
        ensure!(outcome.code == 1, "{outcome:?}");
        for text in [expected, path, "--ca-certificate", "X509_CERT_DIR"] {
            ensure!(outcome.stderr.contains(text), "{path} does not say {text:?}: {}", outcome.stderr);
        }
    }
    Ok(())
}
