use super::*;
use std::fs;

/// Resolves `text` in a [client] section.
fn resolve(overrides: &Overrides, variables: &Env, text: &str) -> Result<AuthMethod> {
    let config = Config::parse(&format!("[client]\n{text}"), "/etc/rucio.cfg")?;
    AuthMethod::resolve(overrides, &Sources { env: variables, config: &config })
}

fn refusal(result: Result<AuthMethod>) -> (Exception, String) {
    let error = result.unwrap_err();
    assert!(!error.hints().is_empty(), "{error} gives no hint");
    (error.class().unwrap(), error.to_string())
}

fn given(value: &str) -> Option<String> {
    Some(value.to_owned())
}

#[test]
fn auth_method_comes_from_option_variable_and_file_in_any_case() {
    let env = Env::fixed([("RUCIO_AUTH_TYPE", "OIDC")]);
    let option = Overrides { auth_strategy: given("Gss"), ..Overrides::default() };
    assert_eq!(resolve(&option, &env, "").unwrap().name(), "gss");
    assert_eq!(resolve(&Overrides::default(), &env, "auth_type = gss").unwrap().name(), "oidc");
    assert_eq!(resolve(&Overrides::default(), &Env::fixed([]), "auth_type = GSS").unwrap().name(), "gss");
}

#[test]
fn auth_method_unknown_or_missing_is_refused() {
    let none = Overrides::default();
    let (class, text) = refusal(resolve(&none, &Env::fixed([]), "auth_type = telepathy"));
    assert_eq!(class, Exception::CannotAuthenticate);
    assert!(text.contains("telepathy"), "{text}");
    let (class, text) = refusal(resolve(&none, &Env::fixed([]), "auth_type ="));
    assert_eq!(class, Exception::MissingClientParameter);
    assert!(text.contains("auth_type") && text.contains("/etc/rucio.cfg"), "{text}");
}

#[test]
fn auth_user_and_password_may_come_from_different_places() {
    let text = "auth_type = userpass\nusername = kim\npassword = in%file";
    let env = Env::fixed([]);
    let user = Overrides { user: given("lee"), ..Overrides::default() };
    let wanted = AuthMethod::Userpass { username: given("lee"), password: Some("in%file".into()) };
    assert_eq!(resolve(&user, &env, text).unwrap(), wanted);
    let password = Overrides { password: Some("x".into()), ..Overrides::default() };
    let wanted = AuthMethod::Userpass { username: given("kim"), password: Some("x".into()) };
    assert_eq!(resolve(&password, &env, text).unwrap(), wanted);
    let wanted = AuthMethod::Userpass { username: given("lee"), password: None };
    assert_eq!(resolve(&user, &env, "auth_type = userpass").unwrap(), wanted);
}

#[test]
fn auth_certificate_and_key_are_checked() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    for (name, mode) in [("cert", 0o644), ("key", 0o600), ("open", 0o644)] {
        fs::write(path(name), "x").unwrap();
        fs::set_permissions(path(name), PermissionsExt::from_mode(mode)).unwrap();
    }
    let with = |cert: &str, key: &str| {
        let text = format!("auth_type = x509\nclient_cert = {cert}\nclient_key = {key}");
        resolve(&Overrides::default(), &Env::fixed([]), &text)
    };
    let wanted = AuthMethod::X509 { cert: path("cert").into(), key: Some(path("key").into()) };
    assert_eq!(with(&path("cert"), &path("key")).unwrap(), wanted);
    let alone = AuthMethod::X509 { cert: path("cert").into(), key: None };
    assert_eq!(with(&path("cert"), "").unwrap(), alone);
    for (cert, key, class) in [
        (path("none"), path("key"), Exception::MissingClientParameter),
        (path("cert"), path("none"), Exception::MissingClientParameter),
        (path("cert"), path("open"), Exception::CannotAuthenticate),
        (path("."), path("key"), Exception::CannotAuthenticate),
        (String::new(), path("key"), Exception::MissingClientParameter),
    ] {
        assert_eq!(refusal(with(&cert, &key)).0, class, "{cert} {key}");
    }
}

#[test]
fn auth_certificate_of_grid_tools_is_the_last_choice() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    for name in ["cert", "key", "grid", "gridkey"] {
        fs::write(path(name), "x").unwrap();
        fs::set_permissions(path(name), PermissionsExt::from_mode(0o600)).unwrap();
    }
    let env = Env::fixed([("X509_USER_CERT", &path("grid")), ("X509_USER_KEY", &path("gridkey"))]);
    let x509 = |cert: &str, key: Option<&str>| AuthMethod::X509 {
        cert: path(cert).into(),
        key: key.map(|key| path(key).into()),
    };
    for (text, wanted) in [
        (String::new(), x509("grid", Some("gridkey"))),
        (format!("client_key = {}", path("key")), x509("grid", Some("key"))),
        (format!("client_cert = {}", path("cert")), x509("cert", None)),
        ("client_cert = $NOPE".to_owned(), x509("grid", Some("gridkey"))),
    ] {
        let text = format!("auth_type = x509\n{text}");
        assert_eq!(resolve(&Overrides::default(), &env, &text).unwrap(), wanted, "{text}");
    }
}

#[test]
fn auth_path_of_a_variable_that_is_not_set_counts_as_not_set() {
    let dir = tempfile::tempdir().unwrap();
    let proxy = dir.path().join("proxy");
    fs::write(&proxy, "x").unwrap();
    let env = Env::fixed([("X509_USER_PROXY", proxy.to_str().unwrap()), ("EMPTY", "")]);
    for value in ["$NOPE", "${NOPE}", "$EMPTY"] {
        let text = format!("auth_type = x509_proxy\nclient_x509_proxy = {value}");
        let found = resolve(&Overrides::default(), &env, &text).unwrap();
        assert_eq!(found, AuthMethod::X509Proxy { proxy: proxy.clone() }, "{value}");
    }
    let run = |text: &str| resolve(&Overrides::default(), &Env::fixed([]), text).unwrap_err();
    let error = run("auth_type = x509\nclient_cert = $NOPE").to_string();
    assert!(error.contains("'client_cert' in /etc/rucio.cfg is $NOPE, and the variable NOPE is not set"), "{error}");
    let error = run("auth_type = x509\nclient_cert = /a/$NOPE.pem");
    assert_eq!(error.hints()[0], Hint::from("The variable NOPE is not set."));
}

#[test]
fn auth_certificate_at_its_usual_path_is_suggested() {
    let home = tempfile::tempdir().unwrap();
    let env = Env::fixed([("HOME", &home.path().display().to_string())]);
    let hints = || resolve(&Overrides::default(), &env, "auth_type = x509").unwrap_err().hints().to_vec();
    assert_eq!(hints(), [Hint::parameters("Set it", [Parameter::Certificate])]);
    fs::create_dir(home.path().join(".globus")).unwrap();
    fs::write(home.path().join(".globus/usercert.pem"), "x").unwrap();
    let folder = home.path().join(".globus").display().to_string();
    let cert = (Parameter::Certificate, format!("{folder}/usercert.pem"));
    let key = (Parameter::ClientKey, format!("{folder}/userkey.pem"));
    assert_eq!(hints()[1], Hint::values("To use ~/.globus/usercert.pem", [cert, key]));
}

#[test]
fn auth_proxy_is_searched_in_rucios_order() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    for name in ["option", "rucio", "file", "grid"] {
        fs::write(path(name), "x").unwrap();
    }
    let text = format!("auth_type = x509_proxy\nclient_x509_proxy = {}", path("file"));
    let option = Overrides { certificate: Some(path("option")), ..Overrides::default() };
    let none = Overrides::default();
    let both = Env::fixed([("RUCIO_CLIENT_PROXY", &path("rucio")), ("X509_USER_PROXY", &path("grid"))]);
    let grid = Env::fixed([("X509_USER_PROXY", &path("grid"))]);
    for (overrides, env, text, wanted) in [
        (&option, &both, text.as_str(), "option"),
        (&none, &both, &text, "rucio"),
        (&none, &grid, &text, "file"),
        (&none, &grid, "auth_type = x509_proxy", "grid"),
    ] {
        let wanted = AuthMethod::X509Proxy { proxy: path(wanted).into() };
        assert_eq!(resolve(overrides, env, text).unwrap(), wanted);
    }
    let missing = Env::fixed([("X509_USER_PROXY", "/nowhere/proxy")]);
    let (class, text) = refusal(resolve(&none, &missing, "auth_type = x509_proxy"));
    assert_eq!(class, Exception::MissingClientParameter);
    assert!(text.contains("/nowhere/proxy"), "{text}");
}

#[test]
fn auth_proxy_of_another_user_is_detected() {
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(!belongs_to_other_user(file.path()) && !belongs_to_other_user(Path::new("/nowhere/proxy")));
    // Only root can give files away; other users check a file of root.
    let given = std::os::unix::fs::chown(file.path(), Some(65_534), None).is_ok();
    assert!(belongs_to_other_user(if given { file.path() } else { Path::new("/etc/passwd") }));
}

#[test]
fn auth_ssh_key_that_is_missing_is_refused() {
    let run = |text: &str| refusal(resolve(&Overrides::default(), &Env::fixed([]), text)).0;
    assert_eq!(run("auth_type = ssh"), Exception::MissingClientParameter);
    assert_eq!(run("auth_type = ssh\nssh_private_key = /nowhere/id"), Exception::CannotAuthenticate);
}

#[test]
fn auth_ssh_agent_may_have_the_key_of_a_public_file() {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("id");
    let text = format!("auth_type = ssh\nssh_private_key = {}", key.display());
    let run = |env: &Env| resolve(&Overrides::default(), env, &text);
    let with_agent = Env::fixed([("SSH_AUTH_SOCK", "/run/agent")]);
    assert_eq!(refusal(run(&with_agent)).0, Exception::CannotAuthenticate);
    fs::write(dir.path().join("id.pub"), "x").unwrap();
    let wanted = AuthMethod::Ssh { private_key: key.clone(), agent: Some("/run/agent".into()) };
    assert_eq!(run(&with_agent).unwrap(), wanted);
    assert_eq!(refusal(run(&Env::fixed([]))).0, Exception::CannotAuthenticate);
    fs::write(&key, "x").unwrap();
    assert_eq!(run(&Env::fixed([])).unwrap(), AuthMethod::Ssh { private_key: key, agent: None });
}
