//! The reference pages: `docs/cli-reference.md` and the man pages in `docs/man`, generated from the program's own definitions.
//!
//! `RUCIO_BLESS=1 cargo test --test standalone reference` updates them; without it they are compared.

mod entry;
mod man;
mod markdown;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use entry::{Entry, Tree};

use crate::support::{project, unified, var};

/// All pages: path below `docs` -> text.
fn pages() -> BTreeMap<String, String> {
    let trees = Tree::all();
    let mut pages = man::pages(&trees);
    pages.insert("cli-reference.md".to_owned(), markdown::page(&trees));
    pages
}

#[test]
fn reference_pages_are_current() -> Result<()> {
    let docs = project().join("docs");
    let pages = pages();
    if var("RUCIO_BLESS").is_some() {
        return write(&docs, &pages);
    }
    let mut stale = Vec::new();
    for (name, text) in &pages {
        let there = fs::read_to_string(docs.join(name)).unwrap_or_default();
        if there != *text {
            stale.push(format!("{name}:\n{}", unified(&there, text)));
        }
    }
    for entry in fs::read_dir(docs.join("man")).context("docs/man")? {
        let name = format!("man/{}", entry?.file_name().to_string_lossy());
        ensure!(pages.contains_key(&name), "{name} is of no command");
    }
    ensure!(stale.is_empty(), "update them with RUCIO_BLESS=1; stale are\n{}", stale.join("\n"));
    Ok(())
}

fn write(docs: &Path, pages: &BTreeMap<String, String>) -> Result<()> {
    let man = docs.join("man");
    if man.exists() {
        fs::remove_dir_all(&man)?;
    }
    fs::create_dir_all(&man)?;
    pages.iter().try_for_each(|(name, text)| Ok(fs::write(docs.join(name), text)?))
}

/// Every command says what it does, and so does every option that is not hidden.
#[test]
fn reference_describes_everything() -> Result<()> {
    let mut silent = Vec::new();
    for tree in Tree::all() {
        for entry in tree.entries() {
            if entry.about.is_empty() {
                silent.push(entry.name.clone());
            }
            let bare = entry.options.iter().filter(|(_, help)| help.is_empty());
            silent.extend(bare.map(|(option, _)| format!("{}: {option}", entry.name)));
        }
    }
    ensure!(silent.is_empty(), "not described: {}", silent.join(", "));
    Ok(())
}

/// Commands people use daily show how.
#[test]
fn reference_has_an_example_for_daily_commands() -> Result<()> {
    const DAILY: [&str; 14] = [
        "rucio rse list",
        "rucio did list",
        "rucio did add",
        "rucio did content add",
        "rucio did metadata set",
        "rucio replica list file",
        "rucio rule add",
        "rucio rule list",
        "rucio rule update",
        "rucio download",
        "rucio upload",
        "rucio account limit list",
        "rucio list-files",
        "rucio add-rule",
    ];
    let trees = Tree::all();
    let entries: Vec<&Entry> = trees.iter().flat_map(Tree::entries).collect();
    for name in DAILY {
        let entry = entries.iter().find(|entry| entry.name == name).with_context(|| format!("no {name}"))?;
        ensure!(entry.about.contains("Example: rucio "), "{name} has no example");
    }
    Ok(())
}

/// Examples can be pasted: they are neither filled nor hyphenated, and have the characters of a shell.
#[test]
fn reference_man_pages_have_examples_to_paste() -> Result<()> {
    let pages = pages();
    let page = pages.get("man/rucio-download.1").context("rucio-download.1")?;
    let (_, rest) = page.split_once("\n.SH EXAMPLES\n.EX\n").context("no examples")?;
    let (examples, _) = rest.split_once("\n.EE\n").context("no end")?;
    let first = r#"rucio download \-\-dir data \-\-rses "cloud=CERN" user.jdoe:analysis.1 \(aqmc25:*.root\(aq"#;
    ensure!(examples.lines().next() == Some(first), "{examples}");
    ensure!(!pages.values().any(|page| page.contains("\nExample: ")), "an example is filled text");
    Ok(())
}

/// The man pages are what `man` understands: it complains of nothing.
#[test]
fn reference_man_pages_are_well_formed() -> Result<()> {
    for (name, text) in pages().iter().filter(|(name, _)| name.starts_with("man/")) {
        ensure!(text.starts_with(".TH "), "{name}");
        for part in ["\n.nh\n", "\n.SH SYNOPSIS\n.B rucio", "\n.SH SEE ALSO\n.BR "] {
            ensure!(text.contains(part), "{name} has no {part:?}");
        }
        let title = text.lines().next().unwrap_or_default();
        ensure!(title.contains(env!("CARGO_PKG_VERSION")) && title.contains("\"20"), "{name}: {title}");
        let bad = text.lines().find(|line| line.starts_with('\'') || (line.starts_with('.') && !man::is_request(line)));
        ensure!(bad.is_none(), "{name}: {bad:?} is no request");
    }
    Ok(())
}
