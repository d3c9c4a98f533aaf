//! Credentials given for a call: they are used, also while there is a session of another identity, which stays.

use std::fs;

use anyhow::{Context, Result, ensure};

use super::check;
use crate::fixtures::{AccessLog, Home};
use crate::support::{Outcome, Testbed, unique};

/// A home with the session of jdoe, by a configuration without an account.
struct Session {
    home: Home,
    config: String,
}

impl Session {
    fn of_jdoe(lines: &str) -> Result<Self> {
        let home = Home::new()?;
        let testbed = Testbed::get()?;
        let (url, certs) = (testbed.value("URL")?, testbed.value("CERTS")?);
        let hosts = format!("rucio_host = {url}\nauth_host = {url}\nca_cert = {certs}/ca.pem");
        let config = home.config(&format!("{hosts}\n{lines}"))?;
        let session = Self { home, config };
        ensure!(session.run(&["whoami"])?.stdout.contains("account    : jdoe"));
        Ok(session)
    }

    fn by_password() -> Result<Self> {
        Self::of_jdoe("auth_type = userpass\nusername = jdoe\npassword = secret")
    }

    /// Runs our client.
    fn run(&self, words: &[&str]) -> Result<Outcome> {
        self.home.ours().env("RUCIO_CONFIG", &self.config).args(words).run()
    }

    /// Runs `whoami`: it must be that of this account, after this number of logins.
    fn is(&self, options: &[&str], account: &str, logins: usize) -> Result<()> {
        let agent = unique("explicit");
        let outcome = self.run(&[&["--user-agent", &agent], options, &["whoami"]].concat())?;
        ensure!(outcome.code == 0 && outcome.stdout.contains(&format!("account    : {account}\n")), "{outcome:?}");
        let lines = AccessLog::of("apache")?.of_agent(&agent, &format!("GET /accounts/{account}"))?;
        let number = lines.iter().filter(|line| line.is_login()).count();
        ensure!(number == logins, "{options:?}: {lines:?}");
        Ok(())
    }

    /// Runs `whoami`: it must fail for this reason.
    fn fails(&self, options: &[&str], reason: &str) -> Result<()> {
        let outcome = self.run(&[options, &["whoami"]].concat())?;
        ensure!(outcome.code == 1 && outcome.stdout.is_empty(), "{options:?}: {outcome:?}");
        ensure!(outcome.stderr.contains(reason), "{options:?}: {outcome:?}");
        Ok(())
    }
}

#[test]
fn given_user_has_a_session_beside_that_of_the_configured_one() -> Result<()> {
    let session = Session::by_password()?;
    let saved = default_token(&session.home)?;
    session.is(&["--user", "alice", "--password", "secret"], "alice", 1)?;
    // The password need not be given again.
    session.is(&["--user", "alice"], "alice", 0)?;
    session.is(&[], "jdoe", 0)?;
    ensure!(default_token(&session.home)? == saved, "the session of jdoe is not replaced");
    Ok(())
}

/// Returns the token of the session that is used without options: its file has the shortest name.
fn default_token(home: &Home) -> Result<Vec<u8>> {
    let entries = fs::read_dir(home.token_folder())?.collect::<std::io::Result<Vec<_>>>()?;
    let files = entries.iter().map(|entry| entry.path());
    let tokens = files.filter(|path| path.to_string_lossy().contains("auth_token_"));
    Ok(fs::read(tokens.min_by_key(|path| path.as_os_str().len()).context("no token")?)?)
}

#[test]
fn given_password_is_verified_by_a_login() -> Result<()> {
    let session = Session::by_password()?;
    session.fails(&["--user", "jdoe", "--password", "nonsense"], "Cannot authenticate")?;
    session.fails(&["--password", "nonsense"], "Cannot authenticate")?;
    // What the configuration says is nothing new.
    session.is(&["--user", "jdoe", "--password", "secret"], "jdoe", 0)?;
    session.is(&["--user", "jdoe"], "jdoe", 0)
}

#[test]
fn given_certificate_is_used_and_not_the_session_of_another_one() -> Result<()> {
    let file = |name: &str| Ok::<_, anyhow::Error>(Home::certificate(name)?.display().to_string());
    let (own, key) = (file("jdoe.pem")?, file("jdoe.key.pem")?);
    let lines = format!("auth_type = x509\nclient_cert = {own}\nclient_key = {key}\naccount = jdoe");
    let session = Session::of_jdoe(&lines)?;
    session.is(&[], "jdoe", 0)?;
    let (other, other_key) = (file("stranger.pem")?, file("stranger.key.pem")?);
    session.fails(&["--certificate", &other, "--client-key", &other_key], "Cannot authenticate")?;
    let (expired, expired_key) = (file("jdoe.expired.pem")?, file("jdoe.expired.key.pem")?);
    session.fails(&["--certificate", &expired, "--client-key", &expired_key], "jdoe.expired.pem expired on")?;
    // Another file of the same identity.
    let copy = session.home.copy("jdoe.pem", 0o600)?.display().to_string();
    session.is(&["--certificate", &copy], "jdoe", 0)
}

/// `RUCIO_CLIENT_CERT` overrides the configuration as the option does.
#[test]
fn certificate_of_a_variable_is_used_like_that_of_an_option() -> Result<()> {
    let home = Home::new()?;
    let [own, key, other, other_key] = ["jdoe.pem", "jdoe.key.pem", "stranger.pem", "stranger.key.pem"]
        .map(|name| Home::certificate(name).map(|path| path.display().to_string()).unwrap_or_default());
    let config = home.testbed_config(&format!("auth_type = x509\nclient_cert = {own}\nclient_key = {key}"))?;
    let whoami = || home.ours().env("RUCIO_CONFIG", &config).args(["whoami"]);
    check(&whoami().run()?)?;
    let refused = whoami().env("RUCIO_CLIENT_CERT", &other).env("RUCIO_CLIENT_KEY", &other_key).run()?;
    ensure!(refused.code == 1 && refused.stdout.is_empty(), "{refused:?}");
    check(&whoami().env("RUCIO_CLIENT_CERT", &own).env("RUCIO_CLIENT_KEY", &key).run()?)?;
    check(&whoami().run()?)
}

/// Whose token the official client has saved is not recorded.
#[test]
fn given_user_does_not_use_a_token_of_the_official_client() -> Result<()> {
    let home = Home::new()?;
    let client = |official: bool| -> Result<_> {
        if official { home.official()?.config("userpass") } else { home.ours().config("userpass") }
    };
    check(&client(true)?.args(["whoami"]).run()?)?;
    let token = home.token()?;
    let refused = client(false)?.args(["--user", "alice", "--password", "secret", "whoami"]).run()?;
    ensure!(refused.code == 1 && refused.stdout.is_empty(), "alice may not act as jdoe: {refused:?}");
    check(&client(false)?.args(["whoami"]).run()?)?;
    ensure!(home.token()? == token, "the official client's token is not replaced");
    Ok(())
}

#[test]
fn login_of_another_user_says_how_its_session_is_used() -> Result<()> {
    let session = Session::by_password()?;
    let outcome = session.run(&["--user", "alice", "--password", "secret", "login"])?;
    ensure!(outcome.code == 0 && outcome.stdout.starts_with("You are logged in.\n"), "{outcome:?}");
    let next = "To use this session, give other commands the same options: `rucio --user alice whoami`";
    ensure!(outcome.stdout.contains(next), "{outcome:?}");
    session.is(&["--user", "alice"], "alice", 0)?;
    session.is(&[], "jdoe", 0)
}

#[test]
fn doctor_logs_in_with_given_credentials() -> Result<()> {
    let session = Session::by_password()?;
    let outcome = session.run(&["--password", "nonsense", "doctor"])?;
    ensure!(outcome.code == 1 && outcome.stdout.contains("the password of jdoe is wrong"), "{outcome:?}");
    ensure!(outcome.stdout.contains("not obtained with the given credentials"), "{outcome:?}");
    Ok(())
}
