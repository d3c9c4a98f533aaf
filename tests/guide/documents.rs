//! Every command line of the five documents works as docs/documents.md says.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use regex::Regex;

use super::table::{self, Row};
use super::{NAMES, prepare};
use crate::fixtures::{Home, Pty, USER};
use crate::support::{Outcome, Rucio, Testbed, project, split, unique};

/// The documents' names and their equivalents here, in addition to those of the guide.
const MORE_NAMES: [(&str, &str); 9] = [
    (r"\<rucio_account_name\>", "jdoe"),
    ("<issuer's nickname>", "testbed"),
    ("<myrucioaccount>", "jdoe"),
    ("https://escape-rucio-auth.cern.ch", "{url}"),
    ("https://escape-rucio.cern.ch", "{url}"),
    ("MOCK", "S3"),
    ("guenther", "jdoe"),
    ("/path/to/token/file", "{home}/token"),
    ("~/.ssh/id_rsa", "{home}/.ssh/id_rsa"),
];

/// Expected exit code and output of lines that contain this text; the first match counts.
const SHOWS: [(&str, i32, &str); 29] = [
    ("rucio --help", 0, "whoami"),
    ("completion bash", 0, "^$"),
    ("RUCIO_ACCOUNT=root", 0, "(?m)^account    : root$"),
    ("RUCIO_ACCOUNT=alice", 1, "Cannot authenticate"),
    ("--account root", 0, "(?m)^account    : root$"),
    ("-v whoami", 0, r"(?m)^account    : jdoe[\s\S]*Completed in \d"),
    ("--linked-identities", 0, "SUB=jdoe"),
    ("whoami", 0, "(?m)^account    : jdoe$"),
    ("api accounts/jdoe", 0, r#""account": "jdoe""#),
    ("list-rses", 0, "(?m)^DAVS$"),
    ("list-scopes", 0, r"user\.jdoe +\| jdoe"),
    ("list-dids --filter", 0, r"user\.jdoe:\S+\.container +\| CONTAINER"),
    ("list-dids", 0, r"user\.jdoe:\S+ +\| DATASET"),
    ("list-content", 0, r"\.dataset\.2 +\| DATASET"),
    ("list-files", 0, "(?m)^Total files : 2$"),
    ("add-rules", 0, "(?m)^[0-9a-f]{32}$"),
    ("list-rules", 0, r"tier=1&disk=1 +1 "),
    ("download", 0, r"Downloaded files: +2"),
    ("/rses/", 0, r#""rse": "DAVS""#),
    ("api rses/", 0, r#""rse": "DAVS""#),
    ("scopes/", 0, r#""user\.jdoe""#),
    ("ssh_challenge_token", 0, r"(?mi)^x-rucio-ssh-challenge-token: challenge-"),
    (" token", 0, r"^jdoe-.+-unknown-[0-9a-f]{32}\n$"),
    ("validate", 0, "jdoe"),
    (
        "mybucket",
        0,
        r"^https://storage\.googleapis\.com:443/mybucket/data/file1\.txt\?X-Amz-.*X-Amz-Signature=[0-9a-f]{64}\n?$",
    ),
    ("session show -o json", 0, r#""account": "jdoe""#),
    ("rucio session", 0, "jdoe"),
    ("rucio login", 0, "jdoe"),
    ("rucio logout", 0, "jdoe"),
];

#[test]
fn document_using_the_client() -> Result<()> {
    work("using-the-client.md")
}

#[test]
fn document_rucio_restful_apis() -> Result<()> {
    work("rucio-restful-apis.md")
}

#[test]
fn document_authentication_rest_api() -> Result<()> {
    work("authentication-rest-api.md")
}

#[test]
fn document_credentialclient() -> Result<()> {
    work("credentialclient.md")
}

#[test]
fn document_globus_cli_sessions() -> Result<()> {
    work("globus-cli-sessions.md")
}

/// Runs all lines of a document, one after the other, as one who reads it would.
fn work(document: &str) -> Result<()> {
    let rows: Vec<_> = table::rows()?.into_iter().filter(|row| row.document == document).collect();
    let mut reader = Reader::new(&rows)?;
    let mut wrong = Vec::new();
    for row in &rows {
        for line in &row.here {
            let complaint = reader.follow(row, line).with_context(|| format!("{} $ {line}", row.place))?;
            wrong.extend(complaint.map(|text| format!("{} $ {line}\n{text}", row.place)));
        }
    }
    ensure!(!rows.is_empty() && wrong.is_empty(), "{} lines:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

/// One who follows a document.
struct Reader {
    home: Home,
    /// The part of names that is fresh in this run.
    name: String,
    /// Options for lines without any: those of the first one.
    options: Vec<String>,
    /// `NAME=value` of lines before, written in front of the next; a token stays.
    token: Option<String>,
    export: Option<String>,
}

impl Reader {
    fn new(rows: &[Row]) -> Result<Self> {
        let options = rows.first().context("no rows")?.options.clone();
        let reader = Self { home: Home::new()?, name: unique("doc"), options, token: None, export: None };
        prepare(&reader.name)?;
        reader.furnish()?;
        Ok(reader)
    }

    /// What a user of these documents has in the home directory, and our program in the path.
    fn furnish(&self) -> Result<()> {
        let home = self.home.path();
        for folder in ["bin", ".globus", ".ssh"] {
            fs::create_dir(home.join(folder))?;
        }
        let ours = Rucio::path();
        symlink(ours, home.join("bin/rucio"))?;
        let files =
            [("jdoe.pem", ".globus/usercert.pem"), ("jdoe.key.pem", ".globus/userkey.pem"), ("id_rsa", ".ssh/id_rsa")];
        for (from, to) in files {
            fs::copy(Home::certificate(from)?, home.join(to))?;
            fs::set_permissions(home.join(to), Permissions::from_mode(0o600))?;
        }
        Ok(())
    }

    /// Runs a line. Returns what is wrong with its output.
    fn follow(&mut self, row: &Row, line: &str) -> Result<Option<String>> {
        let line = self.here(line)?;
        if let Some(export) = line.strip_prefix("export ") {
            self.export = Some(export.to_owned());
            return Ok(None);
        }
        if line.starts_with("token=") {
            self.token = Some(line);
            return Ok(None);
        }
        let export = self.export.take();
        let before = [self.token.clone(), export.map(|pair| format!("export {pair}"))].into_iter().flatten();
        let whole = before.chain([line]).collect::<Vec<_>>().join("; ");
        let options: Vec<_> = row.options.iter().map(|option| self.here(option)).collect::<Result<_>>()?;
        let outcome = match self.way(&whole, &options) {
            Way::Shell => self.shell(&whole, &options)?,
            Way::Browser { fresh: true } => browser(&Home::new()?, &whole, &options)?,
            Way::Browser { fresh: false } => browser(&self.home, &whole, &self.options)?,
        };
        complaint(&whole, &outcome)
    }

    /// The line or option with the names there are here.
    fn here(&self, text: &str) -> Result<String> {
        let names = MORE_NAMES.iter().chain(&NAMES);
        let text = names.fold(text.to_owned(), |text, (there, here)| text.replace(there, here));
        let home = self.home.path().to_string_lossy();
        Ok(text.replace("{url}", Testbed::get()?.value("URL")?).replace("{home}", &home).replace("{}", &self.name))
    }

    fn way(&self, line: &str, options: &[String]) -> Way {
        let named = |options: &[String], name: &str| options.iter().any(|option| option.starts_with(name));
        match named(options, "auth_type = oidc") || line.contains("-S=OIDC") {
            true if named(options, "auth_token_file_path") => Way::Shell,
            true if line.ends_with("whoami") => Way::Browser { fresh: true },
            _ if named(&self.options, "auth_type = oidc") && (line.contains("login") || line.contains("update")) => {
                Way::Browser { fresh: false }
            }
            _ => Way::Shell,
        }
    }

    fn shell(&self, line: &str, options: &[String]) -> Result<Outcome> {
        let home = self.home.path();
        let (testbed, path) = (Testbed::get()?, |name: &str| home.join(name).to_string_lossy().into_owned());
        let options = if options.is_empty() { &self.options } else { options };
        if options.iter().any(|option| option.starts_with("auth_token_file_path")) {
            self.bring_token()?;
        }
        if line.contains("gss") {
            kinit(&path("tickets"))?;
        }
        let named = [("=root", "root"), ("account root", "root"), ("=alice", "x509_proxy")];
        let named = named.iter().find(|(part, _)| line.contains(part)).map(|(_, config)| *config);
        let shell = Rucio::program("/bin/bash").home(home).folder(home).env("LOGNAME", USER);
        let shell = match options.is_empty() {
            true => shell.config(named.unwrap_or("userpass"))?,
            false => shell.env("RUCIO_CONFIG", &self.home.testbed_config(&configuration(options))?),
        };
        let (certs, krb5) = (testbed.value("CERTS")?, format!("{}/etc/krb5.conf", testbed.value("DIR")?));
        let shell = shell.env("PATH", &format!("{}:/usr/bin:/bin", path("bin")));
        let shell = shell.env("X509_USER_PROXY", &format!("{certs}/jdoe.proxy.pem"));
        // curl, too, has to know the authority
        let shell = shell.env("CURL_CA_BUNDLE", &format!("{certs}/ca.pem"));
        let shell = shell.env("KRB5_CONFIG", &krb5).env("KRB5CCNAME", &path("tickets"));
        shell.args(["-c", line]).run()
    }

    /// A token from elsewhere: here from the same provider.
    fn bring_token(&self) -> Result<()> {
        let home = Home::new()?;
        let outcome =
            browser(&home, "rucio whoami", &["auth_type = oidc".to_owned(), "oidc_polling = True".to_owned()])?;
        ensure!(outcome.code == 0, "{outcome:?}");
        let path = self.home.path().join("token");
        fs::write(&path, home.token()?)?;
        Ok(fs::set_permissions(&path, Permissions::from_mode(0o600))?)
    }
}

/// How a line is run.
enum Way {
    Shell,
    /// On a terminal, with a login in the browser; in a new home if `fresh`.
    Browser {
        fresh: bool,
    },
}

/// Options as lines of `[client]`; without a word on it, the login is by password.
fn configuration(options: &[String]) -> String {
    let mut lines = options.to_vec();
    if !options.iter().any(|option| option.starts_with("auth_type")) {
        lines.push("auth_type = userpass".to_owned());
    }
    lines.join("\n")
}

/// Runs a line at a terminal and logs in with the link it shows.
fn browser(home: &Home, line: &str, options: &[String]) -> Result<Outcome> {
    let config = home.testbed_config(&configuration(options))?;
    let words = split(line)?;
    ensure!(words[0] == "rucio", "{line}");
    let words: Vec<_> = words.iter().skip(1).map(String::as_str).collect();
    let mut terminal = Pty::ours(home, &[("RUCIO_CONFIG", &config)], &words)?;
    let link = terminal.wait_for(r"(https://\S+/auth/oidc_redirect\?\S+)\s")?;
    let how = terminal.wait_for("Copy the code|Waiting up to")?;
    let page = Command::new(project().join("tests/testbed/testbed")).args(["idp-login", &link]).output()?;
    let page = String::from_utf8_lossy(&page.stdout).into_owned();
    if how == "Copy the code" {
        let code = Regex::new(r"<b>(\w+)</b>")?.captures(&page).with_context(|| page.clone())?[1].to_owned();
        terminal.type_in(&format!("{code}\n"))?;
    }
    let (code, screen) = terminal.end()?;
    Ok(Outcome { code, stdout: screen.replace("\r\n", "\n"), ..Outcome::default() })
}

/// A ticket for jdoe.
fn kinit(tickets: &str) -> Result<()> {
    let krb5 = format!("{}/etc/krb5.conf", Testbed::get()?.value("DIR")?);
    let mut command = Command::new("sh");
    command.args(["-c", "echo secret | kinit jdoe"]).env("KRB5_CONFIG", krb5).env("KRB5CCNAME", tickets);
    let output = command.stdin(Stdio::null()).output()?;
    ensure!(output.status.success(), "kinit: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn complaint(line: &str, outcome: &Outcome) -> Result<Option<String>> {
    let seen = format!("{}{}", outcome.stdout, outcome.stderr);
    let last = line.rsplit("; ").next().unwrap_or_default();
    let expected =
        SHOWS.iter().find(|(part, ..)| line.contains("export") && line.contains(part) || last.contains(part));
    let (_, code, pattern) = expected.with_context(|| format!("SHOWS has no entry for {line}"))?;
    let right = outcome.code == *code && Regex::new(pattern)?.is_match(&seen);
    Ok((!right).then(|| format!("ends with {}, not {code} and {pattern}:\n{seen}", outcome.code)))
}
