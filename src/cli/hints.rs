//! Every command and option that a message of the program proposes is one that the program understands.

use std::ffi::OsString;
use std::fs;
use std::iter::successors;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use regex::Regex;

use super::{hint_text, next_command, parse};
use crate::config::Overrides;
use crate::hint::{Command, Hint, Parameter};

/// Values that stand for placeholders whose values are limited.
const VALUES: [(&str, &str); 2] = [("{password}", ""), ("--type {kind}", "--type X509")];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let rust = files.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "rs"));
    rust.chain(folders.iter().flat_map(|folder| sources(folder))).collect()
}

/// The code of a file without its comments and tests, with the strings of several lines joined.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]").next().unwrap();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let joined = lines.collect::<Vec<_>>().join("\n");
    Regex::new(r"\\\n\s*").unwrap().replace_all(&joined, "").into_owned()
}

/// The commands in messages: between backticks, or behind a colon to the end of the sentence.
fn commands(code: &str) -> Vec<String> {
    let shapes = ["`(rucio [^`\"]+)`", "[a-z]: (rucio(?:-admin)? [^\"`;]+)"];
    let shapes = shapes.map(|shape| Regex::new(shape).unwrap());
    let found = shapes.iter().flat_map(|shape| shape.captures_iter(code)).map(|found| found[1].to_owned());
    // Those that are built from words: `context.command("login --force")`.
    let built = Regex::new(r#"\bcommand\((?:&\w+, )?(?:&format!\()?"([a-z-][^"]+)""#).unwrap();
    let built = built.captures_iter(code).map(|found| format!("rucio {}", &found[1]));
    found.chain(built).collect()
}

/// A command as it is typed, with values in place of placeholders.
fn words(command: &str) -> Vec<OsString> {
    let filled = VALUES.iter().fold(command.to_owned(), |text, (name, value)| text.replace(name, value));
    let filled = Regex::new(r"\{[^}]*\}").unwrap().replace_all(&filled, "x").into_owned();
    // What follows in the sentence is no part of the command: "rucio ... lists them", "..., or rucio-admin ...".
    let command = filled.split([',', '(']).next().unwrap();
    let command = command.split(" lists ").next().unwrap().trim_end_matches(['.', ' ']);
    let words = command.split_whitespace().filter(|word| !word.starts_with('<'));
    words.map(|word| word.trim_matches('\'').into()).collect()
}

/// Returns the next hint of a list that has every variant: a new one does not compile until it is in the list.
fn next_hint(hint: &Hint) -> Option<Hint> {
    Some(match hint {
        Hint::Text(_) => Hint::LogIn { force: false },
        Hint::LogIn { force: false } => Hint::LogIn { force: true },
        Hint::LogIn { force: true } => Hint::SetUp { force: false },
        Hint::SetUp { force: false } => Hint::SetUp { force: true },
        Hint::SetUp { force: true } => Hint::command("", Command::WhoAmI { account: Some("kim".into()) }),
        Hint::Command { command, .. } => match following(command) {
            Some(command) => Hint::command("", command),
            None => Hint::run("", "rucio ping"),
        },
        Hint::Run { .. } => Hint::parameters("", []),
        Hint::Parameters { .. } => Hint::values("", []),
        Hint::Values { .. } => return None,
    })
}

/// Returns the next command of a list that has every variant.
fn following(command: &Command) -> Option<Command> {
    let kim = || "kim".to_owned();
    Some(match command {
        Command::WhoAmI { .. } => Command::WhoAmIVerbose,
        Command::WhoAmIVerbose => Command::Doctor,
        Command::Doctor => Command::SetUp,
        Command::SetUp => Command::ListRses,
        Command::ListRses => Command::ListScopes,
        Command::ListScopes => Command::ListAccounts,
        Command::ListAccounts => Command::ShowRule { id: "0123".into() },
        Command::ShowRule { .. } => {
            Command::AddIdentity { kind: "X509", identity: "/C=CH/CN=Kim O'Hara".into(), account: Some(kim()) }
        }
        Command::AddIdentity { kind: "X509", .. } => {
            Command::AddIdentity { kind: "USERPASS", identity: kim(), account: None }
        }
        Command::AddIdentity { .. } => Command::AddSshKey { public_key: "/home/kim o/id.pub".into(), account: kim() },
        Command::AddSshKey { .. } => Command::ListIdentities { account: kim() },
        Command::ListIdentities { .. } => Command::Unban { account: kim() },
        Command::Unban { .. } => Command::ListLimits { account: kim() },
        Command::ListLimits { .. } => Command::ListRules { did: "user.kim:data set".into() },
        Command::ListRules { .. } => return None,
    })
}

/// Returns the next parameter of a list that has every variant.
fn following_parameter(parameter: Parameter) -> Option<Parameter> {
    Some(match parameter {
        Parameter::Config => Parameter::Profile,
        Parameter::Profile => Parameter::Host,
        Parameter::Host => Parameter::AuthHost,
        Parameter::AuthHost => Parameter::Account,
        Parameter::Account => Parameter::AuthMethod,
        Parameter::AuthMethod => Parameter::CaCertificate,
        Parameter::CaCertificate => Parameter::Certificate,
        Parameter::Certificate => Parameter::ClientKey,
        Parameter::ClientKey => Parameter::Proxy,
        Parameter::Proxy => Parameter::User,
        Parameter::User => Parameter::Password,
        Parameter::Password => Parameter::Vo,
        Parameter::Vo => Parameter::OidcScope,
        Parameter::OidcScope => Parameter::OidcAudience,
        Parameter::OidcAudience => Parameter::OidcIssuer,
        Parameter::OidcIssuer => Parameter::MinimumValidity,
        Parameter::MinimumValidity => Parameter::Protocol,
        Parameter::Protocol => Parameter::SourceRses,
        Parameter::SourceRses => Parameter::TargetFolder,
        Parameter::TargetFolder => Parameter::Lfn,
        Parameter::Lfn => Parameter::Pfn,
        Parameter::Pfn => Parameter::Guid,
        Parameter::Guid => Parameter::UploadLifetime,
        Parameter::UploadLifetime => Parameter::RegisterAfterUpload,
        Parameter::RegisterAfterUpload => return None,
    })
}

fn parses(words: &[&str]) -> bool {
    parse::parse(words.iter().map(Into::into).collect()).is_ok()
}

#[test]
fn typed_hints_propose_commands_that_parse() {
    let overrides = Overrides {
        config: Some("/home/kim o'hara/rucio.cfg".into()),
        account: Some("kim".into()),
        oidc_scope: Some("openid profile".into()),
        no_browser: true,
        ..Overrides::default()
    };
    let hints = successors(Some(Hint::from("Text.")), next_hint).filter(Hint::is_command);
    for (hint, overrides) in hints.flat_map(|hint| [(hint.clone(), Overrides::default()), (hint, overrides.clone())]) {
        let command = hint_text::of_finding(&[hint], &overrides).unwrap();
        let words = shlex::split(&command).unwrap();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        assert!(parses(&words), "{command}");
    }
}

#[test]
fn typed_hints_propose_options_that_parse() {
    for parameter in successors(Some(Parameter::Config), |parameter| following_parameter(*parameter)) {
        let option = next_command::option(parameter);
        let is_accepted = [
            vec!["rucio", option, "x509", "ping"],
            vec!["rucio", "token", option, "60"],
            vec!["rucio", "download", option, "x", "s:n"],
            vec!["rucio", "upload", "--rse", "X", option, "1", "f"],
            vec!["rucio", "upload", "--rse", "X", option, "f"],
        ]
        .iter()
        .any(|words| parses(words));
        assert!(is_accepted, "{option}");
    }
}

#[test]
fn hints_propose_commands_that_parse() {
    let mut number = 0;
    let mut faults = Vec::new();
    for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        if path.ends_with("cli/hints.rs") {
            continue;
        }
        for command in commands(&code(&path)) {
            number += 1;
            if let Err(refused) = parse::parse(words(&command)) {
                let is_help = matches!(refused.error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
                let reason = refused.error.to_string();
                faults.extend((!is_help).then(|| format!("{}: `{command}`: {reason}", path.display())));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(number > 10, "only {number} commands were found");
}

/// The library leaves the spelling of options and commands to this layer.
#[test]
fn library_names_no_options_and_commands() {
    let spelled = Regex::new(r"[ (`]--[a-z]|`rucio ").unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let library = sources(&source).into_iter().filter(|path| !path.starts_with(source.join("cli")));
    for path in library {
        let code = code(&path);
        let line = code.lines().find(|line| spelled.is_match(line));
        assert!(line.is_none(), "{}: {}", path.display(), line.unwrap_or_default());
    }
}

#[test]
fn hints_with_a_wrong_command_are_found() {
    let found = commands(r#"hint("End it by: rucio account update --ban false {}")"#);
    assert_eq!(found, ["rucio account update --ban false {}"]);
    assert!(parse::parse(words(&found[0])).is_err(), "{found:?}");
}
