use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use serde_json::json;

use super::*;
use crate::auth::jwt::tests::token;
use crate::config::{Config, Overrides};
use crate::env_vars::Env;
use crate::secret::Secret;

fn settings(host: Option<&str>, lines: &str) -> Settings {
    let text = format!(
        "[client]\nrucio_host = https://rucio.example.org\nauth_host = https://rucio.example.org\nauth_type = oidc\n{lines}"
    );
    let overrides = Overrides { host: host.map(str::to_owned), ..Overrides::default() };
    Settings::resolve(&overrides, &Env::fixed([]), &Config::parse(&text, "/etc/rucio.cfg").unwrap()).unwrap()
}

/// Returns why a token with these claims is not used.
fn reason(host: Option<&str>, lines: &str, claims: &serde_json::Value) -> Option<String> {
    let settings = settings(host, lines);
    let AuthMethod::Oidc(oidc) = &settings.auth else { unreachable!() };
    refusal(&token(claims), |claims| audience_problem(claims, &settings, oidc))
}

/// Returns settings with these token locations.
fn with_places(variable: Option<&str>, named: Option<PathBuf>, usual: Vec<PathBuf>) -> Settings {
    let mut settings = settings(None, "");
    let AuthMethod::Oidc(oidc) = &mut settings.auth else { unreachable!() };
    oidc.bearer.variable = variable.map(Secret::from);
    (oidc.bearer.named_file, oidc.bearer.usual_files) = (named, usual);
    settings
}

fn good(name: &str) -> String {
    token(&json!({"exp": unix_time() + 600, "sub": name}))
}

fn keep(path: &Path, content: &str) {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn discovery_takes_the_first_place_with_a_valid_token() {
    let dir = tempfile::tempdir().unwrap();
    let [named, run, tmp] = ["named", "run", "tmp"].map(|name| dir.path().join(name));
    keep(&named, &format!("  {}\n", good("named")));
    keep(&run, &good("run"));
    keep(&tmp, &good("tmp"));
    let ended = token(&json!({"exp": unix_time() - 1}));
    let variable = good("variable");
    for (variable, expected, source) in [
        (Some(variable.as_str()), "variable", TokenSource::Variable("BEARER_TOKEN")),
        (Some(ended.as_str()), "named", TokenSource::File(named.clone())),
        (None, "named", TokenSource::File(named.clone())),
    ] {
        let found = discover(&with_places(variable, Some(named.clone()), vec![run.clone(), tmp.clone()])).unwrap();
        assert_eq!((found.expose(), &found.source), (good(expected).as_str(), &source));
    }
    fs::remove_file(&named).unwrap();
    let found = || discover(&with_places(None, Some(named.clone()), vec![run.clone(), tmp.clone()]));
    assert_eq!(found().unwrap().source, TokenSource::File(run.clone()));
    keep(&run, "\n");
    assert_eq!(found().unwrap().source, TokenSource::File(tmp.clone()));
    fs::remove_file(&tmp).unwrap();
    assert!(found().is_none());
}

#[test]
fn discovery_is_for_oidc_only() {
    let mut settings = with_places(Some(&good("kim")), None, Vec::new());
    assert!(discover(&settings).is_some());
    settings.auth = AuthMethod::Gss;
    assert!(discover(&settings).is_none());
}

#[test]
fn discovered_token_is_used_only_while_it_is_valid() {
    for (claims, expected) in [
        (json!({"exp": unix_time() + 600, "nbf": unix_time() + 60}), None),
        (json!({"exp": unix_time() - 1}), Some("it ended at")),
        (json!({"exp": unix_time() + 9000, "nbf": unix_time() + 4000}), Some("Check the clock")),
        (json!({"sub": "kim"}), Some("until when")),
        (json!({"exp": -1e300}), Some("it ended at")),
        (json!({"exp": 1e300, "nbf": -1e300}), None),
        (json!({"exp": 1e300, "nbf": 1e300}), Some("Check the clock")),
    ] {
        let reason = reason(None, "", &claims);
        match expected {
            Some(expected) => assert!(reason.unwrap().contains(expected), "{claims}"),
            None => assert_eq!(reason, None, "{claims}"),
        }
    }
    assert!(refusal("jdoe-jdoe-unknown-0123", |_| None).unwrap().contains("not a JSON web token"));
}

#[test]
fn discovered_token_goes_only_to_its_audience() {
    let other = Some("https://other.example.org");
    for (host, lines, audience, used) in [
        (None, "", json!("whatever"), true),
        (None, "oidc_audience = rucio fts", json!(["x", "fts"]), true),
        (None, "oidc_audience = rucio", json!("eos"), false),
        (None, "oidc_audience = rucio", json!([]), true),
        (None, "oidc_audience = rucio", json!("https://wlcg.cern.ch/jwt/v1/any"), true),
        (other, "oidc_audience = rucio", json!("rucio"), false),
        (other, "", json!("https://wlcg.cern.ch/jwt/v1/any"), false),
        (other, "", json!([]), false),
        (other, "", json!("https://rucio.example.org"), false),
        (other, "", json!("https://other.example.org"), true),
        (other, "", json!("https://other.example.org:443/"), true),
        (other, "", json!("https://other.example.org:8443"), false),
        (other, "", json!("Other.example.org"), true),
    ] {
        let reason = reason(host, lines, &json!({"exp": unix_time() + 600, "aud": audience}));
        assert_eq!(reason.is_none(), used, "{host:?} {lines} {audience}: {reason:?}");
    }
}

#[test]
fn discovered_token_that_others_could_have_written_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (file, link) = (dir.path().join("bt"), dir.path().join("link"));
    keep(&file, "t");
    symlink(&file, &link).unwrap();
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    assert!(trusted(&file).is_ok() && trusted(&link).is_ok());
    mode(&file, 0o644);
    assert!(trusted(&file).is_ok(), "no other user can change it");
    mode(&file, 0o666);
    assert!(trusted(&file).is_err());
    mode(&file, 0o644);
    mode(dir.path(), 0o1777);
    assert!(trusted(&file).is_ok() && trusted(&link).is_err(), "others can only read it");
    mode(&file, 0o622);
    assert!(trusted(&file).is_err());
    mode(&file, 0o600);
    assert!(trusted(&file).is_ok() && trusted(&link).is_err());
    assert_eq!(trusted(&dir.path().join("none")).unwrap_err().kind(), ErrorKind::NotFound);
}
