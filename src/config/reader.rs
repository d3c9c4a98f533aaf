//! Parses a configuration file like Python's `configparser` in its strict mode, so that both clients read the same
//! values.

use super::DEFAULT;
use crate::{Error, Result, exceptions::Exception};
use std::{
    collections::{HashMap, hash_map},
    path::Path,
};

/// An option as written in the file: not interpolated, with its first line.
pub(super) struct Entry {
    pub(super) raw: String,
    pub(super) line: usize,
}

/// Options by their lower-case names.
pub(super) type Section = HashMap<String, Entry>;

/// Parses the text of the file at `path`; the path is only for messages.
pub(super) fn read(text: &str, path: &Path) -> Result<HashMap<String, Section>> {
    let mut reader = ConfigReader { path, sections: HashMap::new(), section: None, option: None, indent: 0, number: 0 };
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    for line in text.split('\n') {
        reader.number += 1;
        reader.line(line)?;
    }
    for entry in reader.sections.values_mut().flat_map(Section::values_mut) {
        entry.raw.truncate(entry.raw.trim_end().len());
    }
    Ok(reader.sections)
}

struct ConfigReader<'a> {
    path: &'a Path,
    sections: HashMap<String, Section>,
    /// The section of the next option.
    section: Option<String>,
    /// The option that an indented line continues.
    option: Option<String>,
    /// Indentation of the last header or option, in characters.
    indent: usize,
    number: usize,
}

impl ConfigReader<'_> {
    fn line(&mut self, line: &str) -> Result<()> {
        let text = line.trim();
        if text.starts_with(['#', ';']) {
            return Ok(());
        }
        let indent = line.chars().take_while(|c| c.is_whitespace()).count();
        if text.is_empty() || (self.option.is_some() && indent > self.indent) {
            self.continue_value(text);
            return Ok(());
        }
        self.indent = indent;
        match header(text) {
            Some(name) => self.start_section(name),
            None => self.add_option(text),
        }
    }

    /// Adds a line to a value. An empty line is part of the value, unless nothing follows it.
    fn continue_value(&mut self, text: &str) {
        let section = self.section.as_ref().and_then(|name| self.sections.get_mut(name));
        if let Some(entry) = section.zip(self.option.as_ref()).and_then(|(section, name)| section.get_mut(name)) {
            entry.raw.push('\n');
            entry.raw.push_str(text);
        }
    }

    fn start_section(&mut self, name: &str) -> Result<()> {
        let twice = self.sections.contains_key(name);
        if twice && name != DEFAULT {
            return Err(self.wrong(format!("section [{name}] is there already"), "Put its options into one section."));
        }
        self.sections.entry(name.to_owned()).or_default();
        self.section = Some(name.to_owned());
        self.option = None;
        Ok(())
    }

    fn add_option(&mut self, text: &str) -> Result<()> {
        let Some(section) = &self.section else {
            return Err(self.wrong("no section has started yet", "Start with a line such as [client]."));
        };
        // The line itself is not shown: it may contain a password.
        let Some((name, value)) = text.split_once(['=', ':']).filter(|(name, _)| !name.trim().is_empty()) else {
            let hint = "Write an option as `name = value`, and indent the further lines of a value.";
            return Err(self.wrong("this is neither a section nor an option", hint));
        };
        let name = name.trim_end().to_lowercase();
        let entry = Entry { raw: value.trim().to_owned(), line: self.number };
        match self.sections.entry(section.clone()).or_default().entry(name.clone()) {
            hash_map::Entry::Vacant(place) => place.insert(entry),
            hash_map::Entry::Occupied(first) => {
                let what = format!("option '{name}' is there already, in line {}", first.get().line);
                return Err(self.wrong(what, "Remove one of the two."));
            }
        };
        self.option = Some(name);
        Ok(())
    }

    fn wrong(&self, what: impl std::fmt::Display, hint: &str) -> Error {
        let details = format!("{0}\n{0}, line {1}: {what}.", self.path.display(), self.number);
        Error::new(Exception::ConfigLoadingError, details).with_hint(hint)
    }
}

/// Returns the name in a section header: all between the first and the last bracket; the rest is ignored.
pub(super) fn header(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('[')?;
    inner.rfind(']').map(|end| &inner[..end]).filter(|name| !name.is_empty())
}
