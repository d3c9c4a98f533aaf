//! What stands before a server, and configurations that say little: TLS that ends at a proxy, no configuration file, scope
//! conventions of policy packages.

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::expect;
use crate::fixtures::{Answer, CertificateFixture, Home, ReceivedRequest, Server, TlsFront, keep};

const ME: &str = r#"{"account": "jdoe"}"#;

/// The server behind a proxy that ends TLS redirects to http, at the same host.
#[test]
fn redirect_to_http_by_a_server_behind_a_proxy_is_followed_over_https() -> Result<()> {
    let (home, host) = (Home::new()?, CertificateFixture::self_signed("localhost")?);
    let ca = keep(&home, "ca.pem", host.pem()?)?.display().to_string();
    let server = Server::start(|heard, _| match heard.request.as_str() {
        "GET /accounts/whoami" => Answer::new(303, "Location: http://localhost/accounts/jdoe\r\n", ""),
        "GET /accounts/jdoe" => Answer::json(ME),
        _ => Answer::new(404, "", ""),
    })?;
    let front = TlsFront::start(&server, &host)?;
    let client = front.client(&home, &ca, "auth_type = userpass\nusername = jdoe\npassword = secret")?;
    let outcome = client.args(["whoami"]).run()?;
    expect(&outcome, 0)?;
    ensure!(outcome.stdout == "account    : jdoe\n", "{outcome:?}");
    ensure!(front.shown().len() >= 2, "the redirected request did not arrive over TLS");
    Ok(())
}

#[test]
fn configuration_file_is_not_needed_with_everything_on_the_command_line() -> Result<()> {
    let (home, server) = (Home::new()?, Server::start(|_, _| Answer::json(ME))?);
    let url = server.url();
    let login = ["--account", "jdoe", "-S", "userpass", "--user", "jdoe", "--password", "secret"];
    let hosts = ["--hostname", url, "--auth-host", url];
    let outcome = home.ours().args(hosts.iter().chain(&login)).args(["whoami"]).run()?;
    expect(&outcome, 0)?;
    ensure!(outcome.stdout == "account    : jdoe\n", "{outcome:?}");
    for missing in [&hosts[2..], &hosts[..2], &[]] {
        let outcome = home.ours().args(missing.iter().chain(&login)).args(["whoami"]).run()?;
        expect(&outcome, 1)?;
        ensure!(outcome.stderr.contains("Rucio looked in the following paths"), "{missing:?}: {outcome:?}");
    }
    Ok(())
}

/// Runs `list-files` with these lines in `[policy]`. Returns the first request, and stderr.
fn listed(policy: &str, did: &str) -> Result<(Option<String>, String)> {
    let (home, server) = (Home::new()?, Server::start(|_, _| Answer::new(200, "", ""))?);
    let client = server.client_with(&home, &format!("[policy]\n{policy}"))?;
    let outcome = client.args(["list-files", did]).run()?;
    let request = server.heard().into_iter().next().map(|heard| heard.request);
    Ok((request, outcome.stderr))
}

#[test]
fn scope_follows_the_convention_of_the_experiment() -> Result<()> {
    for (policy, did, path) in [
        ("package = belleii_rucio_policy_package\nextract_scope = belleii", "/belle/Raw/x", "raw/%2Fbelle%2FRaw%2Fx"),
        ("extract_scope = atlas", "mc16:set/", "mc16/set"),
        ("extract_scope = jlab", "test:set", "test/set"),
        ("package = bdms_rucio_policy", "/ctao/test/x", "test/%2Fctao%2Ftest%2Fx"),
    ] {
        let (request, stderr) = listed(policy, did)?;
        ensure!(request == Some(format!("GET /dids/{path}/files")), "{policy}, {did}: {request:?}");
        ensure!(!stderr.contains("not known to this client"), "{policy}, {did}: {stderr}");
    }
    Ok(())
}

#[test]
fn scope_of_an_unknown_convention_must_be_written() -> Result<()> {
    let (request, stderr) = listed("extract_scope = jlab", "/mss/x")?;
    ensure!(request.is_none() && stderr.contains("Use scope:name."), "{request:?}: {stderr}");
    ensure!(stderr.matches("The scope convention 'jlab'").count() == 1, "{stderr}");
    let (request, stderr) = listed("package = my_package", "user.jdoe.x")?;
    ensure!(request.is_some_and(|request| request.starts_with("GET /dids/user.jdoe/user.jdoe.x")), "{stderr}");
    ensure!(stderr.contains("The policy package 'my_package' is not known to this client"), "{stderr}");
    Ok(())
}

/// The first query of a download for replicas, and the names that it searches.
fn searched(words: &[&str]) -> Result<(Vec<String>, Value)> {
    let (home, server) = (Home::new()?, Server::start(|_: &ReceivedRequest, _| Answer::new(200, "", ""))?);
    server.client(&home)?.folder(home.path()).args(["download"]).args(words).run()?;
    let heard = server.heard();
    let searches = heard.iter().map(|heard| heard.request.clone()).filter(|request| request.contains("/dids/search"));
    let query = heard.iter().find(|heard| heard.request == "POST /replicas/list");
    let query = query.map(|heard| serde_json::from_slice(&heard.body)).transpose()?.unwrap_or_default();
    Ok((searches.collect(), query))
}

/// Containers were once written with a slash at the end, and `--rses` was once `--rse`.
#[test]
fn download_takes_what_old_scripts_write() -> Result<()> {
    let (searches, query) = searched(&["--rse", "SITE", "test:set/"])?;
    ensure!(searches.iter().all(|search| search.contains("set") && !search.contains("set%2F")), "{searches:?}");
    ensure!(query["rse_expression"] == "SITE" && query["dids"][0]["name"] == "set", "{query}");
    Ok(())
}
