//! Every command that a message of the program proposes is one that the program understands.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use regex::Regex;

use super::dispatch;

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
    found.collect()
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

#[test]
fn hints_propose_commands_that_parse() {
    let (mut number, mut faults) = (0, Vec::new());
    for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        if path.ends_with("cli/hints.rs") {
            continue;
        }
        for command in commands(&code(&path)) {
            number += 1;
            if let Err(refused) = dispatch::parse(words(&command)) {
                let is_help = matches!(refused.error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
                let reason = refused.error.to_string();
                faults.extend((!is_help).then(|| format!("{}: `{command}`: {reason}", path.display())));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(number > 30, "only {number} commands were found");
}

#[test]
fn hints_with_a_wrong_command_are_found() {
    let found = commands(r#"hint("End it by: rucio account update --ban false {}")"#);
    assert_eq!(found, ["rucio account update --ban false {}"]);
    assert!(dispatch::parse(words(&found[0])).is_err(), "{found:?}");
}
