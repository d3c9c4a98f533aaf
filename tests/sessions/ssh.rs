//! Logins with an SSH key: every form of the file, the agent, and the messages for failures. Everything is
//! real: the server, the keys of ssh-keygen and openssl, the agent.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::symm::Cipher;

use super::{check, refused};
use crate::fixtures::{AccessLog, Answer, Home, Line, Pty, Server, WHOAMI, wait_for};
use crate::support::{Outcome, Rucio, unique};

const LOGIN: [(&str, u16); 2] = [("GET /auth/ssh_challenge_token", 200), ("GET /auth/ssh", 200)];

/// Runs a program that must succeed.
fn run(program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Result<()> {
    let mut command = Command::new(program);
    let output = command.args(arguments).envs(variables.iter().copied()).stdin(Stdio::null()).output()?;
    ensure!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Writes a key only its owner may read.
fn write(home: &Home, name: &str, content: impl AsRef<[u8]>) -> Result<PathBuf> {
    let path = home.path().join(name);
    fs::write(&path, content)?;
    fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    Ok(path)
}

fn rsa() -> Result<Rsa<openssl::pkey::Private>> {
    Ok(Rsa::private_key_from_pem(&fs::read(Home::certificate("id_rsa")?)?)?)
}

/// jdoe's key in OpenSSH's own form, encrypted by this cipher with this pass phrase, or not at all.
fn openssh(home: &Home, name: &str, cipher: &str, phrase: &str) -> Result<PathBuf> {
    let path = home.copy("id_rsa", 0o600)?;
    let key = home.path().join(name);
    fs::rename(path, &key)?;
    run("ssh-keygen", &["-q", "-p", "-P", "", "-N", phrase, "-Z", cipher, "-f", &text(&key)], &[])?;
    ensure!(fs::read_to_string(&key)?.contains("BEGIN OPENSSH PRIVATE KEY"), "ssh-keygen writes its own form");
    Ok(key)
}

/// A new key of this kind, which is not an identity.
fn new_key(home: &Home, name: &str, kind: &str, phrase: &str) -> Result<PathBuf> {
    let key = home.path().join(name);
    run("ssh-keygen", &["-q", "-t", kind, "-N", phrase, "-C", "test", "-f", &text(&key)], &[])?;
    Ok(key)
}

/// Puts the public half beside a key.
fn public_half(key: &Path) -> Result<()> {
    fs::copy(Home::certificate("id_rsa.pub")?, key.with_extension("pub"))?;
    Ok(())
}

fn config(home: &Home, key: &Path) -> Result<String> {
    home.testbed_config(&format!("auth_type = ssh\nssh_private_key = {}", key.display()))
}

fn whoami(home: &Home, key: &Path, variables: &[(&str, &str)]) -> Result<Outcome> {
    let ours = home.ours().env("RUCIO_CONFIG", &config(home, key)?);
    variables.iter().fold(ours, |ours, (name, value)| ours.env(name, value)).args(["whoami"]).run()
}

/// A real agent on a socket of its own.
struct Agent {
    child: Child,
    socket: String,
}

impl Agent {
    /// `confirm` is the program that is asked whether a key may be used.
    fn start(home: &Home, confirm: &str) -> Result<Self> {
        let socket = text(&home.path().join("agent"));
        let mut command = Command::new("ssh-agent");
        command.args(["-D", "-a", &socket]).env("SSH_ASKPASS", confirm).env("SSH_ASKPASS_REQUIRE", "force");
        let agent = Self { child: command.stdout(Stdio::null()).spawn().context("starting ssh-agent")?, socket };
        wait_for("the agent", || Ok(Path::new(&agent.socket).exists().then_some(())))?;
        Ok(agent)
    }

    /// Adds a key, decrypted with the pass phrase `secret`.
    fn add(&self, home: &Home, key: &Path, options: &[&str]) -> Result<()> {
        let phrase = write(home, "askpass", "#!/bin/sh\necho secret\n")?;
        fs::set_permissions(&phrase, Permissions::from_mode(0o700))?;
        let variables = [
            ("SSH_AUTH_SOCK", self.socket.as_str()),
            ("SSH_ASKPASS", &text(&phrase)),
            ("SSH_ASKPASS_REQUIRE", "force"),
        ];
        run("ssh-add", &[options, &["-q", &text(key)]].concat(), &variables)
    }

    fn variable(&self) -> [(&str, &str); 1] {
        [("SSH_AUTH_SOCK", &self.socket)]
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn ssh_login_and_then_from_the_cache() -> Result<()> {
    let (home, agent) = (Home::new()?, unique("ssh"));
    let run = || -> Result<Vec<Line>> {
        check(&home.ours().config("ssh")?.args(["--user-agent", &agent, "whoami"]).run()?)?;
        let log = AccessLog::of("apache")?;
        wait_for("whoami", || Ok(log.of_agent(&agent, WHOAMI[1].0)?.last().map(|line| line.seen() == WHOAMI[1])))?;
        log.of_agent(&agent, WHOAMI[1].0)
    };
    let lines = run()?;
    let seen: Vec<_> = lines.iter().map(Line::seen).collect();
    ensure!(seen == [LOGIN, WHOAMI].concat(), "{seen:?}");
    let token = home.token()?;
    ensure!(token.starts_with("jdoe-ssh:pubkey-") && lines[2].token == token, "{token}");
    check(&home.ours().config("ssh")?.args(["--user-agent", &format!("{agent}-again"), "whoami"]).run()?)?;
    let lines = AccessLog::of("apache")?.of_agent(&format!("{agent}-again"), WHOAMI[1].0)?;
    let seen: Vec<_> = lines.iter().map(Line::seen).collect();
    ensure!(seen == WHOAMI && home.token()? == token, "no login: {seen:?}");
    Ok(())
}

#[test]
fn ssh_token_is_shared_with_the_official_client() -> Result<()> {
    let (ours, theirs) = (Home::new()?, Home::new()?);
    check(&ours.ours().config("ssh")?.args(["whoami"]).run()?)?;
    let official = |home: &Home| home.official()?.config("ssh")?.args(["whoami"]).run();
    ensure!(official(&theirs)?.code == 0);
    let (token_of_ours, token_of_theirs) = (ours.token()?, theirs.token()?);
    // Each uses the other's token.
    let outcome = official(&ours)?;
    ensure!(outcome.code == 0 && outcome.stdout.contains("account    : jdoe"), "{outcome:?}");
    check(&theirs.ours().config("ssh")?.args(["whoami"]).run()?)?;
    ensure!(ours.token()? == token_of_ours && theirs.token()? == token_of_theirs, "one of them logged in again");
    Ok(())
}

#[test]
fn ssh_key_of_every_form_works() -> Result<()> {
    let home = Home::new()?;
    let (rsa, own) = (rsa()?, fs::read_to_string(openssh(&home, "own", "aes256-ctr", "")?)?);
    let body: String = own.lines().filter(|line| !line.starts_with('-')).collect();
    let lines: Vec<_> = body.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    let armour =
        |body: &str| format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n-----END OPENSSH PRIVATE KEY-----\n");
    for (name, content) in [
        ("pkcs1", rsa.private_key_to_pem()?),
        ("pkcs8", PKey::from_rsa(rsa)?.private_key_to_pem_pkcs8()?),
        ("openssh", own.clone().into()),
        // As other programs than ssh-keygen write it, and with Windows line ends.
        ("narrow", armour(&lines.join("\n")).into()),
        ("windows", own.replace('\n', "\r\n").into()),
    ] {
        let (home, key) = (Home::new()?, write(&home, name, content)?);
        check(&whoami(&home, &key, &[])?).with_context(|| name)?;
    }
    Ok(())
}

/// jdoe's key in every encrypted form, each in the home given.
fn encrypted(home: &Home) -> Result<Vec<PathBuf>> {
    let (rsa, cipher) = (rsa()?, Cipher::aes_256_cbc());
    let mut keys = vec![write(home, "pkcs1", rsa.private_key_to_pem_passphrase(cipher, b"secret")?)?];
    keys.push(write(home, "pkcs8", PKey::from_rsa(rsa)?.private_key_to_pem_pkcs8_passphrase(cipher, b"secret")?)?);
    for cipher in ["aes256-ctr", "aes256-cbc", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"] {
        keys.push(openssh(home, cipher, cipher, "secret")?);
    }
    Ok(keys)
}

/// Answers the question for the pass phrase.
fn answer(home: &Home, key: &Path, phrase: &str) -> Result<(i32, String)> {
    let config = config(home, key)?;
    let mut terminal = Pty::ours(home, &[("RUCIO_CONFIG", &config)], &["-v", "whoami"])?;
    terminal.type_secret(&format!("Pass phrase for {}: ", key.display()), &format!("{phrase}\n"))?;
    terminal.end()
}

#[test]
fn ssh_key_of_every_encrypted_form_opens_with_what_is_typed() -> Result<()> {
    let keys = Home::new()?;
    for key in encrypted(&keys)? {
        let home = Home::new()?;
        let (code, screen) = answer(&home, &key, "secret")?;
        ensure!(code == 0 && screen.contains("account    : jdoe"), "{}: {screen}", key.display());
        ensure!(!screen.contains("secret") && !screen.contains(&home.token()?), "{screen}");
        // The next command needs neither key nor pass phrase.
        check(&whoami(&home, &key, &[])?)?;
    }
    Ok(())
}

#[test]
fn ssh_key_reports_a_wrong_pass_phrase() -> Result<()> {
    let keys = Home::new()?;
    for key in encrypted(&keys)? {
        let (code, screen) = answer(&Home::new()?, &key, "guess")?;
        let place = key.display();
        ensure!(code == 1 && screen.contains(&format!("does not open the SSH private key {place}")), "{screen}");
        ensure!(screen.contains(&format!("ssh-keygen -y -f {place}")) && !screen.contains("guess"), "{screen}");
    }
    Ok(())
}

#[test]
fn ssh_key_prompt_ends_at_ctrl_c() -> Result<()> {
    let home = Home::new()?;
    let config = config(&home, &openssh(&home, "locked", "aes256-ctr", "secret")?)?;
    let mut terminal = Pty::ours(&home, &[("RUCIO_CONFIG", &config)], &["whoami"])?;
    terminal.type_secret("Pass phrase for .*: ", "\x03")?;
    let (code, screen) = terminal.end()?;
    ensure!(code == 130, "{code}: {screen}");
    Ok(())
}

/// In a session of its own there is no terminal, even if the tests run on one.
fn alone(home: &Home, key: &Path, variables: &[(&str, &str)]) -> Result<Outcome> {
    let alone = home.ours().started_by(&["setsid", "--wait"]).env("RUCIO_CONFIG", &config(home, key)?);
    let alone = variables.iter().fold(alone, |alone, (name, value)| alone.env(name, value));
    alone.args(["-v", "whoami"]).run()
}

/// Following the hint is sufficient.
#[test]
fn ssh_key_without_a_terminal_names_the_agent() -> Result<()> {
    let home = Home::new()?;
    let agent = Agent::start(&home, "/bin/false")?;
    for key in encrypted(&home)? {
        let (place, public) = (text(&key), key.with_extension("pub"));
        // ssh-keygen, which wrote the OpenSSH ones, did not write it.
        ensure!(!public.exists());
        let own = fs::read_to_string(&key)?.contains("OPENSSH");
        let derive = format!("`ssh-keygen -y -f {place} > {place}.pub`");
        let outcome = alone(&Home::new()?, &key, &agent.variable())?;
        refused(&outcome, &["is encrypted", "there is no terminal", &format!("`ssh-add {place}`"), "$(ssh-agent)"])?;
        ensure!(outcome.stderr.contains(&derive) != own, "only if the file does not contain it: {outcome:?}");
        if !own {
            run("sh", &["-c", &format!("ssh-keygen -y -P secret -f {place} > {place}.pub")], &[])?;
        }
        agent.add(&home, &key, &[])?;
        let outcome = alone(&Home::new()?, &key, &agent.variable())?;
        ensure!(outcome.code == 0 && outcome.stdout.contains("account    : jdoe"), "{outcome:?}");
        run("ssh-add", &["-q", "-D"], &agent.variable())?;
        let _ = fs::remove_file(&public);
    }
    Ok(())
}

#[test]
fn ssh_agent_signs_with_a_key_unlocked_only_there() -> Result<()> {
    let keys = Home::new()?;
    let agent = Agent::start(&keys, "/bin/false")?;
    for key in encrypted(&keys)? {
        // OpenSSH's own format contains the public key; the others need it in a file beside them.
        public_half(&key)?;
        agent.add(&keys, &key, &[])?;
        let (home, client) = (Home::new()?, unique("ssh-agent"));
        let config = config(&home, &key)?;
        let ours = home.ours().env("RUCIO_CONFIG", &config).env("SSH_AUTH_SOCK", &agent.socket);
        check(&ours.args(["--user-agent", &client, "whoami"]).run()?).with_context(|| text(&key))?;
        let lines = AccessLog::of("apache")?.of_agent(&client, WHOAMI[1].0)?;
        let seen: Vec<_> = lines.iter().map(Line::seen).collect();
        ensure!(seen == [LOGIN, WHOAMI].concat(), "{seen:?}");
        run("ssh-add", &["-q", "-D"], &agent.variable())?;
    }
    Ok(())
}

#[test]
fn ssh_agent_is_enough_where_the_key_is_elsewhere() -> Result<()> {
    let home = Home::new()?;
    let agent = Agent::start(&home, "/bin/false")?;
    let key = home.path().join("forwarded");
    public_half(&key)?;
    let place = key.display().to_string();
    refused(
        &whoami(&home, &key, &agent.variable())?,
        &["There is no SSH private key at", &place, "no SSH agent has it"],
    )?;
    agent.add(&home, &home.copy("id_rsa", 0o600)?, &[])?;
    check(&whoami(&home, &key, &agent.variable())?)
}

#[test]
fn ssh_agent_without_the_key_is_skipped() -> Result<()> {
    let home = Home::new()?;
    let agent = Agent::start(&home, "/bin/false")?;
    agent.add(&home, &new_key(&home, "other", "rsa", "")?, &[])?;
    let key = home.copy("id_rsa", 0o600)?;
    check(&whoami(&home, &key, &agent.variable())?)?;
    let without_key = Home::new()?;
    check(&whoami(&without_key, &key, &[("SSH_AUTH_SOCK", "/nowhere/agent")])?)?;
    // One that hangs up.
    let babble = text(&home.path().join("babble"));
    let listener = UnixListener::bind(&babble)?;
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            drop(stream)
        }
    });
    check(&whoami(&Home::new()?, &key, &[("SSH_AUTH_SOCK", &babble)])?)
}

#[test]
fn ssh_agent_that_refuses_is_reported_and_the_file_tried() -> Result<()> {
    let home = Home::new()?;
    let agent = Agent::start(&home, "/bin/false")?;
    let key = home.copy("id_rsa", 0o600)?;
    // It asks for confirmation each time, which is denied.
    agent.add(&home, &key, &["-c"])?;
    let outcome = whoami(&home, &key, &agent.variable())?;
    ensure!(outcome.code == 0 && outcome.stdout.contains("account    : jdoe"), "{outcome:?}");
    ensure!(outcome.stderr.contains("The SSH agent has the key, but does not sign: it refuses"), "{outcome:?}");
    let locked = openssh(&home, "locked", "aes256-ctr", "secret")?;
    let outcome = alone(&Home::new()?, &locked, &agent.variable())?;
    refused(&outcome, &["does not sign: it refuses", "is encrypted", "there is no terminal"])
}

/// The official client accepts such a key, so existing configurations rely on it.
#[test]
fn ssh_key_that_others_may_read_works_with_a_warning() -> Result<()> {
    let home = Home::new()?;
    let key = home.copy("id_rsa", 0o644)?;
    let outcome = whoami(&home, &key, &[])?;
    ensure!(outcome.code == 0 && outcome.stdout.contains("account    : jdoe"), "{outcome:?}");
    let expected = format!("{} are 644: others can access it. Run `chmod 600 ", key.display());
    ensure!(outcome.stderr.contains("WARNING") && outcome.stderr.contains(&expected), "{outcome:?}");
    let official = Home::new()?;
    let config = config(&official, &key)?;
    ensure!(official.official()?.env("RUCIO_CONFIG", &config).args(["whoami"]).run()?.code == 0);
    Ok(())
}

/// Both clients exit with 1, also for legacy commands; ours prints all of `expected`.
fn both_refuse(home: &Home, key: &Path, options: &[&str], expected: &[&str]) -> Result<()> {
    let config = config(home, key)?;
    for command in ["whoami", "list-scopes"] {
        let ours = home.ours().env("RUCIO_CONFIG", &config).args(options).args(["-v", command]).run()?;
        refused(&ours, expected)?;
        let body = fs::read_to_string(key).unwrap_or_default();
        let leaked = body.lines().find(|line| line.len() > 20 && !line.starts_with('-') && ours.stderr.contains(line));
        ensure!(leaked.is_none(), "a line of the key is shown: {}", ours.stderr);
    }
    let official = home.official()?.env("RUCIO_CONFIG", &config).args(options).args(["list-scopes"]).run()?;
    ensure!(official.code == 1, "{official:?}");
    Ok(())
}

#[test]
fn ssh_key_that_is_missing() -> Result<()> {
    both_refuse(
        &Home::new()?,
        Path::new("/nowhere/id"),
        &[],
        &["Provided ssh private key '/nowhere/id' does not exist"],
    )
}

#[test]
fn ssh_key_file_that_is_none() -> Result<()> {
    let home = Home::new()?;
    let cut =
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU=\n-----END OPENSSH PRIVATE KEY-----\n";
    for (name, content) in [("empty", ""), ("words", "id rsa\n"), ("cut", cut)] {
        let key = write(&home, name, content)?;
        both_refuse(&home, &key, &[], &[&format!("{} contains no SSH private key", key.display())])?;
    }
    Ok(())
}

#[test]
fn ssh_key_that_is_no_identity_of_the_account() -> Result<()> {
    let home = Home::new()?;
    let key = new_key(&home, "stranger", "rsa", "")?;
    let add = format!("identity add --type SSH --id \"$(cat {}.pub)\"", key.display());
    both_refuse(&home, &key, &[], &["Cannot authenticate to account jdoe", &add, "--account"])
}

#[test]
fn ssh_account_unknown_and_missing() -> Result<()> {
    let home = Home::new()?;
    let key = home.copy("id_rsa", 0o600)?;
    let expected = ["Cannot generate challenge for account nobody77", "There is no account nobody77", "--account"];
    both_refuse(&home, &key, &["--account", "nobody77"], &expected)?;
    let config = config(&home, &key)?;
    fs::write(&config, fs::read_to_string(&config)?.replace("account = jdoe\n", ""))?;
    for client in [home.ours(), home.official()?] {
        let outcome = client.env("RUCIO_CONFIG", &config).args(["list-scopes"]).run()?;
        ensure!(outcome.code == 1, "{outcome:?}");
    }
    let ours = home.ours().env("RUCIO_CONFIG", &config).args(["whoami"]).run()?;
    refused(&ours, &["A login by ssh requires an account, and none is set", "--account", "RUCIO_ACCOUNT"])
}

/// Servers verify RSA keys only; there is no prompt for the pass phrase of another one.
#[test]
fn ssh_key_that_no_server_can_verify() -> Result<()> {
    let home = Home::new()?;
    for (name, kind, phrase) in [("ed", "ed25519", ""), ("ec", "ecdsa", ""), ("locked", "ed25519", "secret")] {
        let key = new_key(&home, name, kind, phrase)?;
        both_refuse(&home, &key, &[], &[kind, "can verify RSA keys only", "ssh-keygen -t rsa"])?;
    }
    let pem = PKey::generate_ed25519()?.private_key_to_pem_pkcs8()?;
    both_refuse(&home, &write(&home, "pem", pem)?, &[], &["ssh-ed25519", "can verify RSA keys only"])
}

/// Runs a command of the official client as root.
fn as_root(words: &[&str]) -> Result<()> {
    let outcome = Rucio::official("rucio-admin")?.config("root")?.args(words).run()?;
    ensure!(outcome.code == 0, "{words:?}: {outcome:?}");
    Ok(())
}

/// One SSH identity of another type prevents all ssh logins to the account.
#[test]
fn ssh_account_with_an_identity_that_breaks_the_server() -> Result<()> {
    let (home, account) = (Home::new()?, unique("sshed"));
    let key = new_key(&home, "ed", "ed25519", "")?;
    let identity = fs::read_to_string(key.with_extension("pub"))?;
    as_root(&["account", "add", &account])?;
    let mail = "nobody@testbed.local";
    as_root(&["identity", "add", "--account", &account, "--type", "SSH", "--id", identity.trim(), "--email", mail])?;
    let expected =
        ["not an RSA key, over which the server fails", "data type: ssh-ed25519", "account identity list", &account];
    both_refuse(&home, &home.copy("id_rsa", 0o600)?, &["--account", &account], &expected)
}

#[test]
fn ssh_server_that_sends_no_challenge() -> Result<()> {
    let (server, home) = (Server::start(|_, _| Answer::json("{}"))?, Home::new()?);
    let (url, key) = (server.url(), home.copy("id_rsa", 0o600)?);
    let lines = format!("rucio_host = {url}\nauth_host = {url}\naccount = jdoe\nauth_type = ssh");
    let config = home.config(&format!("{lines}\nssh_private_key = {}", key.display()))?;
    let outcome = home.ours().env("RUCIO_CONFIG", &config).args(["whoami"]).run()?;
    refused(&outcome, &["contains no challenge to sign", "--auth-host"])?;
    let heard: Vec<_> = server.heard_in_all().into_iter().map(|heard| heard.request).collect();
    ensure!(heard == ["GET /auth/ssh_challenge_token"], "nothing was signed: {heard:?}");
    Ok(())
}
