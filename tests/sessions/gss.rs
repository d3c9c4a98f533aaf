//! Logins by Kerberos, with a real KDC: successful ones, and the messages for failures. Servers in the tests show
//! only what a real one does not do: to be another than the one it should be.

use std::fs;
use std::io::Write;
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::{check, refused};
use crate::fixtures::http_server::HttpServer;
use crate::fixtures::{AccessLog, Answer, Home, Line, Pty, ReceivedRequest, Server, WAIT_TIMEOUT, WHOAMI, wait_for};
use crate::support::{Outcome, Rucio, Testbed, unique};

/// Where the testbed's realm is described.
fn realm() -> Result<String> {
    Ok(format!("{}/etc/krb5.conf", Testbed::get()?.value("DIR")?))
}

fn tickets(home: &Home) -> String {
    format!("FILE:{}/tickets", home.path().display())
}

/// Runs a Kerberos tool in this home with this input. Returns whether it succeeded.
fn kerberos(home: &Home, program: &str, arguments: &[&str], input: &str) -> Result<bool> {
    let mut command = Command::new(program);
    command.args(arguments).env("KRB5_CONFIG", realm()?).env("KRB5CCNAME", tickets(home));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    child.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes())).transpose()?;
    Ok(child.wait()?.success())
}

/// A home with a ticket of this user.
fn home_of(user: &str, options: &[&str]) -> Result<Home> {
    let home = Home::new()?;
    ensure!(kerberos(&home, "kinit", &[options, &[user]].concat(), "secret\n")?, "kinit {user}");
    Ok(home)
}

fn at(client: Rucio, home: &Home) -> Result<Rucio> {
    Ok(client.env("KRB5_CONFIG", &realm()?).env("KRB5CCNAME", &tickets(home)))
}

fn ours(home: &Home) -> Result<Rucio> {
    at(home.ours(), home)?.config("gss")
}

fn official(home: &Home) -> Result<Rucio> {
    at(home.official()?, home)?.config("gss")
}

/// Both clients exit with 1, also for legacy commands; ours prints all of `expected`.
fn both_refuse(home: &Home, variables: &[(&str, &str)], options: &[&str], expected: &[&str]) -> Result<()> {
    let prepare = |client: Rucio| {
        let client = client.args(options);
        variables.iter().fold(client, |client, (name, value)| client.env(name, value))
    };
    for command in ["whoami", "list-scopes"] {
        refused(&prepare(ours(home)?).args([command]).run()?, expected)?;
    }
    let official = prepare(official(home)?).args(["list-scopes"]).run()?;
    ensure!(official.code == 1, "{official:?}");
    Ok(())
}

#[test]
fn gss_login_and_then_from_the_cache() -> Result<()> {
    let home = home_of("jdoe", &[])?;
    let run = |agent: &str| -> Result<Vec<Line>> {
        check(&ours(&home)?.args(["--user-agent", agent, "whoami"]).run()?)?;
        AccessLog::of("apache")?.of_agent(agent, WHOAMI[1].0)
    };
    let lines = run(&unique("gss"))?;
    let seen: Vec<_> = lines.iter().map(Line::seen).collect();
    ensure!(seen == [&[("GET /auth/gss", 200)], &WHOAMI[..]].concat(), "{seen:?}");
    let token = home.token()?;
    ensure!(token.starts_with("jdoe-jdoe@TESTBED.LOCAL-") && lines[1].token == token, "{token}");
    // The ticket may go; the token stays good.
    ensure!(kerberos(&home, "kdestroy", &[], "")?);
    let lines = run(&unique("gss"))?;
    let seen: Vec<_> = lines.iter().map(Line::seen).collect();
    ensure!(seen == WHOAMI && home.token()? == token, "no login: {seen:?}");
    Ok(())
}

#[test]
fn gss_token_is_shared_with_the_official_client() -> Result<()> {
    let (mine, theirs) = (home_of("jdoe", &[])?, home_of("jdoe", &[])?);
    check(&ours(&mine)?.args(["whoami"]).run()?)?;
    let outcome = official(&theirs)?.args(["whoami"]).run()?;
    ensure!(outcome.code == 0, "{outcome:?}");
    let (token_of_ours, token_of_theirs) = (mine.token()?, theirs.token()?);
    for home in [&mine, &theirs] {
        ensure!(kerberos(home, "kdestroy", &[], "")?);
    }
    // Each uses the other's token; without a ticket, neither could log in again.
    let outcome = official(&mine)?.args(["whoami"]).run()?;
    ensure!(outcome.code == 0 && outcome.stdout.contains("account    : jdoe"), "{outcome:?}");
    check(&ours(&theirs)?.args(["whoami"]).run()?)?;
    ensure!(mine.token()? == token_of_ours);
    ensure!(theirs.token()? == token_of_theirs);
    Ok(())
}

#[test]
fn gss_log_has_no_secrets() -> Result<()> {
    let home = home_of("jdoe", &[])?;
    let outcome = ours(&home)?.args(["-v", "whoami"]).run()?;
    ensure!(outcome.code == 0 && outcome.stderr.contains("/auth/gss"), "{outcome:?}");
    for secret in [home.token()?.as_str(), "Negotiate", "YII"] {
        ensure!(!outcome.stderr.contains(secret) && !outcome.stdout.contains(secret), "{secret}: {outcome:?}");
    }
    Ok(())
}

#[test]
fn gss_library_that_cannot_be_loaded() -> Result<()> {
    let home = home_of("jdoe", &[])?;
    let folder = home.path().join("lib");
    fs::create_dir(&folder)?;
    fs::write(folder.join("libgssapi_krb5.so.2"), "")?;
    let outcome = ours(&home)?.env("LD_LIBRARY_PATH", &folder.to_string_lossy()).args(["whoami"]).run()?;
    refused(&outcome, &["The Kerberos library cannot be loaded", "file too short", "libgssapi-krb5-2", "krb5-libs"])
}

#[test]
fn gss_without_a_ticket() -> Result<()> {
    let home = Home::new()?;
    both_refuse(&home, &[], &[], &["There is no Kerberos ticket", &tickets(&home), "`kinit`"])
}

#[test]
fn gss_ticket_that_expired() -> Result<()> {
    let home = home_of("jdoe", &["-l", "1s"])?;
    wait_for("the end of the ticket", || Ok((!kerberos(&home, "klist", &["-s"], "")?).then_some(())))?;
    // Its last second counts as good for some and not for others.
    let end = Instant::now();
    wait_for("the second after", || Ok((end.elapsed() > Duration::from_secs(2)).then_some(())))?;
    both_refuse(&home, &[], &[], &["The Kerberos ticket has expired", "`kinit`"])
}

#[test]
fn gss_ticket_of_another_user_and_an_unknown_account() -> Result<()> {
    let home = home_of("rootuser", &[])?;
    let add = "identity add --type GSS --id rootuser@TESTBED.LOCAL";
    both_refuse(&home, &[], &[], &["account jdoe", "rootuser@TESTBED.LOCAL", add, "--account"])?;
    let expected = ["account nobody77", "--account", "rootuser@TESTBED.LOCAL"];
    both_refuse(&home, &[], &["--account", "nobody77"], &expected)
}

#[test]
fn gss_without_an_account() -> Result<()> {
    let home = home_of("jdoe", &[])?;
    let config = home.testbed_config("auth_type = gss")?;
    fs::write(&config, fs::read_to_string(&config)?.replace("account = jdoe\n", ""))?;
    let expected = ["A login by gss requires an account, and none is set", "--account", "RUCIO_ACCOUNT"];
    both_refuse(&home, &[], &["--config", &config], &expected)
}

/// The name is the host as written, as with the official client.
#[test]
fn gss_server_that_kerberos_does_not_know() -> Result<()> {
    let home = home_of("jdoe", &[])?;
    let there = Testbed::get()?.value("URL")?.replace("localhost", "127.0.0.1");
    let expected = ["does not know the server HTTP@127.0.0.1", "of jdoe@TESTBED.LOCAL", "--auth-host"];
    both_refuse(&home, &[], &["--auth-host", &there], &expected)
}

/// The realm, as if its KDC were on this port.
fn realm_at(home: &Home, port: u16) -> Result<String> {
    let (text, path) = (fs::read_to_string(realm()?)?, home.path().join("krb5.conf"));
    let line = text.lines().find(|line| line.contains("kdc = 127")).unwrap_or_default();
    ensure!(!line.is_empty(), "{text}");
    fs::write(&path, text.replace(line, &format!("  kdc = 127.0.0.1:{port}")))?;
    Ok(path.to_string_lossy().into_owned())
}

#[test]
fn gss_kdc_that_is_down() -> Result<()> {
    let home = home_of("jdoe", &[])?;
    let closed = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let realm = realm_at(&home, closed)?;
    both_refuse(
        &home,
        &[("KRB5_CONFIG", &realm)],
        &[],
        &["No Kerberos server can be reached for the ticket of jdoe@TESTBED.LOCAL", "TESTBED.LOCAL'", "KRB5_CONFIG"],
    )
}

/// The library waits for the KDC as long as it likes; we do not.
#[test]
fn gss_login_ends_at_ctrl_c_while_the_kdc_is_silent() -> Result<()> {
    let home = home_of("jdoe", &[])?;
    let silent = UdpSocket::bind("127.0.0.1:0")?;
    let realm = realm_at(&home, silent.local_addr()?.port())?;
    let config = Testbed::get()?.config("gss")?.to_string_lossy().into_owned();
    let variables = [("RUCIO_CONFIG", config.as_str()), ("KRB5_CONFIG", &realm), ("KRB5CCNAME", &tickets(&home))];
    let mut terminal = Pty::ours(&home, &variables, &["whoami"])?;
    silent.set_read_timeout(Some(WAIT_TIMEOUT))?;
    silent.recv(&mut [0; 4096])?;
    terminal.type_in("\x03")?;
    let (code, screen) = terminal.end()?;
    ensure!(code == 130, "{code}: {screen}");
    Ok(())
}

fn web(answer: impl Fn(&ReceivedRequest, usize) -> Answer + Send + Sync + 'static) -> Result<HttpServer> {
    Ok(HttpServer::start(answer)?)
}

/// Logs in at this port of this machine, by the name under which Kerberos knows it.
fn log_in_at(home: &Home, port: &str) -> Result<Outcome> {
    ours(home)?.args(["--auth-host", &format!("http://localhost:{port}"), "whoami"]).run()
}

#[test]
fn gss_server_that_does_not_authenticate_gives_no_token() -> Result<()> {
    let home = home_of("jdoe", &[])?;
    let server = Server::start(|_, _| Answer::json("{}"))?;
    let port = server.url().rsplit(':').next().unwrap_or_default();
    refused(&log_in_at(&home, port)?, &["did not prove that it is HTTP@localhost", "--auth-host"])?;
    let heard = server.heard_in_all();
    ensure!(heard.len() == 1);
    ensure!(heard[0].header("authorization").is_some_and(|token| token.starts_with("Negotiate ")));
    for proof in ["AAAA", "oRQwEqADCgEAoQsGCSqGSIb3EgECAg==", ""] {
        let token = format!("X-Rucio-Auth-Token: forged\r\nWWW-Authenticate: Negotiate {proof}\r\n");
        let server = web(move |_, _| Answer::new(200, &token, ""))?;
        let outcome = log_in_at(&home, server.port())?;
        refused(&outcome, &["localhost"])?;
        ensure!(!outcome.stderr.contains("forged"), "{outcome:?}");
    }
    ensure!(home.token().is_err(), "none is kept");
    Ok(())
}

#[test]
fn gss_servers_that_refuse_each_have_a_message() -> Result<()> {
    let home = home_of("jdoe", &[])?;
    let class = "ExceptionClass: ValueError\r\nExceptionMessage: Account and REMOTE_USER must be set.\r\n";
    for (status, headers, expected) in [
        (401, "WWW-Authenticate: Basic realm=\"x\"\r\n", "This server offers no login by Kerberos"),
        (400, class, "This server offers no login by Kerberos"),
        (401, "WWW-Authenticate: Negotiate\r\n", "does not accept the Kerberos ticket of jdoe@TESTBED.LOCAL"),
        (401, "WWW-Authenticate: Negotiate AAAA\r\n", "HTTP@localhost"),
    ] {
        let server = web(move |_, _| Answer::new(status, headers, ""))?;
        refused(&log_in_at(&home, server.port())?, &[expected])?;
        let heard = server.requests();
        ensure!(heard.len() == 1 && heard[0].request == "GET /auth/gss", "{heard:?}");
    }
    Ok(())
}

#[test]
fn gss_ticket_goes_to_no_other_host() -> Result<()> {
    let home = home_of("jdoe", &[])?;
    let other = web(|_, _| Answer::new(200, "", ""))?;
    let location = format!("Location: http://localhost:{}/auth/gss\r\n", other.port());
    let server = web(move |_, _| Answer::new(302, &location, ""))?;
    let outcome = log_in_at(&home, server.port())?;
    ensure!(outcome.code == 1 && outcome.stderr.contains("redirects to another host"), "{outcome:?}");
    ensure!(other.requests().is_empty(), "{:?}", other.requests());
    ensure!(!Path::new(&home.token_file()).exists());
    Ok(())
}

/// Forwards the login to the real server. Returns its whole response.
fn pass_on(head: &str, url: &str, ca: &str) -> String {
    let ours = head.lines().filter(|line| {
        let line = line.to_lowercase();
        line.starts_with("authorization:") || line.starts_with("x-rucio-account:")
    });
    let headers = ours.flat_map(|line| ["-H", line]);
    let mut curl = Command::new("curl");
    // Ours answers one request a connection; the answer must say so.
    curl.args(["-s", "-i", "--raw", "--http1.1", "-H", "Connection: close", "--cacert", ca])
        .args(headers)
        .arg(format!("{url}/auth/gss"));
    curl.output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

/// A server refuses to see the same login twice, as when an answer is lost on its way and the request sent again. The real
/// server sees it twice here.
#[test]
fn gss_login_that_is_taken_for_a_replay_starts_again() -> Result<()> {
    let (home, testbed) = (home_of("jdoe", &[])?, Testbed::get()?);
    let (url, ca) = (testbed.value("URL")?.to_owned(), format!("{}/ca.pem", testbed.value("CERTS")?));
    let server = web(move |request, number| {
        let first = pass_on(&request.head(), &url, &ca);
        let answer = if number == 0 { pass_on(&request.head(), &url, &ca) } else { first };
        Answer::raw(answer.as_bytes(), b"")
    })?;
    check(&log_in_at(&home, server.port())?)?;
    let heard: Vec<_> = server.requests().iter().map(ReceivedRequest::head).collect();
    ensure!(heard.len() == 2 && heard[0] != heard[1], "{heard:?}");
    Ok(())
}
