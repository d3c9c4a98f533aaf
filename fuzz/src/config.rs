//! The configuration reader: whatever a file holds, it means one thing or is refused with the line that is wrong.

use std::collections::BTreeSet;

use rucio::config::{Config, Overrides, Settings, explain};
use rucio::env_vars::Env;

/// Where the text would lie.
const PATH: &str = "rucio.cfg";

/// What a file says: section, option, line and value.
type Said = Vec<(String, String, usize, Option<String>)>;

/// A file is read, or refused with one of its lines; how its lines end, and remarks between sections, make no difference;
/// written down anew it says the same.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let lines = text.replace("\r\n", "\n").replace('\r', "\n").split('\n').count();
    let config = match Config::parse(text, PATH) {
        Ok(config) => config,
        Err(error) => return refused(&error.to_string(), lines),
    };
    let sections = sections(text);
    let said = said(&config, &sections);
    well_formed(&config, &said, lines);
    let unix = text.replace("\r\n", "\n").replace('\r', "\n");
    same(&said, &unix.replace('\n', "\r\n"), &sections);
    same(&said, &format!("{unix}\n# a remark\n\n; another\n"), &sections);
    if !text.contains('%') {
        written_anew(&said, &sections);
    }
    typed(&config, &said);
}

/// The message names a line of the file.
fn refused(message: &str, lines: usize) {
    let line = message.split_once("rucio.cfg, line ").and_then(|(_, rest)| rest.split_once(':')?.0.parse().ok());
    assert!(line.is_some_and(|line: usize| (1..=lines).contains(&line)), "{message}");
}

/// All that may be the name of a section.
fn sections(text: &str) -> BTreeSet<String> {
    let lines = text.split(['\n', '\r']).map(str::trim);
    let named = lines.filter_map(|line| {
        let inner = line.trim_start_matches('\u{feff}').strip_prefix('[')?;
        Some(inner[..inner.rfind(']')?].to_owned())
    });
    named.chain(["DEFAULT".to_owned(), "client".to_owned()]).collect()
}

fn said(config: &Config, sections: &BTreeSet<String>) -> Said {
    let of = |section: &String| {
        let options = config.options(section).into_iter();
        let all = options.map(|(option, line)| (section.clone(), option.to_owned(), line, config.get(section, option)));
        all.collect::<Vec<_>>()
    };
    sections.iter().flat_map(of).collect()
}

fn well_formed(config: &Config, said: &Said, lines: usize) {
    for (section, option, line, value) in said {
        assert!(value.is_some(), "[{section}] {option} is there and has no value");
        assert!((1..=lines).contains(line), "[{section}] {option} in line {line} of {lines}");
        assert_eq!(option, option.trim(), "[{section}]");
        assert_eq!(*option, option.to_lowercase(), "[{section}]");
        if option.is_ascii() {
            assert_eq!(config.get(section, &option.to_uppercase()), *value, "[{section}] {option}");
        }
    }
    for section in config.client_sections() {
        assert!(config.has_section(&section), "[{section}]");
    }
}

/// Another text says the same, in whichever lines.
fn same(said: &Said, text: &str, sections: &BTreeSet<String>) {
    let config = Config::parse(text, PATH).expect("the same in other words is read as well");
    let without_lines = |said: Said| said.into_iter().map(|(section, option, _, value)| (section, option, value));
    let mut now: Vec<_> = without_lines(self::said(&config, sections)).collect();
    let mut before: Vec<_> = without_lines(said.clone()).collect();
    now.sort();
    before.sort();
    assert_eq!(now, before, "{text:?}");
}

fn written_anew(said: &Said, sections: &BTreeSet<String>) {
    let mut text = String::new();
    for section in sections.iter().filter(|name| !name.is_empty()) {
        text.push_str(&format!("[{section}]\n"));
        for (_, option, _, value) in said.iter().filter(|(of, ..)| of == section) {
            let value = value.as_deref().unwrap_or_default().replace('\n', "\n \t");
            text.push_str(&format!("{option} = {value}\n"));
        }
    }
    same(said, &text, sections);
}

/// No value is too odd to be asked for as a number, a list or a setting.
fn typed(config: &Config, said: &Said) {
    for (section, option, ..) in said {
        // What is no number is an error; all that matters here is that there is an answer.
        let _ = (config.bool(section, option), config.int(section, option), config.float(section, option));
        assert!(config.list(section, option).iter().all(|item| !item.is_empty() && item.trim() == item));
    }
    let env = Env::fixed([("HOME", "/home/nobody"), ("LOGNAME", "nobody")]);
    let overrides = Overrides::default();
    let _ = (Settings::resolve(&overrides, &env, config), explain(&overrides, &env, config));
}
