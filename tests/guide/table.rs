//! docs/documents.md and the list of commands in the documents.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, ensure};

use crate::support::project;

/// Means: the line of the document.
const AS_WRITTEN: &str = "*as written*";

/// A row of docs/documents.md.
#[derive(Debug)]
pub(super) struct Row {
    /// `docs/documents.md:12`.
    pub(super) place: String,
    pub(super) document: String,
    /// The command line of the document.
    pub(super) there: String,
    /// Its equivalents here.
    pub(super) here: Vec<String>,
    /// Required options of `[client]`: lines of `option = value`.
    pub(super) options: Vec<String>,
}

/// All rows, in their order.
pub(super) fn rows() -> Result<Vec<Row>> {
    let (mut document, mut rows) = (String::new(), Vec::new());
    for (number, line) in fs::read_to_string(project().join("docs/documents.md"))?.lines().enumerate() {
        let place = format!("docs/documents.md:{}", number + 1);
        if let Some(title) = line.strip_prefix("## ") {
            document = title.to_owned();
        } else if line.starts_with("| `") {
            rows.push(row(place.clone(), &document, line).context(place)?);
        }
    }
    Ok(rows)
}

fn row(place: String, document: &str, line: &str) -> Result<Row> {
    // A bar within a cell has a backslash before it.
    let line = line.replace(r"\|", "\0");
    let cells: Vec<_> = line.split('|').map(|cell| cell.trim().replace('\0', "|")).collect();
    let [_, there, here, with, _] = &cells[..] else { anyhow::bail!("not three columns") };
    let there = spans(there).into_iter().next().context("no command line on the left")?;
    let here = if here.starts_with(AS_WRITTEN) { format!("`{there}`{here}") } else { here.clone() };
    let options = spans(with).into_iter().filter(|span| span.contains(" = ")).collect();
    let here = spans(&here);
    ensure!(!here.is_empty(), "no equivalent");
    Ok(Row { place, document: document.to_owned(), there, here, options })
}

/// The texts between backquotes.
fn spans(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Document and command line, of the documents themselves.
fn documents() -> Result<BTreeSet<(String, String)>> {
    let text = fs::read_to_string(project().join("tests/guide/documents.txt"))?;
    let mut document = "";
    let mut lines = BTreeSet::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            Some(name) => document = name,
            None => drop(lines.insert((document.to_owned(), line.to_owned()))),
        }
    }
    Ok(lines)
}

#[test]
fn guide_has_every_command_line_of_the_documents() -> Result<()> {
    let shown: BTreeSet<_> = rows()?.into_iter().map(|row| (row.document, row.there)).collect();
    let known = documents()?;
    ensure!(known.len() > 40, "{known:?}");
    let missing: Vec<_> = known.difference(&shown).collect();
    ensure!(missing.is_empty(), "not in docs/documents.md: {missing:?}");
    let invented: Vec<_> = shown.difference(&known).collect();
    ensure!(invented.is_empty(), "in no document: {invented:?}");
    Ok(())
}

#[test]
fn guide_cells_are_read_with_their_bars() -> Result<()> {
    let row = row("x:1".into(), "d", r"| `a \| b` | *as written*, `c` | `k = v`, a word, `w` |")?;
    ensure!(row.there == "a | b" && row.here == ["a | b", "c"] && row.options == ["k = v"], "{row:?}");
    Ok(())
}
