//! `docs/cli-reference.md`.

use std::fmt::Write;

use super::entry::{Entry, Tree};

const INTRODUCTION: &str = "\
# Command line reference

Generated from the program's own definitions. `rucio COMMAND --help` shows the same. Commands come first, then legacy commands,
then commands for administrators.
";

const TITLES: [&str; 3] = ["Commands", "Legacy commands", "Commands for administrators"];

pub(super) fn page(trees: &[Tree; 3]) -> String {
    let mut page = INTRODUCTION.to_owned();
    page += "\n## Global options\n\nThey may also follow a current command that has no option of that name; `--output` and `--quiet` may follow any.\n\n";
    page += &table("option", &trees[0].global);
    page += "\n## Environment\n\n";
    page += &table("variable", &super::man::variables());
    for (tree, title) in trees.iter().zip(TITLES) {
        // Writing to a String cannot fail.
        let _ = write!(page, "\n## {title}\n");
        tree.entries().for_each(|entry| page += &section(entry));
    }
    page
}

fn section(entry: &Entry) -> String {
    let mut text = format!("\n### `{}`\n\n{}\n", entry.name, prose(&entry.about));
    if entry.is_group {
        return text;
    }
    text += &format!("\n    {}\n", entry.usage);
    if !entry.aliases.is_empty() {
        text += &format!("\nAlso `{}`.\n", entry.aliases.join("`, `"));
    }
    if !entry.options.is_empty() {
        text += &format!("\n{}", table("option", &entry.options));
    }
    text
}

/// Paragraphs; an example becomes a line of code.
fn prose(about: &str) -> String {
    let paragraphs = about.split("\n\n").map(|paragraph| match paragraph.strip_prefix("Example: ") {
        Some(example) => format!("    {example}"),
        None => escaped(paragraph),
    });
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

fn table(what: &str, rows: &[(String, String)]) -> String {
    let mut text = format!("| {what} | |\n|---|---|\n");
    for (name, help) in rows {
        let help = escaped(help).replace('|', "\\|").replace('\n', " ");
        text += &format!("| `{name}` | {help} |\n");
    }
    text
}

/// Text in which only backticks are markup.
fn escaped(text: &str) -> String {
    let pieces = text.split('`').enumerate().map(|(number, piece)| match number % 2 {
        0 => piece.replace('<', "\\<").replace('*', "\\*"),
        _ => piece.to_owned(),
    });
    pieces.collect::<Vec<_>>().join("`")
}
