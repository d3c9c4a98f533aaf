//! The man pages: one for the whole, one for each group, one for legacy commands, one for administrators.

use std::collections::BTreeMap;

use super::entry::{Entry, Tree};

/// The roff requests that the pages use.
const REQUESTS: [&str; 13] = [".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".BR", ".RS", ".RE", ".EX", ".EE", ".nh", ".br"];
/// Date of the pages, as man shows it; set at a release.
const DATE: &str = "2026-11-30";
/// Pages that every page refers to.
const SEE_ALSO: [&str; 3] = ["rucio", "rucio-help", "rucio-doctor"];

/// Whether a line is one of those requests.
pub(super) fn is_request(line: &str) -> bool {
    line.split(' ').next().is_some_and(|word| REQUESTS.contains(&word))
}

/// Name and description of the environment variables.
pub(super) fn variables() -> Vec<(String, String)> {
    rucio::env_vars::ALL.iter().map(|(name, text)| ((*name).to_owned(), text.trim().to_owned())).collect()
}

/// Path below `docs` -> page.
pub(super) fn pages(trees: &[Tree; 3]) -> BTreeMap<String, String> {
    let [new, old, admin] = trees;
    let mut pages = BTreeMap::new();
    let mut add = |name: &str, text: String| pages.insert(format!("man/{name}.1"), text);
    add("rucio", overview(trees));
    for group in &new.groups {
        let name = group[0].name.replace(' ', "-");
        add(&name, page(&name, first_line(&group[0].about), group.iter()));
    }
    add("rucio-legacy", page("rucio-legacy", "legacy commands of rucio", old.entries()));
    add("rucio-admin", page("rucio-admin", "commands of rucio for administrators", admin.entries()));
    pages
}

fn header(name: &str, about: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let title = format!(".TH {} 1 \"{DATE}\" \"rucio {version}\" \"Rucio client\"", text(&name.to_uppercase()));
    // Without hyphenation, so that names and command lines can be copied.
    format!("{title}\n.nh\n.SH NAME\n{} \\- {}\n", text(name), text(about))
}

fn page<'a>(name: &str, about: &str, entries: impl Iterator<Item = &'a Entry>) -> String {
    let entries: Vec<_> = entries.collect();
    let mut page = header(name, about);
    page += ".SH SYNOPSIS\n";
    let lines = entries.iter().filter(|entry| !entry.is_group).map(|entry| synopsis(&entry.usage));
    page += &lines.collect::<Vec<_>>().join(".br\n");
    page += if entries.len() > 1 { ".SH COMMANDS\n" } else { ".SH DESCRIPTION\n" };
    let titled = entries.len() > 1;
    entries.iter().for_each(|entry| page += &section(entry, titled));
    let examples: Vec<_> = entries.iter().flat_map(|entry| examples(&entry.about)).collect();
    page + &examples_section(&examples) + &see_also(name)
}

/// A line of the synopsis: the command in bold, its arguments behind it.
fn synopsis(usage: &str) -> String {
    let words: Vec<_> = usage.split(' ').collect();
    let is_argument = |word: &&str| word.starts_with(['-', '[', '<']) || word.chars().all(char::is_uppercase);
    let end = words.iter().position(is_argument).unwrap_or(words.len());
    let (command, arguments) = words.split_at(end);
    let arguments = if arguments.is_empty() { String::new() } else { format!("{}\n", text(&arguments.join(" "))) };
    format!(".B {}\n{arguments}", text(&command.join(" ")))
}

/// The command lines of the paragraphs that are examples.
fn examples(about: &str) -> impl Iterator<Item = &str> {
    about.split("\n\n").filter_map(|paragraph| paragraph.strip_prefix(EXAMPLE))
}

/// Examples as they can be pasted: neither filled nor hyphenated.
fn examples_section(examples: &[&str]) -> String {
    if examples.is_empty() {
        return String::new();
    }
    let lines: String = examples.iter().map(|example| format!("{}\n", code(example))).collect();
    format!(".SH EXAMPLES\n.EX\n{lines}.EE\n")
}

fn see_also(name: &str) -> String {
    let others: Vec<_> = SEE_ALSO.iter().filter(|other| **other != name).collect();
    let last = others.len().saturating_sub(1);
    let line = |(number, other): (usize, &&&str)| {
        format!(".BR {} (1){}\n", text(other), if number == last { "" } else { "," })
    };
    format!(".SH SEE ALSO\n{}", others.iter().enumerate().map(line).collect::<String>())
}

fn overview(trees: &[Tree; 3]) -> String {
    let mut page = header("rucio", "the client of the Rucio data management system");
    page += ".SH SYNOPSIS\n.B rucio\n[OPTIONS] COMMAND ...\n.br\n.B rucio\nCOMMAND \\-\\-help\n.SH COMMANDS\n";
    for group in &trees[0].groups {
        let top = &group[0];
        page += &item(&top.name, first_line(&top.about));
    }
    page += &item("rucio admin, rucio-admin", "Commands for administrators");
    page += ".PP\nFor the legacy commands (rucio list\\-dids), see\n.BR rucio\\-legacy (1).\n.SH OPTIONS\n";
    trees[0].global.iter().for_each(|(option, help)| page += &item(option, help));
    page += ".SH ENVIRONMENT\n";
    variables().iter().for_each(|(name, help)| page += &item(name, help));
    page += ".SH EXIT STATUS\n";
    for (code, meaning) in EXITS {
        page += &item(code, meaning);
    }
    page += ".SH FILES\n";
    page += &item("etc/rucio.cfg", "the configuration, below RUCIO_HOME, VIRTUAL_ENV, CONDA_PREFIX or /opt/rucio");
    page += &item("~/.config/rucio/rucio.cfg", "your own configuration, if there is none of those");
    page += &examples_section(&DAILY);
    page + &see_also("rucio")
}

/// A session, for the page of the program.
const DAILY: [&str; 7] = [
    "rucio login --setup",
    "rucio status",
    "rucio did list 'user.jdoe:*'",
    "rucio download --dir data user.jdoe:analysis.1",
    "rucio upload --rse CERN_SCRATCHDISK user.jdoe:results results.root",
    "rucio rule add --copies 1 --rses 'tier=1&disk=1' --lifetime 14d user.jdoe:results",
    "rucio help rse-expressions",
];

/// The start of a paragraph that is an example.
const EXAMPLE: &str = "Example: ";

const EXITS: [(&str, &str); 5] = [
    ("0", "success"),
    ("1", "a failure"),
    ("2", "an invalid command line, or permission denied"),
    ("124", "rucio rule wait: timed out"),
    (
        "130",
        "interrupted by Ctrl-C; legacy commands and those for administrators exit with Rucio's code of the failure",
    ),
];

fn section(entry: &Entry, titled: bool) -> String {
    let mut section = if titled { format!(".SS {}\n", text(&entry.name)) } else { String::new() };
    let prose = entry.about.split("\n\n").filter(|paragraph| !paragraph.starts_with(EXAMPLE));
    for (number, paragraph) in prose.enumerate() {
        let before = if number > 0 { ".PP\n" } else { "" };
        section += &format!("{before}{}\n", text(paragraph));
    }
    if entry.is_group {
        return section;
    }
    if titled {
        section += &format!(".PP\n{}", synopsis(&entry.usage));
    }
    if !entry.aliases.is_empty() {
        section += &format!(".PP\nAlso {}.\n", text(&entry.aliases.join(", ")));
    }
    entry.options.iter().for_each(|(option, help)| section += &item(option, help));
    section
}

fn item(name: &str, help: &str) -> String {
    format!(".TP\n.B {}\n{}\n", text(name), text(help))
}

fn first_line(about: &str) -> &str {
    about.lines().next().unwrap_or_default()
}

/// A command line, with the characters that a shell needs: roff would print others in their place.
fn code(line: &str) -> String {
    text(line).replace('\'', "\\(aq").replace('`', "\\(ga").replace('^', "\\(ha").replace('~', "\\(ti")
}

/// Text that roff takes as it is.
fn text(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-");
    let lines =
        escaped.lines().map(|line| if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line.to_owned() });
    lines.collect::<Vec<_>>().join("\n")
}
