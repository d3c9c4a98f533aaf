//! The messages quoted in docs/errors.md and docs/authentication.md exist: in the program, in a test that expects them, or
//! in a list of the server's.

use std::fs;

use anyhow::{Result, ensure};
use regex::Regex;

use crate::support::{files_below, project};

/// Messages of the Rucio server 41.5.1.
const FROM_SERVER: [&str; 3] = [
    "Cannot authenticate to account jdoe with given credentials",
    "Data identifier 'test:f' not found",
    "RSE Expression resulted in an empty set.",
];

/// Messages in the first column of tables whose header starts with `message`.
fn quoted(text: &str) -> Vec<String> {
    let mut is_message = false;
    let mut quoted = Vec::new();
    for line in text.lines() {
        is_message = line.starts_with('|') && (is_message || line.starts_with("| message |"));
        let first = line.replace(r"\|", "\0").split('|').nth(1).unwrap_or_default().to_owned();
        if is_message {
            quoted.extend(first.split('`').skip(1).step_by(2).map(|text| text.replace('\0', "|")));
        }
    }
    quoted
}

/// The sources, with strings of several lines joined.
fn sources() -> Result<Vec<String>> {
    let joint = Regex::new(r"\\\n\s*")?;
    let mut sources: Vec<_> = FROM_SERVER.map(str::to_owned).into();
    for folder in ["src", "tests"] {
        let folder = project().join(folder);
        for path in files_below(&folder)?.into_iter().filter(|path| path.ends_with(".rs")) {
            let text = fs::read_to_string(folder.join(path))?;
            sources.push(joint.replace_all(&text, "").replace("\\\"", "\""));
        }
    }
    Ok(sources)
}

fn exists(message: &str, sources: &[String]) -> bool {
    let parts: Vec<_> = message.split('…').map(|part| part.trim_matches([' ', ',', ':', '.'])).collect();
    let parts: Vec<_> = parts.into_iter().filter(|part| part.len() > 2).collect();
    !parts.is_empty() && sources.iter().any(|source| parts.iter().all(|part| source.contains(part)))
}

#[test]
fn error_messages_in_docs_exist() -> Result<()> {
    let sources = sources()?;
    for (page, at_least) in [("docs/errors.md", 50), ("docs/authentication.md", 15)] {
        let messages = quoted(&fs::read_to_string(project().join(page))?);
        ensure!(messages.len() > at_least, "{page}: only {} messages", messages.len());
        let missing: Vec<_> = messages.iter().filter(|message| !exists(message, &sources)).collect();
        ensure!(missing.is_empty(), "{page}: no source has {missing:#?}");
    }
    Ok(())
}
