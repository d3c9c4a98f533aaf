//! stderr: each line that the official client writes must be in ours, which may have more lines, and more text at the end of a
//! line. Lines that ours need not have are named here, or by the case, and explained in docs/differences.md.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;

use anyhow::{Context, Result};
use regex::Regex;
use serde_json::json;

use super::case::Case;
use crate::support::{Outcome, var};

/// Lines that ours need not have: the difference that docs/differences.md explains, and a pattern of the line.
const NAMED: [(&str, &str); 4] = [
    ("stderr-debug", r"^DEBUG\t"),
    (
        "stderr-words",
        concat!(
            r"^ERROR\t(ConnectionError: |(list|tuple) index out of range|\[Errno \d+\] |'NoneType' object|expected str, bytes or|",
            r"rucio\.common\.|time data '|Cannot run that operation|",
            r"'nosuch' is not one of \.|--download-urls requires|Invalid leading whitespace)|",
            r"^WARNING\tAn item did not have any DIDs after resolving the input: \{|^WARNING\tScope |",
            r"^Details: (Endpoints in '|No protocol for provided|Cannot find a valid X509 proxy; checked|",
            r"Data identifier 'test:(a|with)|Multiple file items with|Dataset \S+ exists and lifetime|Option 'password'|(?i:nosuch) is not a valid type)|",
            r"^(The object is missing this property: |This should never happen\. |file: '|'nonsense|\[Errno \d+\] )",
        ),
    ),
    (
        "stderr-unexpected",
        concat!(
            r"^Rucio exited with an unexpected/unknown error\.|^Please rerun the last command with|",
            r"^If you're sure there is a problem with Rucio itself"
        ),
    ),
    (
        "stderr-attempts",
        concat!(
            r"^WARNING\tDownload attempt failed\. Try 2/2|^INFO\t(Trying to download with|Using PFN: )\s*davs|",
            r"^WARNING\tFailed to create protocol for PFN: "
        ),
    ),
];

/// What differs from run to run, and its replacement.
const VOLATILE: [(&str, &str); 14] = [
    // colours
    (r"\x1b\[[0-9;]*m", ""),
    (r"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\t", ""),
    // the source file of a debug message
    (r"(?m)^DEBUG\t\w+\.\w+\t", "DEBUG\t"),
    (r"Thread \d+/\d+: ", ""),
    (r"successfully downloaded(?:\. \S+ \S+)? in [\d.]+ seconds(?: = [\d.]+ MBps)?", "successfully downloaded <speed>"),
    // signatures, which ours does not show
    (r"\?(?:X-Amz-\S*|\[hidden\])", ""),
    // temporary names, which end with digits of their own here, in folders named after a hash
    (r"(?:\.[0-9a-f]{12})?\.rucio\.upload\b", ".rucio.upload"),
    (r"/[0-9a-f]{2}/[0-9a-f]{2}/", "/<hash>/"),
    (r"\b[0-9a-f]{32}\b", "<id>"),
    // blanks within a message
    (r" {2,}", " "),
    // folders of this run
    (r"/tmp/\.tmp\w+/", "/tmp/<run>/"),
    // why no connection was made, in the words of a library
    (r"(ConnectionError: .* Max retries exceeded with url: \S+) .*", "$1 <reason>"),
    // the official client counts one more
    (r"found \d+ colons", "found <number> colons"),
    (r"\bin [\d.]+ ?s(?:econds)?\b", "in <time>"),
];

/// The lines of the official client's stderr, and what became of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Messages {
    pub(super) official: usize,
    /// Lines that ours lacks, by the difference that explains it.
    pub(super) explained: BTreeMap<String, usize>,
    /// Lines that ours lacks without an explanation.
    pub(super) missing: Vec<String>,
}

/// Where a line of the official client comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Client,
    /// A traceback or a warning of the interpreter.
    Python,
    /// Help or usage.
    Help,
}

impl Messages {
    /// Compares two texts. `case` names the difference that explains all missing lines, if there is one.
    pub(super) fn compare(official: &str, ours: &str, case: Option<&str>) -> Result<Self> {
        let (official, mut there) = (lines(official)?, lines(ours)?);
        let mut messages = Self { official: official.len(), ..Self::default() };
        for (line, source) in official.iter().zip(sources(&official)?) {
            if let Some(at) = there.iter().position(|ours| is_line(ours, line)) {
                there.remove(at);
                continue;
            }
            match explanation(line, source, case)? {
                Some(id) => *messages.explained.entry(id.to_owned()).or_default() += 1,
                None => messages.missing.push(line.clone()),
            }
        }
        Ok(messages)
    }
}

impl Messages {
    /// What is wrong: lines are missing that nothing explains, or the difference that the case names is none.
    pub(super) fn complaint(&self, differs: Option<&str>) -> Option<String> {
        if !self.missing.is_empty() {
            let lines: String = self.missing.iter().map(|line| format!("  {line}\n")).collect();
            return Some(format!("stderr of ours lacks these lines of the official client:\n{lines}"));
        }
        let id = differs.filter(|id| !self.explained.contains_key(*id))?;
        Some(format!("no difference of stderr left that docs/differences.md calls {id}\n"))
    }
}

/// Differences whose lines are those of Python, or help, which has words of our own.
const OTHER_TEXT: [&str; 2] = ["help-text", "stderr-python"];
/// Differences of wording. All others are of behaviour: the lines tell of something that this client does not do.
const WORDING: [&str; 5] = ["stderr-debug", "stderr-words", "stderr-unexpected", "stderr-usage", "stderr-upload"];

/// Tells how many lines of the official client are in ours, and why the others are not.
pub(super) fn report(lines: usize, missing: usize, explained: &BTreeMap<String, usize>) -> String {
    let sum = |is_counted: &dyn Fn(&str) -> bool| -> usize {
        explained.iter().filter(|(id, _)| is_counted(id)).map(|(_, number)| number).sum()
    };
    let other_text = sum(&|id| OTHER_TEXT.contains(&id));
    let worded = missing + sum(&|id| WORDING.contains(&id));
    let behaviour = sum(&|id| !OTHER_TEXT.contains(&id) && !WORDING.contains(&id));
    let compared = lines - other_text;
    let there = compared - worded - behaviour;
    let share = |of: usize| 100.0 * there as f64 / of.max(1) as f64;
    let reasons: Vec<_> = explained.iter().map(|(id, number)| format!("{id} {number}")).collect();
    format!(
        "stderr: {lines} lines of the official client, {other_text} of them help or of Python. Of the other {compared}, \
         {there} are in ours: {:.1} %, and {:.1} % without the {behaviour} that tell of what ours does not do. \
         {missing} are missing without a name. By name: {}",
        share(compared),
        share(compared - behaviour),
        reasons.join(", ")
    )
}

/// Returns the difference that explains a missing line.
fn explanation<'a>(line: &str, source: Source, case: Option<&'a str>) -> Result<Option<&'a str>> {
    match source {
        Source::Python => return Ok(Some("stderr-python")),
        Source::Help => return Ok(Some("help-text")),
        Source::Client if case.is_some() => return Ok(case),
        Source::Client => {}
    }
    for (id, pattern) in NAMED {
        if Regex::new(pattern)?.is_match(line) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// Names of all differences of this file.
pub(super) fn differences() -> impl Iterator<Item = &'static str> {
    NAMED.into_iter().map(|(id, _)| id).chain(["stderr-python", "help-text"])
}

/// Whether our line is that of the official client, with or without more behind it.
fn is_line(ours: &str, official: &str) -> bool {
    let more = ours.strip_prefix(official);
    more.is_some_and(|more| more.is_empty() || official.ends_with(['.', ':']) || more.starts_with([' ', ':', ',', '.']))
}

/// The text without what differs from run to run.
pub(super) fn steady(text: &str) -> Result<String> {
    let mut text = text.to_owned();
    for (pattern, replacement) in VOLATILE {
        text = Regex::new(pattern)?.replace_all(&text, replacement).into_owned();
    }
    Ok(text)
}

/// The lines without what differs from run to run, blanks at their ends, and lines without a text.
fn lines(text: &str) -> Result<Vec<String>> {
    let text = steady(text)?;
    Ok(text.lines().map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty() && line != "ERROR").collect())
}

/// Returns the source of each line.
fn sources(lines: &[String]) -> Result<Vec<Source>> {
    let warning = Regex::new(r"\.py:\d+: \w*Warning: ")?;
    let chained = ["During handling of", "The above exception was"];
    let (mut sources, mut block) = (Vec::new(), Source::Client);
    for line in lines {
        let is_indented = line.starts_with([' ', '\t']);
        let starts_traceback = line.ends_with("Traceback (most recent call last):");
        if starts_traceback || warning.is_match(line) {
            block = Source::Python;
        } else if ["usage: ", "Usage: ", "ERROR\tUsage: ", "Try '"].iter().any(|start| line.starts_with(start)) {
            block = Source::Help;
        } else if block == Source::Python && !is_indented && !chained.iter().any(|start| line.starts_with(start)) {
            // The last line of a traceback names the exception; its details may follow.
            let is_exception = line
                .split(':')
                .next()
                .is_some_and(|name| name.chars().all(|c| c.is_alphanumeric() || "._".contains(c)));
            let is_end = is_exception && !line.contains('\t');
            sources.push(if is_end { Source::Python } else { Source::Client });
            block = if is_end { Source::Python } else { Source::Client };
            continue;
        } else if block == Source::Help && !is_indented && !["Options:", "Commands:"].contains(&line.as_str()) {
            block = Source::Client;
        }
        sources.push(block);
    }
    Ok(sources)
}

/// Appends both texts, and what ours lacks, to the file that `RUCIO_DIFF_STDERR` names.
pub(super) fn record(case: &Case, official: &Outcome, ours: &Outcome, messages: &Messages) -> Result<()> {
    let Some(path) = var("RUCIO_DIFF_STDERR") else { return Ok(()) };
    let line = json!({
        "case": case.title(),
        "official": official.stderr,
        "ours": ours.stderr,
        "explained": messages.explained,
        "missing": messages.missing,
    });
    let mut file = OpenOptions::new().create(true).append(true).open(&path).with_context(|| path.clone())?;
    Ok(file.write_all(format!("{line}\n").as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(official: &str, ours: &str) -> Vec<String> {
        Messages::compare(official, ours, None).unwrap().missing
    }

    #[test]
    fn messages_that_are_missing_or_changed_are_found() {
        let official = "2026-11-22 04:29:53,001\tERROR\tRSE does not exist.\nDetails: RSE 'X' not found\n";
        assert_eq!(missing(official, official), Vec::<String>::new());
        let more = "\x1b[31;1m2026-01-02 03:04:05,999\tERROR\tRSE does not exist.\x1b[0m\nDetails: RSE 'X' not found: why\nx\n";
        assert_eq!(missing(official, more), Vec::<String>::new());
        let other = "2026-01-02 03:04:05,999\tWARNING\tRSE does not exist.\nDetails: RSE 'XY' not found\n";
        assert_eq!(missing(official, other), ["ERROR\tRSE does not exist.", "Details: RSE 'X' not found"]);
        assert_eq!(missing("INFO\tx\nINFO\tx\n", "INFO\tx\n"), ["INFO\tx"], "each line counts");
        assert_eq!(missing("INFO\tRSE X\n", "INFO\tRSE XY\n"), ["INFO\tRSE X"]);
    }

    #[test]
    fn messages_are_reported_with_their_share() {
        let explained = [("help-text", 10), ("stderr-python", 20), ("stderr-words", 5), ("output-formats", 25)];
        let explained = explained.map(|(id, number)| (id.to_owned(), number)).into();
        let text = report(130, 0, &explained);
        assert!(text.contains("30 of them help or of Python. Of the other 100, 70 are in ours: 70.0 %"), "{text}");
        assert!(text.contains("93.3 % without the 25 that"), "{text}");
    }

    #[test]
    fn messages_of_python_and_of_help_are_told_apart() {
        let official = "a.py:1: UserWarning: x\n  warn()\nusage: rucio\n  [-h]\nrucio: error: x\nTraceback (most recent call last):\n  \
                        File \"x\"\nValueError: no\nERROR\ty\n";
        let messages = Messages::compare(official, "", None).unwrap();
        assert_eq!(messages.missing, ["rucio: error: x", "ERROR\ty"]);
        let counts = BTreeMap::from([("help-text".to_owned(), 2), ("stderr-python".to_owned(), 5)]);
        assert_eq!((messages.explained, messages.official), (counts, 9));
    }

    #[test]
    fn messages_that_a_case_explains_are_counted_under_its_name() {
        let messages = Messages::compare("ERROR\tx\n", "ERROR\ty\n", Some("some-id")).unwrap();
        assert_eq!(messages.explained, BTreeMap::from([("some-id".to_owned(), 1)]));
        assert_eq!(messages.complaint(Some("some-id")), None);
    }

    #[test]
    fn messages_that_nothing_explains_and_names_that_explain_nothing_are_complaints() {
        let complaint = |ours: &str, case: Option<&str>| {
            Messages::compare("ERROR\tx\n", ours, case).unwrap().complaint(case).unwrap_or_default()
        };
        assert!(complaint("ERROR\ty\n", None).ends_with("\n  ERROR\tx\n"));
        assert!(complaint("ERROR\tx\n", Some("some-id")).contains("calls some-id"));
        assert_eq!(complaint("ERROR\tx\n", None), "");
    }
}
