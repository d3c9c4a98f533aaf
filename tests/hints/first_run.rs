//! The first-run table: every case in which a first `whoami` fails, and the way from its message to a working one.
//! `sessions::commands::setup` has the case without a configuration.

use std::fs;

use anyhow::{Result, ensure};

use super::{at_terminal, commands, typed, without_account};
use crate::fixtures::{Home, Pty};
use crate::support::{Outcome, Testbed};

/// The command at the end works.
fn works(home: &Home, config: &str, command: &str) -> Result<()> {
    let outcome = typed(home, config, command)?;
    ensure!(outcome.code == 0 && outcome.stdout.contains("account    : jdoe"), "{command}: {outcome:?}");
    Ok(())
}

#[test]
fn first_run_with_a_mistyped_password() -> Result<()> {
    let home = Home::new()?;
    let config = home.testbed_config("auth_type = userpass\nusername = jdoe")?;
    let mut terminal = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], &["whoami"])?;
    for (password, answer) in [("secrte", "refuses this login"), ("sceret", "refuses(?s).*refuses this login")] {
        terminal.type_secret("Password of jdoe: $", &format!("{password}\n"))?;
        terminal.wait_for(answer)?;
    }
    terminal.type_secret("Password of jdoe: $", "secret\n")?;
    let (code, screen) = terminal.end()?;
    ensure!(code == 0 && screen.contains("account    : jdoe"), "{screen}");
    Ok(())
}

#[test]
fn first_run_with_three_wrong_passwords_ends() -> Result<()> {
    let home = Home::new()?;
    let config = home.testbed_config("auth_type = userpass\nusername = jdoe")?;
    let mut terminal = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], &["whoami"])?;
    for number in 1..=3 {
        terminal.type_secret(&format!("(?s)(Password of jdoe.*){{{number}}}: $"), "wrong\n")?;
    }
    let (code, screen) = terminal.end()?;
    ensure!(code == 1 && screen.matches("Password of jdoe: ").count() == 3, "{screen}");
    ensure!(commands(&screen)?.contains(&"rucio login".to_owned()), "{screen}");
    Ok(())
}

#[test]
fn first_run_with_a_wrong_password_in_the_configuration() -> Result<()> {
    let home = Home::new()?;
    let config = home.testbed_config("auth_type = userpass\nusername = jdoe\npassword = guess")?;
    let refused = home.ours().env("RUCIO_CONFIG", &config).args(["whoami"]).run()?;
    let hints = commands(&refused.stderr)?;
    ensure!(refused.code == 1 && hints == ["rucio doctor"], "{refused:?}");
    let doctor = typed(&home, &config, &hints[0])?;
    ensure!(doctor.stdout.contains("the password of jdoe is wrong"), "{doctor:?}");
    // At a terminal the command itself finds out.
    let (code, screen) = at_terminal(&home, &config, &["whoami"])?;
    ensure!(code == 1 && screen.contains("The password of jdoe is wrong."), "{screen}");
    Ok(())
}

#[test]
fn first_run_with_an_expired_proxy() -> Result<()> {
    let home = Home::new()?;
    let config = home.testbed_config("auth_type = x509_proxy")?;
    let proxy = home.copy("jdoe.expired-proxy.pem", 0o600)?;
    let path = proxy.display().to_string();
    let words = ["--certificate", &path, "whoami"];
    let refused = home.ours().env("RUCIO_CONFIG", &config).args(words).run()?;
    let hints = commands(&refused.stderr)?;
    let expected = [format!("voms-proxy-init -out {path}"), format!("rucio --certificate {path} login")];
    ensure!(refused.code == 1 && hints == expected, "{refused:?}");
    // What voms-proxy-init would do.
    fs::copy(Home::certificate("jdoe.proxy.pem")?, &proxy)?;
    works(&home, &config, &hints[1])
}

#[test]
fn first_run_without_a_proxy() -> Result<()> {
    let home = Home::new()?;
    let proxy = home.path().join("x509up");
    let path = proxy.display().to_string();
    let config = home.testbed_config(&format!("auth_type = x509_proxy\nclient_x509_proxy = {path}"))?;
    let refused = home.ours().env("RUCIO_CONFIG", &config).args(["whoami"]).run()?;
    let hints = commands(&refused.stderr)?;
    ensure!(hints == [format!("voms-proxy-init -out {path}"), "rucio login".to_owned()], "{refused:?}");
    fs::copy(home.copy("jdoe.proxy.pem", 0o600)?, &proxy)?;
    works(&home, &config, &hints[1])
}

/// Only an administrator can map the identity, which the hint names.
#[test]
fn first_run_with_the_certificate_of_a_stranger() -> Result<()> {
    let home = Home::new()?;
    let config = home.testbed_config("auth_type = x509")?;
    let refused = run_with_certificate(&home, &config, "stranger.pem", "stranger.key.pem")?;
    let expected = "rucio account identity add --type X509 --id 'CN=Nobody Known,O=Testbed' --email EMAIL jdoe";
    ensure!(refused.code == 1 && commands(&refused.stderr)? == [expected], "{refused:?}");
    Ok(())
}

/// The values that are wrong are not repeated: there are placeholders for them.
#[test]
fn first_run_with_the_key_of_another_certificate() -> Result<()> {
    let home = Home::new()?;
    let config = home.testbed_config("auth_type = x509")?;
    let refused = run_with_certificate(&home, &config, "jdoe.pem", "stranger.key.pem")?;
    let hints = commands(&refused.stderr)?;
    ensure!(refused.code == 1 && hints == ["rucio --certificate FILE --client-key FILE login"], "{refused:?}");
    let file = |name: &str| Ok::<_, anyhow::Error>(Home::certificate(name)?.display().to_string());
    let filled_in = hints[0].replacen("FILE", &file("jdoe.pem")?, 1).replacen("FILE", &file("jdoe.key.pem")?, 1);
    works(&home, &config, &filled_in)
}

fn run_with_certificate(home: &Home, config: &str, certificate: &str, key: &str) -> Result<Outcome> {
    let [certificate, key] =
        [certificate, key].map(|name| Home::certificate(name).map(|path| path.display().to_string()));
    let (certificate, key) = (certificate?, key?);
    let words = ["--certificate", &certificate, "--client-key", &key, "whoami"];
    home.ours().env("RUCIO_CONFIG", config).args(words).run()
}

#[test]
fn first_run_with_an_unknown_account() -> Result<()> {
    let home = Home::new()?;
    let config = without_account(&home)?;
    for account in ["nosuch", "root"] {
        let (code, screen) = at_terminal(&home, &config, &["--account", account, "whoami"])?;
        let reason = match account {
            "nosuch" => "There is no account nosuch; jdoe belongs to jdoe.",
            _ => "Jdoe may not act as account root; it belongs to jdoe.",
        };
        ensure!(code == 1 && screen.to_lowercase().contains(&reason.to_lowercase()), "{screen}");
        let hints = commands(&screen)?;
        let own: Vec<_> = hints.iter().filter(|command| command.ends_with(" whoami")).collect();
        ensure!(own == ["rucio --account jdoe whoami"], "{screen}");
        works(&home, &config, own[0])?;
        // In a pipe no more requests are made; doctor makes them.
        let refused = home.ours().env("RUCIO_CONFIG", &config).args(["--account", account, "whoami"]).run()?;
        let hints = commands(&refused.stderr)?;
        ensure!(hints == [format!("rucio --account {account} doctor")], "{refused:?}");
        ensure!(typed(&home, &config, &hints[0])?.stdout.contains("belongs to jdoe"), "{refused:?}");
    }
    Ok(())
}

#[test]
fn first_run_with_a_server_that_is_down() -> Result<()> {
    let home = Home::new()?;
    let config = without_account(&home)?;
    let words = ["-H", "https://localhost:1", "--auth-host", "https://localhost:1", "whoami"];
    let refused = home.ours().env("RUCIO_CONFIG", &config).args(words).run()?;
    ensure!(refused.code == 1 && refused.stderr.contains("Or the server is down."), "{refused:?}");
    let hints = commands(&refused.stderr)?;
    ensure!(hints == ["rucio -H https://localhost:1 --auth-host https://localhost:1 doctor"], "{refused:?}");
    let doctor = typed(&home, &config, &hints[0])?;
    ensure!(doctor.code == 1 && doctor.stdout.contains("Connection refused"), "{doctor:?}");
    Ok(())
}

#[test]
fn first_run_with_http_in_place_of_https() -> Result<()> {
    let home = Home::new()?;
    let config = without_account(&home)?;
    let host = Testbed::get()?.value("URL")?.replacen("https:", "http:", 1);
    for command in ["whoami", "ping"] {
        let refused =
            home.ours().env("RUCIO_CONFIG", &config).args(["-H", &host, "--auth-host", &host, command]).run()?;
        let advice = format!("The server expects TLS: write {}", Testbed::get()?.value("URL")?);
        ensure!(refused.code == 1 && refused.stderr.contains(&advice), "{command}: {refused:?}");
    }
    Ok(())
}
