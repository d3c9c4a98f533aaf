//! Malicious documents for `--metalink`.

use std::fmt::Write;
use std::fs;

use anyhow::{Result, ensure};

use super::ended;
use super::names::{by_hand, generated, good};
use super::site::{Catalogue, Site, content};
use crate::fixtures::sandbox::Sandbox;
use crate::support::Outcome;

/// Placeholder for NUL, which XML cannot express.
const NO_NUL: &str = "\u{fffe}";

/// A document with these files, all of which are available; names are escaped for XML.
fn document(site: &Site, names: &[String]) -> String {
    let mut document = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<metalink>\n".to_owned();
    for (number, name) in names.iter().enumerate() {
        let name: String = name.chars().map(written).collect();
        let size = content(number).len();
        let _ = writeln!(
            document,
            "<file name=\"{name}\"><identity>s:{name}</identity><size>{size}</size><url location=\"R\">{}/f/{number}</url></file>",
            site.url()
        );
    }
    document + "</metalink>\n"
}

fn written(letter: char) -> String {
    match letter {
        '\0' => NO_NUL.to_owned(),
        '<' | '&' | '"' | '\'' | '\0'..='\x1f' | '\x7f'..='\u{9f}' => format!("&#{};", u32::from(letter)),
        letter => letter.to_string(),
    }
}

fn download(site: &Site, sandbox: &Sandbox, document: &[u8], words: &[&str]) -> Result<Outcome> {
    let path = site.home().path().join("all.meta4");
    fs::write(&path, document)?;
    let rucio = site.client()?.folder(&sandbox.around());
    rucio.args(["download", "--dir", "target", "--metalink", &path.to_string_lossy()]).args(words).run()
}

#[test]
fn hostile_metalink_names_do_not_lead_out_of_the_folder() -> Result<()> {
    for (words, folder) in [(vec![], "s"), (vec!["--no-subdir"], "")] {
        let sandbox = Sandbox::with_links()?;
        let site = Site::start(Catalogue::default(), |_| {})?;
        let mut names: Vec<_> = by_hand(&sandbox.outside()).into_iter().chain(generated()).collect();
        for number in 0..10 {
            names.insert(number * 100, good(number));
        }
        ended(&download(&site, &sandbox, document(&site, &names).as_bytes(), &words)?, 1)?;
        sandbox.is_untouched()?;
        for number in 0..10 {
            let text = fs::read_to_string(sandbox.target().join(folder).join(good(number)))?;
            ensure!(text == content(number * 100), "{} holds {text:?}", good(number));
        }
        for path in sandbox.files()? {
            let text = fs::read_to_string(&path)?;
            let number: usize = text.trim().trim_start_matches("this is file ").parse()?;
            let listed = names[number].replace('\0', NO_NUL);
            // A slash at the end is left out, as the official client does.
            let listed = listed.trim();
            let last = listed.strip_suffix('/').unwrap_or(listed).rsplit('/').next().map(str::trim);
            let here = path.file_name().unwrap_or_default().to_string_lossy().trim().to_owned();
            ensure!(last == Some(here.as_str()), "{:?} is at {}", names[number], path.display());
        }
    }
    Ok(())
}

/// A document that is none, or only the beginning of one, downloads nothing at all.
#[test]
fn hostile_metalink_that_is_malformed_writes_nothing() -> Result<()> {
    let site = Site::start(Catalogue::default(), |_| {})?;
    let whole = document(&site, &[good(0), good(1)]);
    let second = whole.rfind("<file").unwrap_or_default();
    let documents: [(&str, Vec<u8>); 9] = [
        ("cut behind a file", whole.as_bytes()[..second].to_vec()),
        ("cut in a file", whole.as_bytes()[..second + 30].to_vec()),
        ("empty", Vec::new()),
        ("a web page", b"<html><body>busy".to_vec()),
        ("JSON", br#"{"scope": "s"}"#.to_vec()),
        ("no DID", b"<m><file><identity>nothing</identity></file></m>".to_vec()),
        ("no UTF-8", [b"<m><file><identity>s:\xff\xfe", &whole.as_bytes()[second..]].concat()),
        (
            "an entity of its own",
            b"<!DOCTYPE m [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><m><file><identity>s:&x;</identity></file></m>"
                .to_vec(),
        ),
        ("two documents", [whole.as_bytes(), whole.as_bytes()].concat()),
    ];
    for (what, document) in documents {
        let sandbox = Sandbox::new()?;
        let outcome = download(&site, &sandbox, &document, &[])?;
        ensure!(outcome.code != 0, "{what}: {outcome:?}");
        ended(&outcome, outcome.code)?;
        sandbox.is_untouched()?;
        ensure!(sandbox.files()?.is_empty(), "{what}: {:?}", sandbox.files()?);
    }
    Ok(())
}
