//! From nothing to a session by following only what the program prints, and `rucio login --setup` itself.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use anyhow::{Result, ensure};

use super::{LINK, asked_for};
use crate::fixtures::{Answer, Home, Pty, Server, browse};
use crate::support::{Outcome, Testbed, split};

/// Our client without any configuration.
fn newcomer(home: &Home, words: &[&str]) -> Result<Outcome> {
    home.ours().started_by(&["setsid", "--wait"]).args(words).run()
}

/// Runs `rucio whoami`, which must be refused, and starts the command of its hint at a terminal.
fn follow(home: &Home, expected: &str) -> Result<Pty> {
    let refused = newcomer(home, &["whoami"])?;
    ensure!(refused.code == 1 && refused.stdout.is_empty(), "{refused:?}");
    let command = asked_for(&refused.stderr)?;
    ensure!(command == expected, "{refused:?}");
    let words = split(&command)?;
    Pty::ours(home, &[], &words.iter().skip(1).map(String::as_str).collect::<Vec<_>>())
}

/// Answers questions, one after the other.
fn answer(terminal: &mut Pty, answers: &[(&str, &str)]) -> Result<()> {
    for (question, answer) in answers {
        terminal.wait_for(&format!("{question}[^\\n]*: $"))?;
        terminal.type_in(&format!("{answer}\n"))?;
    }
    Ok(())
}

/// The answers for all methods.
fn common(way: &str) -> Result<Vec<(&'static str, String)>> {
    let testbed = Testbed::get()?;
    Ok(vec![
        ("Rucio server", testbed.value("URL")?.to_owned()),
        ("CA certificates of the server", format!("{}/ca.pem", testbed.value("CERTS")?)),
        ("Authentication method", way.to_owned()),
        ("Account", "jdoe".to_owned()),
    ])
}

/// Runs the setup; `own` are the answers for this method.
fn set_up(home: &Home, way: &str, own: &[(&'static str, String)]) -> Result<Pty> {
    let mut terminal = follow(home, "rucio login --setup")?;
    let answers = [common(way)?, own.to_vec()].concat();
    answer(&mut terminal, &answers.iter().map(|(question, text)| (*question, text.as_str())).collect::<Vec<_>>())?;
    Ok(terminal)
}

/// The session works; the configuration is its owner's alone.
fn check(home: &Home, terminal: Pty) -> Result<String> {
    let (code, screen) = terminal.end()?;
    ensure!(code == 0 && screen.contains("You are logged in.") && screen.contains("account    : jdoe"), "{screen}");
    let whoami = newcomer(home, &["whoami"])?;
    ensure!(whoami.code == 0 && whoami.stdout.contains("account    : jdoe"), "{whoami:?}");
    let path = home.path().join(".config/rucio/rucio.cfg");
    ensure!(path.metadata()?.permissions().mode() & 0o777 == 0o600);
    let config = fs::read_to_string(path)?;
    ensure!(!config.contains("secret") && config.contains("\naccount = jdoe\n"), "{config}");
    Ok(config)
}

#[test]
fn setup_by_password() -> Result<()> {
    let home = Home::new()?;
    let mut terminal = set_up(&home, "", &[])?;
    super::type_password(&mut terminal, "secret")?;
    let config = check(&home, terminal)?;
    ensure!(config.contains("auth_type = userpass\nusername = jdoe\n"), "{config}");
    // And when the session is over.
    fs::remove_dir_all(home.token_folder())?;
    let mut terminal = follow(&home, "rucio login")?;
    super::type_password(&mut terminal, "secret")?;
    check(&home, terminal).map(drop)
}

#[test]
fn setup_by_certificate() -> Result<()> {
    let home = Home::new()?;
    let certs = Testbed::get()?.value("CERTS")?;
    let own = [("Certificate", format!("{certs}/jdoe.pem")), ("Private key", format!("{certs}/jdoe.key.pem"))];
    let config = check(&home, set_up(&home, "x509", &own)?)?;
    ensure!(
        config.contains(&format!("client_cert = {certs}/jdoe.pem\nclient_key = {certs}/jdoe.key.pem\n")),
        "{config}"
    );
    Ok(())
}

#[test]
fn setup_in_the_browser() -> Result<()> {
    let home = Home::new()?;
    let mut terminal = Pty::ours(&home, &[], &["login", "--setup", "--advanced"])?;
    let mut answers = common("oidc")?;
    answers.insert(2, ("Authentication server", String::new()));
    answers.push(("Identity provider", "testbed".to_owned()));
    answer(&mut terminal, &answers.iter().map(|(question, text)| (*question, text.as_str())).collect::<Vec<_>>())?;
    browse(&terminal.wait_for(LINK)?, "jdoe")?;
    let config = check(&home, terminal)?;
    ensure!(config.contains("oidc_issuer = testbed\noidc_polling = true\n"), "{config}");
    Ok(())
}

/// From nothing to `whoami` with four answers: server, method, account and password.
#[test]
fn setup_by_password_has_four_prompts() -> Result<()> {
    let home = Home::new()?;
    let certs = Testbed::get()?.value("CERTS")?.to_owned();
    // The CA is found where grid tools keep them.
    let folder = format!("{certs}/ca");
    let mut terminal = Pty::ours(&home, &[("X509_CERT_DIR", &folder)], &["login", "--setup"])?;
    let host = Testbed::get()?.value("URL")?.trim_start_matches("https://").to_owned();
    answer(&mut terminal, &[("Rucio server", &host)])?;
    terminal.wait_for(&format!("Rucio {} at https://", Testbed::get()?.server_version()))?;
    answer(&mut terminal, &[("Authentication method", ""), ("Account", "jdoe")])?;
    super::type_password(&mut terminal, "secret")?;
    let (code, screen) = terminal.end()?;
    ensure!(code == 0 && screen.contains("You are logged in."), "{screen}");
    ensure!(screen.matches(": ").count() >= 4 && !screen.contains("CA certificates"), "{screen}");
    let whoami = home.ours().env("X509_CERT_DIR", &folder).args(["whoami"]).run()?;
    ensure!(whoami.code == 0 && whoami.stdout.contains("account    : jdoe"), "{whoami:?}");
    Ok(())
}

/// The file of a site leaves only the password open.
#[test]
fn setup_by_the_configuration_of_a_site_has_one_prompt() -> Result<()> {
    let testbed = Testbed::get()?;
    let (url, certs) = (testbed.value("URL")?, testbed.value("CERTS")?);
    let text = format!("# Of our site\n[client]\nrucio_host = {url}\nauth_host = {url}\nca_cert = {certs}/ca.pem\n");
    let site = Home::new()?;
    let file = site.path().join("site.cfg");
    fs::write(&file, &text)?;
    let answer = text.clone();
    let server = Server::start(move |_, _| Answer::new(200, "", &answer))?;
    for source in [file.display().to_string(), format!("{}/rucio.cfg", server.url())] {
        let home = Home::new()?;
        let mut terminal = Pty::ours(&home, &[("LOGNAME", "jdoe")], &["login", "--setup", &source])?;
        super::type_password(&mut terminal, "secret")?;
        let (code, screen) = terminal.end()?;
        ensure!(code == 0 && screen.contains("You are logged in."), "{source}: {screen}");
        let config = fs::read_to_string(home.path().join(".config/rucio/rucio.cfg"))?;
        let expected = format!("{text}account = jdoe\nauth_type = userpass\nusername = jdoe\n");
        ensure!(config == expected, "{source}: {config}");
    }
    Ok(())
}

#[test]
fn setup_refuses_what_is_no_configuration_of_a_site() -> Result<()> {
    let home = Home::new()?;
    let page = Server::start(|_, _| Answer::new(200, "", "<!doctype html>\n<html>"))?;
    for (source, text) in [
        (format!("{}/rucio.cfg", page.url()), "is not a configuration"),
        ("http://rucio.example.org/rucio.cfg".to_owned(), "is not protected"),
        ("/nowhere/rucio.cfg".to_owned(), "cannot be read"),
    ] {
        let outcome = newcomer(&home, &["login", "--setup", &source])?;
        ensure!(outcome.code == 1 && outcome.stderr.contains(text), "{outcome:?}");
    }
    ensure!(!home.path().join(".config").exists(), "nothing is written");
    Ok(())
}

#[test]
fn setup_asks_again_for_a_server_that_does_not_answer() -> Result<()> {
    let home = Home::new()?;
    let mut terminal = follow(&home, "rucio login --setup")?;
    answer(&mut terminal, &[("Rucio server", "localhost:1")])?;
    terminal.wait_for("https://localhost:1: Connection refused")?;
    let testbed = Testbed::get()?;
    terminal.wait_for("refused(?s).*Rucio server[^\\n]*: $")?;
    terminal.type_in(&format!("{}\n", testbed.value("URL")?))?;
    // Without CA certificates that verify it, it is no answer.
    answer(&mut terminal, &[("CA certificates of the server", "")])?;
    terminal.wait_for("unknown CA(?s).*unknown CA.*Rucio server[^\\n]*: $")?;
    terminal.type_in("\x03")?;
    let (code, screen) = terminal.end()?;
    ensure!(code == 130 && !home.path().join(".config").exists(), "{screen}");
    Ok(())
}

/// Without a terminal, the command to run next has a placeholder for what is missing.
#[test]
fn setup_reports_a_server_that_cannot_be_verified_with_a_command() -> Result<()> {
    let home = Home::new()?;
    let url = Testbed::get()?.value("URL")?;
    let outcome = newcomer(&home, &["-H", url, "-S", "userpass", "login", "--setup"])?;
    let command = format!("Then run `rucio -H {url} -S userpass --ca-certificate PATH login --setup`.");
    ensure!(outcome.code == 1 && outcome.stderr.contains(&command), "{outcome:?}");
    ensure!(!home.path().join(".config").exists());
    Ok(())
}

/// The options that answer all questions.
fn options(testbed: &Testbed) -> Result<Vec<String>> {
    let (url, ca) = (testbed.value("URL")?, format!("{}/ca.pem", testbed.value("CERTS")?));
    let words = ["-H", url, "--ca-certificate", &ca, "-a", "jdoe", "-S", "userpass", "--user", "jdoe"];
    Ok(words.map(str::to_owned).to_vec())
}

fn by_options(home: &Home, more: &[&str]) -> Result<Outcome> {
    let given = options(Testbed::get()?)?;
    let words: Vec<_> = given.iter().map(String::as_str).chain(more.iter().copied()).collect();
    newcomer(home, &words)
}

#[test]
fn setup_takes_all_answers_from_options() -> Result<()> {
    let home = Home::new()?;
    let xdg = home.path().join("xdg");
    let path = xdg.join("rucio/rucio.cfg");
    let mut given = options(Testbed::get()?)?;
    // What is relative here would be so elsewhere, too.
    let certs = Testbed::get()?.value("CERTS")?;
    given[3] = "ca.pem".to_owned();
    let client = home.ours().started_by(&["setsid", "--wait"]).folder(certs.as_ref());
    let client = client.env("XDG_CONFIG_HOME", &xdg.to_string_lossy()).args(given);
    let outcome = client.args(["--password", "secret", "login", "--setup"]).run()?;
    ensure!(outcome.code == 0 && outcome.stderr.is_empty(), "{outcome:?}");
    let first = format!("Configuration written to {}.\nYou are logged in.", path.display());
    let connected = format!("Connected to Rucio {} at https://", Testbed::get()?.server_version());
    ensure!(outcome.stdout.starts_with(&connected) && outcome.stdout.contains(&first), "{outcome:?}");
    let config = fs::read_to_string(path)?;
    ensure!(!config.contains("password =") && config.contains(&format!("ca_cert = {certs}/ca.pem\n")), "{config}");
    Ok(())
}

/// `%` starts a reference to another option in both clients; the official one refuses a file with a single one.
#[test]
fn setup_writes_percent_signs_that_both_clients_read_back() -> Result<()> {
    let home = Home::new()?;
    let folder = home.path().join("100%(account)s%");
    fs::create_dir(&folder)?;
    let ca = folder.join("ca.pem");
    fs::copy(format!("{}/ca.pem", Testbed::get()?.value("CERTS")?), &ca)?;
    let path = home.path().join("own.cfg");
    let words = ["--config", &path.to_string_lossy(), "--ca-certificate", &ca.to_string_lossy()];
    let outcome = by_options(&home, &[&words[..], &["--password", "secret", "login", "--setup"]].concat())?;
    ensure!(outcome.code == 0, "{outcome:?}");
    let config = fs::read_to_string(&path)?;
    ensure!(config.contains("/100%%(account)s%%/ca.pem\n"), "{config}");
    for client in [home.ours(), home.official()?] {
        let client = client.env("RUCIO_CONFIG", &path.to_string_lossy());
        let outcome = client.args(["--user", "jdoe", "--password", "secret", "whoami"]).run()?;
        ensure!(outcome.code == 0 && outcome.stdout.contains("account    : jdoe"), "{outcome:?}");
    }
    Ok(())
}

#[test]
fn setup_does_not_overwrite_a_configuration() -> Result<()> {
    let home = Home::new()?;
    let path = home.path().join("own.cfg").to_string_lossy().into_owned();
    let words = ["--config", &path, "--password", "secret", "login", "--setup"];
    let outcome = by_options(&home, &words)?;
    ensure!(outcome.code == 0, "{outcome:?}");
    ensure!(outcome.stdout.contains(&format!("the same options: `rucio --config {path} whoami`")), "{outcome:?}");
    fs::write(&path, "mine")?;
    let outcome = by_options(&home, &words)?;
    ensure!(outcome.code == 1 && outcome.stderr.contains("There is a configuration already"), "{outcome:?}");
    ensure!(outcome.stderr.contains("--force") && fs::read_to_string(&path)? == "mine", "{outcome:?}");
    let outcome = by_options(&home, &[&words[..], &["--force"]].concat())?;
    ensure!(outcome.code == 0 && fs::read_to_string(&path)?.contains("rucio_host"), "{outcome:?}");
    // One at another default path would be found first.
    let elsewhere = home.path().join("etc");
    fs::create_dir(&elsewhere)?;
    fs::rename(&path, elsewhere.join("rucio.cfg"))?;
    let client = home.ours().env("RUCIO_HOME", &home.path().to_string_lossy()).args(["login", "--setup"]).run()?;
    ensure!(client.code == 1);
    ensure!(client.stderr.contains("etc/rucio.cfg."));
    ensure!(asked_for(&client.stderr)? == "rucio login");
    Ok(())
}

#[test]
fn setup_refuses_a_server_that_is_not_rucio() -> Result<()> {
    let home = Home::new()?;
    let testbed = Testbed::get()?;
    for (host, texts) in [
        ("https://localhost:1", "Cannot connect to the Rucio server"),
        ("ftp://localhost", "https://"),
        (testbed.value("OIDC")?, "Details: "),
    ] {
        let outcome = by_options(&home, &["-H", host, "--auth-host", host, "login", "--setup"])?;
        ensure!(outcome.code == 1 && outcome.stderr.contains(texts), "{host}: {outcome:?}");
    }
    let outcome = newcomer(&home, &["-H", testbed.value("URL")?, "-S", "userpass", "login", "--setup"])?;
    ensure!(outcome.code == 1 && outcome.stderr.contains("--ca-certificate"), "no authority: {outcome:?}");
    let outcome = newcomer(&home, &["login", "--setup"])?;
    ensure!(outcome.code == 1 && outcome.stderr.contains("-H is not given, and there is no terminal"), "{outcome:?}");
    ensure!(!home.path().join(".config").exists());
    Ok(())
}

#[test]
fn setup_asks_again_for_an_unknown_method_and_ends_at_ctrl_c() -> Result<()> {
    let home = Home::new()?;
    let mut terminal = follow(&home, "rucio login --setup")?;
    let answers = common("telepathy")?;
    let answers: Vec<_> = answers[..3].iter().map(|(question, text)| (*question, text.as_str())).collect();
    answer(&mut terminal, &answers)?;
    terminal.wait_for("Unknown method 'telepathy'")?;
    terminal.wait_for("(?s)telepathy.*Authentication method[^\\n]*: $")?;
    terminal.type_in("\x03")?;
    let (code, screen) = terminal.end()?;
    ensure!(code == 130 && !home.path().join(".config").exists(), "{screen}");
    Ok(())
}
