//! Every command and every option of the official client stands in at least one case of the differential test.

use anyhow::{Result, ensure};

use super::{Node, Param, official_trees};
use crate::differential::{Case, all_cases};

/// Options that no case can have, and why.
const WITHOUT_CASE: [(&str, &str); 0] = [];

#[test]
fn every_command_and_option_has_a_case() -> Result<()> {
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

/// A command line of a case, its program as the tree it belongs to.
struct Line<'a> {
    program: &'a str,
    words: &'a [String],
    legacy: bool,
}

impl<'a> Line<'a> {
    fn of(case: &'a Case) -> Vec<Self> {
        let all = std::iter::once(&case.line).chain(&case.after);
        let line =
            |words: &'a [String], program| Self { program, words, legacy: words.iter().any(|word| word == "--legacy") };
        all.map(|found| line(&found.words, found.program.as_str())).collect()
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
