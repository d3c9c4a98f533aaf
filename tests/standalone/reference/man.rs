//! The man pages: one for the whole, one for each group, one for legacy commands, one for administrators.

use std::collections::BTreeMap;

use super::entry::{Entry, Tree};

/// The roff requests that the pages use.
const REQUESTS: [&str; 8] = [".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".RS", ".RE"];

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
    format!(".TH {} 1\n.SH NAME\n{} \\- {}\n", name.to_uppercase(), text(name), text(about))
}

fn page<'a>(name: &str, about: &str, entries: impl Iterator<Item = &'a Entry>) -> String {
    let mut page = header(name, about);
    page += ".SH COMMANDS\n";
    entries.for_each(|entry| page += &section(entry));
    page + ".SH SEE ALSO\n.B rucio\n(1)\n"
}

fn overview(trees: &[Tree; 3]) -> String {
    let mut page = header("rucio", "the client of the Rucio data management system");
    page += ".SH SYNOPSIS\n.B rucio\n[OPTIONS] COMMAND ...\n.SH COMMANDS\n";
    for group in &trees[0].groups {
        let top = &group[0];
        page += &item(&top.name, first_line(&top.about));
    }
    page += &item("rucio admin, rucio-admin", "Commands for administrators");
    page += "For the legacy commands (rucio list\\-dids), see\n.B rucio\\-legacy\n(1).\n.SH OPTIONS\n";
    trees[0].global.iter().for_each(|(option, help)| page += &item(option, help));
    page += ".SH ENVIRONMENT\n";
    variables().iter().for_each(|(name, help)| page += &item(name, help));
    page += ".SH EXIT STATUS\n";
    for (code, meaning) in EXITS {
        page += &item(code, meaning);
    }
    page += ".SH FILES\n";
    page += &item("etc/rucio.cfg", "the configuration, below RUCIO_HOME, VIRTUAL_ENV, CONDA_PREFIX or /opt/rucio");
    page
}

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

fn section(entry: &Entry) -> String {
    let mut section = format!(".SS {}\n", text(&entry.name));
    for (number, paragraph) in entry.about.split("\n\n").enumerate() {
        let before = if number > 0 { ".PP\n" } else { "" };
        section += &format!("{before}{}\n", text(paragraph));
    }
    if entry.is_group {
        return section;
    }
    section += &format!(".PP\n.B {}\n", text(&entry.usage));
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

/// Text that roff takes as it is.
fn text(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-");
    let lines =
        escaped.lines().map(|line| if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line.to_owned() });
    lines.collect::<Vec<_>>().join("\n")
}
