//! The user guide's command lines must do what the guide shows, and those of all five documents what docs/documents.md
//! says.

mod documents;
mod errors;
mod table;
mod tutorial;

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::differential::{Case, cases};
use crate::support::{Outcome, Rucio, Testbed, project, unique};

/// The guide's names and their equivalents here; `{}` is unique to a run. Longer names first.
const NAMES: [(&str, &str); 6] = [
    ("user.jdoe.test.container.1234.1", "{}.container"),
    ("user.jdoe.test.dataset.1", "{}.dataset.1"),
    ("user.jdoe.test.dataset.2", "{}.dataset.2"),
    ("janedoe", "alice"),
    ("<rucio_account_name>", "jdoe"),
    // the testbed has one VO, and that is its name
    ("abc", "def"),
];

/// What the official client prepares: the guide's container with two datasets, a file in each.
const PREPARATION: [&str; 6] = [
    "add-container user.jdoe:{}.container",
    "add-dataset user.jdoe:{}.dataset.1",
    "add-dataset user.jdoe:{}.dataset.2",
    "attach user.jdoe:{}.container user.jdoe:{}.dataset.1 user.jdoe:{}.dataset.2",
    "attach user.jdoe:{}.dataset.1 user.jdoe:hello.txt",
    "attach user.jdoe:{}.dataset.2 test:mixed-00.dat",
];

#[test]
fn guide_is_right() -> Result<()> {
    let text = fs::read_to_string(project().join("tests/guide/lines.txt"))?;
    let cases = cases("guide/lines.txt", &text)?;
    ensure!(!cases.is_empty(), "no line");
    let name = unique("guide");
    prepare(&name)?;
    let home = tempfile::tempdir()?;
    let mut wrong = Vec::new();
    for case in &cases {
        let outcome = run(case, &name, home.path()).with_context(|| case.title())?;
        wrong.extend(complaint(case, &name, &outcome).map(|text| format!("{}\n{text}", case.title())));
    }
    ensure!(wrong.is_empty(), "{} of {} lines:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    Ok(())
}

fn prepare(name: &str) -> Result<()> {
    for line in PREPARATION {
        let words: Vec<_> = line.split(' ').map(|word| word.replace("{}", name)).collect();
        let outcome = Rucio::official("rucio")?.config("userpass")?.args(words).run()?;
        ensure!(outcome.code == 0, "{line}: {}", outcome.stderr);
    }
    Ok(())
}

fn run(case: &Case, name: &str, home: &std::path::Path) -> Result<Outcome> {
    let config = case.line.config.as_ref().unwrap_or(&case.options.config);
    let mut command = Rucio::ours().config(config)?;
    if !case.options.fresh {
        command = command.home(&home.join(config));
    }
    let certs = Testbed::get()?.value("CERTS")?;
    for (variable, value) in case.options.env.iter().chain(&case.line.env) {
        command = command.env(variable, &ours(value, name).replace("{certs}", certs));
    }
    command.args(case.line.words.iter().map(|word| ours(word, name))).run()
}

/// What is not as the guide has it.
fn complaint(case: &Case, name: &str, outcome: &Outcome) -> Option<String> {
    let seen = guides(&format!("{}{}", outcome.stdout, outcome.stderr), name);
    if outcome.code != case.exit {
        return Some(format!("ends with {}, not {}:\n{seen}", outcome.code, case.exit));
    }
    let missing = case.shows.iter().find(|pattern| !pattern.is_match(&seen))?;
    Some(format!("does not show {missing} but\n{seen}"))
}

fn ours(text: &str, name: &str) -> String {
    NAMES.iter().fold(text.to_owned(), |text, (guide, ours)| text.replace(guide, &ours.replace("{}", name)))
}

/// The inverse, for unambiguous names.
fn guides(text: &str, name: &str) -> String {
    let own = NAMES.iter().filter(|(_, ours)| ours.contains("{}"));
    own.fold(text.to_owned(), |text, (guide, ours)| text.replace(&ours.replace("{}", name), guide))
}
