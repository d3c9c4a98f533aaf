//! Against the real server.

use std::process::{Output, Stdio};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::curl::{Session, said, shown};
use crate::fixtures::{AccessLog, Pty};
use crate::support::{Testbed, unique};

/// Both return the same bytes for these; our exit code is 0 only if curl reports 2xx.
#[test]
fn api_output_is_byte_for_byte_that_of_curl() -> Result<()> {
    let session = Session::new()?;
    for (path, code) in [
        ("ping", 0),
        ("rses/?expression=tier%3D1%26disk%3D1", 0),
        ("rses/DAVS", 0),
        ("rses/DAVS/attr/", 0),
        ("scopes/", 0),
        ("accounts/whoami", 0),
        ("accounts/", 0),
        ("identities/accounts?identity_key=jdoe&type=userpass", 0),
        ("dids/test/dids/search?type=collection&name=m*", 0),
        ("dids/mock/odd/meta?plugin=ALL", 0),
        ("dids/user.jdoe/odd/names/dids", 0),
        ("config/testbed", 1),
        ("subscriptions/jdoe/testdata", 0),
        ("dids/bench/big/files", 0),
        ("dids/test/nope", 1),
        ("rses/N%C3%96PE", 1),
        ("rses/?expression=%3D%3D", 1),
        ("no/such/path", 1),
    ] {
        let (ours, curl) = side_by_side(&session, path)?;
        ensure!(!curl.stdout.is_empty() && curl.status.success(), "{path}: {}", said(&curl));
        ensure!(ours.stdout == curl.stdout, "{path}:\n{}\n{}", shown(&ours), shown(&curl));
        ensure!(ours.status.code() == Some(code), "{path}: {:?} {}", ours.status, said(&ours));
        ensure!(said(&ours).is_empty() == (code == 0), "{path}: {}", said(&ours));
    }
    Ok(())
}

/// Both answers. The server's processes write the fields of an object each in an order of its own, and other tests
/// change what it knows: so equal ones, if there are such in a while.
fn side_by_side(session: &Session, path: &str) -> Result<(Output, Output)> {
    let mut both = (session.ours(&[path])?, session.curl(&[], path)?);
    for _ in 0..60 {
        if both.0.stdout == both.1.stdout {
            break;
        }
        both = (session.ours(&[path])?, session.curl(&[], path)?);
    }
    Ok(both)
}

#[test]
fn api_path_may_have_a_leading_slash_or_be_a_url() -> Result<()> {
    let session = Session::new()?;
    let url = Testbed::get()?.value("URL")?;
    let path = "accounts/jdoe/scopes/";
    let expected = session.curl(&[], path)?.stdout;
    ensure!(String::from_utf8_lossy(&expected).contains("user.jdoe"));
    for path in [format!("/{path}"), format!("{url}/{path}"), format!("{}/{path}", url.replace("https", "HTTPS"))] {
        ensure!(session.ours(&[&path])?.stdout == expected, "{path}");
    }
    for elsewhere in [Testbed::get()?.value("SECOND_URL")?, "https://example.org", "http://localhost:19443"] {
        let outcome = session.ours(&[&format!("{elsewhere}/rses/")])?;
        ensure!(outcome.status.code() == Some(1) && outcome.stdout.is_empty(), "{}", said(&outcome));
        ensure!(said(&outcome).contains("the token is sent to no other host"), "{}", said(&outcome));
    }
    ensure!(!AccessLog::of("second")?.mentions(session.token())?);
    Ok(())
}

#[test]
fn api_paths_of_auth_go_to_the_auth_host() -> Result<()> {
    let session = Session::new()?;
    let (first, second) = (Testbed::get()?.value("URL")?, Testbed::get()?.value("SECOND_URL")?);
    let validate = session.ours(&["auth/validate"])?;
    ensure!(validate.status.success() && shown(&validate).contains("'account': 'jdoe'"), "{}", shown(&validate));
    // A request that returns a token sends none and needs none.
    let agent = unique("agent");
    let mut command = session.command(&["auth/userpass", "--include"])?;
    let login = ["X-Rucio-Account: jdoe", "X-Rucio-Username: jdoe", "X-Rucio-Password: secret"];
    command
        .args(login.iter().flat_map(|header| ["--header", header]))
        .args(["--header", &format!("User-Agent: {agent}/1")]);
    let hidden = command.output()?;
    ensure!(shown(&hidden).contains("\r\nX-Rucio-Auth-Token: [hidden]\r\n"), "{}", shown(&hidden));
    ensure!(!shown(&hidden).contains("jdoe-jdoe-"), "{}", shown(&hidden));
    let seen = AccessLog::of("apache")?.of_agent(&agent, "GET /auth/userpass")?;
    ensure!(seen.len() == 1 && seen[0].token.is_empty(), "{seen:?}");
    let asked = shown(&command.arg("--show-token").output()?);
    ensure!(asked.contains("\r\nX-Rucio-Auth-Token: jdoe-jdoe-"), "{asked}");
    let outcome = session
        .home()
        .ours()
        .config("userpass")?
        .args(["-H", second, "--auth-host", first, "api", "auth/validate"])
        .run()?;
    ensure!(outcome.code == 0 && outcome.stdout.contains("'account': 'jdoe'"), "{outcome:?}");
    Ok(())
}

#[test]
fn api_fields_are_the_query_of_a_get_and_the_body_of_all_else() -> Result<()> {
    let session = Session::new()?;
    let search = ["GET", "dids/test/dids/search", "-f", "type=collection", "--raw-field", "name=m*", "-f", "long=true"];
    let curl = session.curl(&[], "dids/test/dids/search?type=collection&name=m*&long=true")?;
    ensure!(curl.stdout.len() > 100 && records(&session.ours(&search)?)? == records(&curl)?, "{}", shown(&curl));

    let name = unique("api");
    let did = format!("dids/user.jdoe/{name}");
    let outcome = session.ours(&[&did, "-f", "type=DATASET", "-f", "meta[project]=user", "-f", "lifetime=86400"])?;
    ensure!(outcome.status.success() && shown(&outcome) == "Created", "{} {}", shown(&outcome), said(&outcome));
    let note = session.file("note", "two\nlines".as_bytes())?;
    let meta = [
        &format!("{did}/meta"),
        "-f",
        "meta[quality]=12",
        "-f",
        "meta[code]=007",
        "--raw-field",
        "meta[text]=1",
        "-f",
        "meta[list][]=é",
    ];
    let outcome = session.ours(&meta)?;
    ensure!(outcome.status.success(), "{} {}", shown(&outcome), said(&outcome));
    let outcome = session.ours(&[&format!("{did}/meta/note"), "-f", &format!("value=@{}", note.display())])?;
    ensure!(outcome.status.success(), "{} {}", shown(&outcome), said(&outcome));
    let seen: Value = serde_json::from_slice(&session.ours(&[&format!("{did}/meta?plugin=ALL")])?.stdout)?;
    let keys = ["project", "quality", "code", "text", "list", "note"];
    let values: Vec<_> = keys.iter().map(|key| seen[key].clone()).collect();
    ensure!(Value::from(values) == json!(["user", 12, "007", "1", ["é"], "two\nlines"]), "{seen}");

    let outcome = session.ours(&["PUT", &format!("{did}/status"), "-f", "open=false"])?;
    ensure!(outcome.status.success(), "{} {}", shown(&outcome), said(&outcome));
    let seen: Value = serde_json::from_slice(&session.ours(&[&did])?.stdout)?;
    ensure!(seen["open"] == json!(false), "{seen}");
    let outcome = session.ours(&["DELETE", &format!("{did}/meta?key=note")])?;
    ensure!(outcome.status.success() && said(&outcome).is_empty(), "{} {}", shown(&outcome), said(&outcome));
    let seen: Value = serde_json::from_slice(&session.ours(&[&format!("{did}/meta?plugin=ALL")])?.stdout)?;
    ensure!(seen.get("note").is_none() && seen["quality"] == 12, "{seen}");
    let outcome = session.ours(&["DELETE", &format!("{did}/meta?key=nosuch")])?;
    ensure!(outcome.status.code() == Some(1) && !outcome.stdout.is_empty(), "{}", said(&outcome));
    let again = session.ours(&[&did, "-f", "type=DATASET"])?;
    ensure!(
        again.status.code() == Some(1) && shown(&again).contains("DataIdentifierAlreadyExists"),
        "{}",
        shown(&again)
    );
    ensure!(said(&again).contains("\tERROR\t") && said(&again).contains("already exists"), "{}", said(&again));
    Ok(())
}

/// The lines, each a JSON value, in any order.
fn records(output: &Output) -> Result<Vec<Value>> {
    let lines = shown(output);
    let mut records = lines.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    records.sort_by_cached_key(|record| (record["name"].to_string(), record.to_string().len()));
    Ok(records)
}

#[test]
fn api_body_comes_from_a_file_or_standard_input_of_any_length() -> Result<()> {
    let session = Session::new()?;
    let dids: Vec<_> = (0..10).map(|n| json!({"scope": "test", "name": format!("mixed-{n:02}.dat")})).collect();
    let body = json!({"dids": dids, "domain": "wan", "filler": "x".repeat(300_000)}).to_string();
    let file = session.file("body.json", body.as_bytes())?;
    let at = format!("@{}", file.display());
    let json = "Content-Type: application/json";
    let curl = session.curl(&["-X", "POST", "-H", json, "--data-binary", &at], "replicas/list")?;
    ensure!(curl.stdout.len() > 1000, "{}", shown(&curl));
    let file = file.display().to_string();
    for words in [vec!["replicas/list", "--input", &file], vec!["POST", "replicas/list", "--input", &file]] {
        let ours = session.ours(&words)?;
        ensure!(ours.status.success() && records(&ours)? == records(&curl)?, "{}", shown(&ours));
    }
    let words = ["replicas/list", "--input", "-"];
    let piped = session.piped(&words, body.as_bytes())?;
    ensure!(records(&piped)? == records(&curl)?, "{} {}", shown(&piped), said(&piped));
    let stdin = session.open("stdin.json", body.as_bytes())?;
    let redirected = session.command(&words)?.stdin(Stdio::from(stdin)).output()?;
    ensure!(records(&redirected)? == records(&curl)?, "{}", shown(&redirected));
    let empty = session.ours(&["POST", "replicas/list", "--input", "/dev/null"])?;
    ensure!(empty.status.code() == Some(1) && !empty.stdout.is_empty(), "{}", shown(&empty));
    let missing = session.ours(&["POST", "replicas/list", "--input", "/nowhere"])?;
    ensure!(missing.status.code() == Some(1) && said(&missing).contains("Cannot read /nowhere"), "{}", said(&missing));
    Ok(())
}

#[test]
fn api_headers_are_sent_and_shown() -> Result<()> {
    let session = Session::new()?;
    let metalink = ["--header", "Accept: application/metalink4+xml"];
    let path = "replicas/test/replicated.dat";
    let ours = session.ours(&[path, metalink[0], metalink[1]])?;
    let curl = session.curl(&["-H", metalink[1]], path)?;
    ensure!(shown(&ours).contains("<metalink") && ours.stdout.len() == curl.stdout.len(), "{}", shown(&ours));

    let words = [vec!["ping", "--include"], vec!["HEAD", "ping", "-i"], vec!["dids/test/nope", "-i"]];
    for (words, curl) in words.iter().zip([vec!["-i", "ping"], vec!["-I", "ping"], vec!["-i", "dids/test/nope"]]) {
        let (ours, curl) = (session.ours(words)?, session.curl(&curl[..1], curl[1])?);
        ensure!(comparable(&ours.stdout) == comparable(&curl.stdout), "{}\n{}", shown(&ours), shown(&curl));
    }
    for name in ["X-Rucio-Auth-Token", "Host"] {
        let refused = session.ours(&["ping", "--header", &format!("{name}: x")])?;
        ensure!(refused.status.code() == Some(1) && refused.stdout.is_empty(), "{}", said(&refused));
    }
    let silent = session.ours(&["rses/", "--silent"])?;
    ensure!(silent.status.success());
    ensure!(silent.stdout.is_empty());
    let silent = session.ours(&["dids/test/nope", "--silent"])?;
    ensure!(silent.status.code() == Some(1));
    ensure!(silent.stdout.is_empty());
    ensure!(said(&silent).contains("Data identifier not found."));
    Ok(())
}

/// Status line, headers and body, without the time and what is only about the connection, which ours asks to be kept.
/// Regardless of case: the case of header names is not preserved.
fn comparable(answer: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(answer).to_lowercase();
    let differs = |line: &&str| ["date:", "connection:", "keep-alive:"].iter().any(|name| line.starts_with(name));
    text.split("\r\n").filter(|line| !differs(line)).map(str::to_owned).collect()
}

#[test]
fn api_output_for_programs_is_that_of_the_server_alone() -> Result<()> {
    let session = Session::new()?;
    let expected = shown(&session.curl(&[], "ping")?);
    let ours = |words: &[&str]| session.home().ours().config("userpass")?.args(words).run();
    let verbose = ours(&["-v", "api", "ping"])?;
    ensure!(verbose.stdout == expected && verbose.stderr.contains("Completed in "), "{verbose:?}");
    ensure!(!verbose.stderr.contains(session.token()), "{verbose:?}");
    ensure!(ours(&["-o", "csv", "api", "ping"])?.stdout == expected);
    let failed = ours(&["api", "dids/test/nope", "-o", "json"])?;
    ensure!(failed.stdout == shown(&session.curl(&[], "dids/test/nope")?), "{failed:?}");
    let error: Value = serde_json::from_str(&failed.stderr)?;
    ensure!(error["error"]["class"] == "DataIdentifierNotFound" && error["error"]["exit_code"] == 1, "{error}");
    Ok(())
}

#[test]
fn api_login_that_is_refused_ends_with_4() -> Result<()> {
    let session = Session::new()?;
    let login = ["X-Rucio-Account: jdoe", "X-Rucio-Username: jdoe", "X-Rucio-Password: wrong"];
    let headers = login.iter().flat_map(|header| ["--header", header]);
    let refused = session.ours(&[&["auth/userpass"], headers.collect::<Vec<_>>().as_slice()].concat())?;
    ensure!(refused.status.code() == Some(4) && shown(&refused).contains("CannotAuthenticate"), "{}", shown(&refused));
    ensure!(said(&refused).contains("rucio login"), "{}", said(&refused));
    let logged_out =
        session.home().ours().config("userpass")?.args(["--password", "no", "-a", "root", "api", "ping"]).run()?;
    ensure!(logged_out.code == 4 && logged_out.stdout.is_empty(), "{logged_out:?}");
    Ok(())
}

#[test]
fn api_output_on_a_terminal_has_no_controls_and_a_whole_last_line() -> Result<()> {
    let session = Session::new()?;
    let config = Testbed::get()?.config("userpass")?.to_string_lossy().into_owned();
    let terminal = Pty::ours(session.home(), &[("RUCIO_CONFIG", &config)], &["api", "auth/validate"])?;
    let (code, screen) = terminal.end()?;
    ensure!(code == 0 && screen.starts_with("{'account'") && screen.ends_with("}\r\n"), "{screen:?}");
    Ok(())
}

/// The list is endless, but is not read.
#[test]
fn api_reader_that_closes_the_pipe_is_no_failure() -> Result<()> {
    let session = Session::new()?;
    let mut child =
        session.command(&["dids/bench/big/files"])?.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    drop(child.stdout.take());
    let output = child.wait_with_output()?;
    ensure!(output.status.code() == Some(0) && output.stderr.is_empty(), "{:?} {}", output.status, said(&output));
    Ok(())
}
