//! Every command and every option of the official client is in at least one case of the differential test.

use anyhow::{Result, ensure};

use super::{Node, Param, official_trees};
use crate::differential::{Case, CaseLine, all_cases};

/// Options that no case can have, and why.
const WITHOUT_CASE: [(&str, &str); 0] = [];

#[test]
fn cases_cover_every_command_and_option() -> Result<()> {
    let cases = all_cases()?;
    let lines: Vec<Line> = cases.iter().flat_map(Line::of).collect();
    let mut missing = Vec::new();
    for (tree, nodes) in official_trees()? {
        let is_group = |node: &Node| {
            nodes.iter().any(|other| other.path.len() == node.path.len() + 1 && other.path.starts_with(&node.path))
        };
        for node in nodes.iter().filter(|node| node.path.is_empty() || !is_group(node)) {
            missing.extend(gaps(&tree, node, &lines));
        }
    }
    missing.retain(|gap| !WITHOUT_CASE.iter().any(|(known, _)| known == gap));
    ensure!(missing.is_empty(), "{} without a case:\n{}", missing.len(), missing.join("\n"));
    Ok(())
}

/// Options that move nothing in any case, and why.
const WITHOUT_TRANSFER: [(&str, &str); 2] = [
    ("new: upload --impl", "the official parser refuses every value"),
    ("old: get --aria", "the official client needs a program for it, which need not be there"),
];

/// For transfers it is not enough that an option is parsed: with each of them files were transferred by both
/// clients, and been compared; for uploads, what storage and catalogue have afterwards too.
#[test]
fn cases_cover_every_option_of_downloads_and_uploads_with_files() -> Result<()> {
    let cases = all_cases()?;
    let moves = |case: &&Case| {
        let compared = case.differs.as_ref().is_none_or(|differs| differs.same_as.is_some());
        let is_upload = case.line.words.iter().any(|word| word == "upload");
        case.exit == 0 && compared && (!is_upload || !case.after.is_empty())
    };
    let lines: Vec<Line> = cases.iter().filter(moves).map(|case| Line::new(&case.line)).collect();
    let mut missing = Vec::new();
    for (tree, nodes) in official_trees()?.into_iter().filter(|(tree, _)| tree != "admin") {
        // The legacy commands `get` and `download` are the same; `download` usually means the new command.
        let names = if tree == "old" { ["get", "upload"] } else { ["download", "upload"] };
        let moving = |node: &&Node| node.path.len() == 1 && names.contains(&node.path[0].as_str());
        let moving: Vec<_> = nodes.iter().filter(moving).collect();
        ensure!(moving.len() == 2, "{} commands of the {tree} tree move data", moving.len());
        for node in moving {
            missing.extend(gaps(&tree, node, &of_tree(&tree, &lines)));
        }
    }
    missing.retain(|gap| !WITHOUT_TRANSFER.iter().any(|(known, _)| known == gap));
    ensure!(missing.is_empty(), "{} without a case that moves files:\n{}", missing.len(), missing.join("\n"));
    Ok(())
}

/// The lines of a tree. Names that both have are the new one's, but for `--legacy`.
fn of_tree<'a>(tree: &str, lines: &[Line<'a>]) -> Vec<Line<'a>> {
    let is_old = |line: &&Line<'_>| line.legacy || line.words.iter().any(|word| word == "get");
    lines.iter().filter(|line| (tree == "old") == is_old(line)).cloned().collect()
}

/// A command line of a case, its program as the tree it belongs to.
#[derive(Clone)]
struct Line<'a> {
    program: &'a str,
    words: &'a [String],
    legacy: bool,
}

impl<'a> Line<'a> {
    fn of(case: &'a Case) -> Vec<Self> {
        std::iter::once(&case.line).chain(&case.after).map(Self::new).collect()
    }

    fn new(line: &'a CaseLine) -> Self {
        let words = &line.words;
        Self { program: &line.program, words, legacy: words.iter().any(|word| word == "--legacy") }
    }

    /// What follows the names of the command, if this is that command in that tree.
    fn behind(&self, tree: &str, names: &[&str]) -> Option<&'a [String]> {
        let program = if tree == "admin" { "rucio-admin" } else { "rucio" };
        if self.program != program || (self.legacy && tree == "new") {
            return None;
        }
        let first = names.first()?;
        let at = self.words.iter().position(|word| word == first)?;
        let words = &self.words[at..];
        let is_it = words.len() >= names.len() && words.iter().zip(names).all(|(word, name)| word == name);
        is_it.then(|| &words[names.len()..])
    }
}

/// What of a command no case has.
fn gaps(tree: &str, node: &Node, lines: &[Line<'_>]) -> Vec<String> {
    let path: Vec<&str> = node.path.iter().map(String::as_str).collect();
    let found: Vec<&[String]> = match path.is_empty() {
        true => lines.iter().map(|line| line.words).collect(),
        false => lines.iter().filter_map(|line| line.behind(tree, &path)).collect(),
    };
    let title = format!("{tree}: {}", path.join(" "));
    if found.is_empty() {
        return vec![title];
    }
    let lacks =
        |param: &&Param| !param.options.is_empty() && !param.options.iter().any(|option| is_used(option, &found));
    let options =
        node.params.iter().filter(lacks).filter(|param| !param.options.iter().any(|option| option == "--help"));
    options.map(|param| format!("{title} {}", param.options.join("/"))).collect()
}

fn is_used(option: &str, lines: &[&[String]]) -> bool {
    let with_value = format!("{option}=");
    lines.iter().flat_map(|words| words.iter()).any(|word| word == option || word.starts_with(&with_value))
}
