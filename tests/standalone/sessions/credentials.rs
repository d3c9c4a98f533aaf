//! User names, passwords, tokens and certificates as they are at real sites.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use serde_json::json;

use crate::expect;
use crate::fixtures::download::{DownloadFixture, verdict};
use crate::fixtures::{Answer, CertificateFixture, Home, Server, TODAY, TlsFront, Use, keep, open_to};
use crate::support::Outcome;

fn server() -> Result<Server> {
    Server::start(|_, _| Answer::json(r#"{"account": "jdoe"}"#))
}

/// A path in /tmp, a folder of root with the sticky bit: all users may create files, and only the owner may replace one.
struct TmpFile(PathBuf);

impl TmpFile {
    fn new() -> Result<Self> {
        let file = tempfile::Builder::new().prefix("rucio-token-").tempfile_in("/tmp")?;
        Ok(Self(file.path().to_owned()))
    }
}

/// Removes it, with the files beside it.
impl Drop for TmpFile {
    fn drop(&mut self) {
        for ending in ["", ".origin", ".lock"] {
            let _ = fs::remove_file(format!("{}{ending}", self.0.display()));
        }
    }
}

#[test]
fn token_file_in_tmp_is_used_and_kept() -> Result<()> {
    let (home, server, file) = (Home::new()?, server()?, TmpFile::new()?);
    let client = || server.client_with(&home, &format!("auth_token_file_path = {}", file.0.display()));
    for _ in 0..2 {
        let outcome = client()?.args(["whoami"]).run()?;
        expect(&outcome, 0)?;
        ensure!(outcome.stderr.is_empty(), "{outcome:?}");
    }
    ensure!(file.0.is_file(), "the token is not saved");
    let asked: Vec<_> = server.heard_in_all().into_iter().map(|heard| heard.request).collect();
    let whoami = "GET /accounts/whoami";
    ensure!(asked == ["GET /auth/userpass", whoami, whoami], "{asked:?}");
    open_to(&file.0, 0o644)?;
    let outcome = client()?.args(["whoami"]).run()?;
    let warning = format!("The token {0} is open to others (mode 644). Run `chmod 600 {0}`.", file.0.display());
    ensure!(outcome.code == 0 && outcome.stderr.matches(&warning).count() == 1, "{outcome:?}");
    ensure!(server.heard_in_all().len() == 4, "it is used nevertheless");
    let outcome = client()?.args(["logout", "--yes"]).run()?;
    ensure!(outcome.code == 0 && !file.0.exists(), "{outcome:?}");
    Ok(())
}

/// Servers read header values as Latin-1, and so the official client sends them.
#[test]
fn user_name_and_password_beyond_ascii_are_sent_in_latin_1() -> Result<()> {
    let (home, server) = (Home::new()?, server()?);
    let login = |name: &str, password: &str| {
        let client = server.client(&home)?;
        client.args(["--user", name, "--password", password, "whoami"]).run()
    };
    let outcome = login("jürgen", "geheim-ÿ-é")?;
    expect(&outcome, 0)?;
    let heard = server.heard_in_all();
    ensure!(heard[0].header("x-rucio-username") == Some("jürgen"), "{:?}", heard[0]);
    ensure!(heard[0].header("x-rucio-password") == Some("geheim-ÿ-é"), "{:?}", heard[0]);
    fs::remove_dir_all(home.token_folder())?;
    for (name, password, shown) in [
        ("łukasz", "geheim", "\"łukasz\" cannot be sent as the HTTP header x-rucio-username"),
        ("jdoe", "geheim-€", "Its value cannot be sent as the HTTP header x-rucio-password"),
    ] {
        let outcome = login(name, password)?;
        ensure!(outcome.code == 1 && outcome.stderr.contains(shown), "{outcome:?}");
        ensure!(outcome.stderr.contains("U+00FF") && !outcome.stderr.contains("geheim"), "{outcome:?}");
    }
    ensure!(server.heard_in_all().len() == heard.len(), "it was sent");
    Ok(())
}

/// `client_x509_proxy = $X509_USER_PROXY` is in many configurations.
#[test]
fn proxy_of_a_variable_that_is_not_set_is_searched_elsewhere() -> Result<()> {
    let home = Home::new()?;
    let config = home.config(
        "rucio_host = http://127.0.0.1:1\nauth_host = http://127.0.0.1:1\nauth_type = x509_proxy\nclient_x509_proxy = $NO_SUCH_PROXY",
    )?;
    // Whoever runs the tests may have a proxy at the usual path.
    let outcome = home.ours().env("RUCIO_CONFIG", &config).args(["whoami"]).run()?;
    ensure!(outcome.code == 1 && !outcome.stderr.contains("at /$NO_SUCH"), "{outcome:?}");
    let usual = format!("/tmp/x509up_u{}", rustix::process::geteuid().as_raw());
    if !Path::new(&usual).exists() {
        let expected = format!("There is no proxy certificate at {usual}");
        ensure!(outcome.stderr.contains(&expected), "{outcome:?}");
        ensure!(outcome.stderr.contains("and the variable NO_SUCH_PROXY is not set"), "{outcome:?}");
    }
    let outcome =
        home.ours().env("RUCIO_CONFIG", &config).env("X509_USER_PROXY", "/nowhere/proxy").args(["whoami"]).run()?;
    ensure!(outcome.stderr.contains("There is no proxy certificate at /nowhere/proxy"), "{outcome:?}");
    Ok(())
}

/// A JSON web token with this audience that is valid for so many seconds.
fn token(audience: &str, seconds: i64) -> Result<String> {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
    let claims = json!({"sub": "jdoe", "iss": "https://iam.example.org/", "exp": now + seconds, "aud": audience});
    let [header, claims] = [json!({"alg": "RS256"}), claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    Ok(format!("{header}.{claims}.c2lnbmF0dXJl"))
}

/// Tokens that other programs leave for storages are used whatever the login to Rucio is.
#[test]
fn token_of_another_program_is_sent_to_the_storage_that_it_is_for() -> Result<()> {
    let authority = CertificateFixture::unknown_authority()?;
    let host = authority.sign(&["CN=localhost"], TODAY, Use::Server("localhost"))?;
    let storage = Server::start(|heard, _| match heard.header("authorization") {
        Some(_) => Answer::new(200, "ETag: \"1\"\r\n", "content"),
        None => Answer::new(401, "WWW-Authenticate: Bearer\r\n", ""),
    })?;
    let front = TlsFront::start(&storage, &host)?;
    let mut world = DownloadFixture::new()?;
    world.file("f", b"content", &[&format!("{}/f", front.url())]);
    let (folder, _) = authority.hashed_folder(&world.home)?;
    let sent = |variable: &str, in_file: &str| -> Result<(Outcome, Option<String>)> {
        let before = storage.heard().len();
        let file = keep(&world.home, "bearer", in_file)?;
        let client = world.rucio(&[])?.env("X509_CERT_DIR", &folder.to_string_lossy()).env("BEARER_TOKEN", variable);
        let outcome = client.env("BEARER_TOKEN_FILE", &file.to_string_lossy()).run()?;
        let used =
            storage.heard().into_iter().skip(before).find_map(|heard| Some(heard.header("authorization")?.to_owned()));
        if used.is_some() {
            world.arrived("f")?;
            fs::remove_file(world.place("f"))?;
        }
        Ok((outcome, used))
    };
    let (any, own) = (token("https://wlcg.cern.ch/jwt/v1/any", 600)?, token(&front.url(), 600)?);
    let (other, expired) = (token("https://other.example.org", 600)?, token(&front.url(), -60)?);
    for (variable, in_file, wanted) in [
        (&any, "", Some(&any)),
        (&String::new(), own.as_str(), Some(&own)),
        (&any, &own, Some(&own)),
        (&other, "", None),
        (&other, &any, Some(&any)),
        (&expired, "", None),
    ] {
        let (outcome, used) = sent(variable, in_file)?;
        ensure!(used == wanted.map(|token| format!("Bearer {token}")), "{variable} {in_file}: {used:?}: {outcome:?}");
        ensure!(wanted.is_some() == verdict(&outcome, "f").is_none(), "{outcome:?}");
    }
    let (outcome, _) = sent(&expired, "")?;
    ensure!(outcome.stderr.contains("The token of the variable BEARER_TOKEN is not used: it ended at"), "{outcome:?}");
    Ok(())
}

/// Signed addresses and passwords in addresses are secrets, too.
#[test]
fn secrets_in_addresses_are_not_shown() -> Result<()> {
    let (mut world, store) = (DownloadFixture::new()?, server()?);
    let signed = format!("{}/f?X-Amz-Algorithm=A&X-Amz-Signature=0123456789abcdef", store.url());
    world.file("f", b"other", &[&signed.replace('&', "&amp;")]);
    world.document()?;
    let words =
        ["download", "--metalink", "all.meta4", "--dir", "here", "--summary", "summary.json", "--output", "json"];
    let outcome = world.client().args(words).run()?;
    ensure!(store.heard().first().is_some_and(|heard| heard.request.ends_with("0123456789abcdef")), "{outcome:?}");
    let summary = fs::read_to_string(world.home.path().join("summary.json"))?;
    for (place, text) in [("stdout", &outcome.stdout), ("stderr", &outcome.stderr), ("summary", &summary)] {
        ensure!(!text.contains("0123456789abcdef"), "in {place}: {text}");
        ensure!(text.contains("/f?[hidden]"), "in {place}: {text}");
    }
    let (home, server) = (Home::new()?, server()?);
    let with_password = server.url().replace("http://", "http://jdoe:geheim@");
    let outcome =
        server.client(&home)?.args(["-v", "-H", &with_password, "--auth-host", &with_password, "whoami"]).run()?;
    expect(&outcome, 0)?;
    ensure!(!outcome.stderr.contains("geheim") && outcome.stderr.contains("http://[hidden]@127.0.0.1"), "{outcome:?}");
    Ok(())
}
