//! `{placeholders}` in command lines: the testbed's paths, the case's unique name, output of preparations.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use regex::{Captures, Regex};

use super::case::{Case, Line};
use crate::support::Testbed;

/// Placeholder -> variable of the testbed.
const PLACES: [(&str, &str); 8] = [
    ("certs", "CERTS"),
    ("configs", "CONFIGS"),
    ("url", "URL"),
    ("second", "SECOND_URL"),
    ("davs", "DAVS"),
    ("dav", "DAV"),
    ("xrootd", "XROOTD"),
    ("storage", "STORAGE"),
];

/// A unique name: as it is, and in capitals, as RSEs are named.
const NEW: [&str; 2] = ["new", "NEW"];

fn pattern() -> Result<Regex> {
    Ok(Regex::new(r"\{([a-z]+|NEW)\}")?)
}

/// All command lines of a case.
fn lines(case: &Case) -> impl Iterator<Item = &Line> {
    let same_as = case.differs.iter().flat_map(|differs| &differs.same_as);
    std::iter::once(&case.line).chain(case.before.iter().map(|step| &step.line)).chain(&case.after).chain(same_as)
}

/// Refuse a placeholder that nothing fills.
pub(super) fn known_placeholders(case: &Case) -> Result<()> {
    let pattern = pattern()?;
    let captured: Vec<&str> = case.before.iter().filter_map(|step| step.capture.as_deref()).collect();
    let section = case.options.env.iter().map(|(_, value)| value.as_str());
    for text in lines(case).map(|line| line.text.as_str()).chain(section) {
        for found in pattern.captures_iter(text) {
            let name = &found[1];
            let known = NEW.contains(&name) || name == "work" || PLACES.iter().any(|(place, _)| *place == name);
            ensure!(known || captured.contains(&name), "nothing fills {{{name}}}");
        }
    }
    Ok(())
}

/// Whether the case makes something new on the server.
pub(super) fn mentions_new(case: &Case) -> bool {
    lines(case).any(|line| NEW.iter().any(|new| line.text.contains(&format!("{{{new}}}"))))
}

/// The values of the placeholders in one run of a case.
#[derive(Debug)]
pub(super) struct Placeholders(BTreeMap<String, String>);

impl Placeholders {
    /// The testbed's paths, a unique name and the working folder.
    pub(super) fn new(name: &str, work: &Path) -> Result<Self> {
        let testbed = Testbed::get()?;
        let mut places = Self::of_run(name, work);
        for (place, variable) in PLACES {
            places.0.insert(place.to_owned(), testbed.value(variable)?.to_owned());
        }
        Ok(places)
    }

    fn of_run(name: &str, work: &Path) -> Self {
        let [new, capitals] = NEW.map(str::to_owned);
        let work = ("work".to_owned(), work.to_string_lossy().into_owned());
        Self(BTreeMap::from([(new, name.to_owned()), (capitals, name.to_uppercase()), work]))
    }

    /// Remember what a preparation printed first, up to a blank or comma.
    pub(super) fn capture(&mut self, name: &str, stdout: &str) -> Result<()> {
        let first = stdout.split([' ', ',', '\n']).next().filter(|word| !word.is_empty());
        self.0.insert(name.to_owned(), first.context("the preparation printed nothing")?.to_owned());
        Ok(())
    }

    /// The text with its placeholders filled in.
    pub(super) fn fill(&self, text: &str) -> Result<String> {
        let pattern = pattern()?;
        let filled = pattern
            .replace_all(text, |found: &Captures| self.0.get(&found[1]).map_or(&found[0], String::as_str).to_owned());
        if let Some(left) = pattern.captures_iter(text).find(|found| !self.0.contains_key(&found[1])) {
            bail!("{} is not known yet", &left[0]);
        }
        Ok(filled.into_owned())
    }

    /// Put the placeholders back for what differs between the two runs.
    pub(super) fn take_out(&self, text: &str) -> String {
        ["work"]
            .iter()
            .chain(&NEW)
            .fold(text.to_owned(), |text, name| text.replace(&self.0[*name], &format!("{{{name}}}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholder_of_a_fresh_name_is_replaced_in_both_cases() {
        let places = Placeholders::of_run("diff-1a", Path::new("/w"));
        let line = "rucio rse add {NEW} {new} {work}/f";
        let filled = places.fill(line).unwrap();
        assert_eq!(filled, "rucio rse add DIFF-1A diff-1a /w/f");
        assert_eq!(places.take_out(&filled), line);
        assert!(places.fill("{NEWS} {OLD}").is_ok_and(|text| text == "{NEWS} {OLD}"));
    }
}
