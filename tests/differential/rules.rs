//! What may differ between two runs of one client, by name. Each rule changes nothing but what it is named for.

use std::collections::HashMap;

use anyhow::{Context, Result};
use regex::{Captures, Regex};

/// A named rule that makes two right answers equal.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    change: Change,
}

#[derive(Debug, Clone)]
enum Change {
    /// Each match becomes this text.
    Replace(Regex, &'static str),
    /// Each distinct match becomes a number, the same match the same number.
    Number(Regex, &'static str),
    /// Sort the lines.
    Sort,
    /// Sort the parts between lines of 40 dashes: the DIDs of a download summary are in the order of their completion.
    SortParts,
}

/// Name, pattern, replacement; every pattern is anchored by what surrounds it.
const REPLACE: [(&str, &str, &str); 5] = [
    // 2026-11-22 04:29:53 and 2026-11-22T04:29:53.123456: equally long, so that columns stay what they are
    ("time", r"\b20\d\d-[01]\d-[0-3]\d([ T])[0-2]\d:[0-5]\d:[0-5]\d(?:\.\d{6})?\b", "<day>${1}<time>"),
    // Sun, 22 Nov 2026 04:29:53 UTC
    (
        "http-date",
        r"\b[MTWFS][a-z]{2}, \d\d [A-Z][a-z]{2} 20\d\d [0-2]\d:[0-5]\d:[0-5]\d UTC\b",
        "<day>, <date> <time> UTC",
    ),
    // the last line with -v
    ("duration", r"(?m)^Completed in \d+\.\d{4} sec\.$", "Completed in <duration> sec."),
    // how the server found the files of open data
    (
        "request",
        r"'request_cache_hit': (?:True|False), 'request_time_elapsed_millis': [-+.e0-9]+",
        "'request_cache_hit': <hit>, 'request_time_elapsed_millis': <time>",
    ),
    // signatures of signed URLs
    ("signature", r"\bX-Amz-(Date|Signature)=[0-9A-Za-z]+", "X-Amz-$1=<signature>"),
];

impl Rule {
    /// The rule of that name.
    pub(super) fn named(name: &str) -> Result<Self> {
        let change = match name {
            "order" => Change::Sort,
            "summary" => Change::SortParts,
            "rule-id" => Change::Number(Regex::new(r"\b[0-9a-f]{32}\b")?, "rule"),
            _ => {
                let found = REPLACE.iter().find(|(known, ..)| *known == name);
                let (_, pattern, text) = found.with_context(|| format!("no rule is called {name:?}"))?;
                Change::Replace(Regex::new(pattern)?, text)
            }
        };
        Ok(Self { change })
    }

    /// Whether it changes the order of lines.
    pub(super) fn sorts(&self) -> bool {
        matches!(self.change, Change::Sort | Change::SortParts)
    }

    /// The text with what may differ taken out.
    pub(super) fn apply(&self, text: &str) -> String {
        match &self.change {
            Change::Replace(pattern, with) => pattern.replace_all(text, *with).into_owned(),
            Change::Number(pattern, word) => {
                let mut seen: HashMap<String, usize> = HashMap::new();
                let number = |found: &Captures| {
                    let next = seen.len() + 1;
                    format!("<{word}-{}>", seen.entry(found[0].to_owned()).or_insert(next))
                };
                pattern.replace_all(text, number).into_owned()
            }
            Change::Sort => {
                let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
                lines.sort_unstable();
                lines.concat()
            }
            Change::SortParts => {
                let line = format!("{}\n", "-".repeat(40));
                let mut parts: Vec<&str> = text.split(&line).collect();
                parts[1..].sort_unstable();
                parts.join(&line)
            }
        }
    }
}

#[test]
fn normalisation_rules_are_narrow() -> Result<()> {
    let time = Rule::named("time")?;
    assert_eq!(time.apply("at 2026-11-22 04:29:53 | 2026-11-22T04:29:53.123456"), "at <day> <time> | <day>T<time>");
    for other in ["2026-11-22", "04:29:53", "1026-11-22 04:29:53", "2026-11-22 04:29:5", "x2026-11-22 04:29:53"] {
        assert_eq!(time.apply(other), other);
    }
    let date = Rule::named("http-date")?;
    assert_eq!(date.apply("at: Sun, 22 Nov 2026 04:29:53 UTC"), "at: <day>, <date> <time> UTC");
    assert_eq!(date.apply("Sun, 22 Nov 2026 04:29 UTC"), "Sun, 22 Nov 2026 04:29 UTC");
    let request = Rule::named("request")?;
    let hit = "'request_cache_hit': True, 'request_time_elapsed_millis': 4.9e-05}";
    assert_eq!(request.apply(hit), "'request_cache_hit': <hit>, 'request_time_elapsed_millis': <time>}");
    let id = Rule::named("rule-id")?;
    let (a, b) = ("a".repeat(32), "b".repeat(32));
    assert_eq!(id.apply(&format!("{b} {a} {b} {a}0")), format!("<rule-1> <rule-2> <rule-1> {a}0"));
    assert_eq!(Rule::named("order")?.apply("b\na\n"), "a\nb\n");
    let (line, summary) = ("-".repeat(40), Rule::named("summary")?);
    assert_eq!(summary.apply(&format!("b\na\n{line}\nd\n{line}\nc\n")), format!("b\na\n{line}\nc\n{line}\nd\n"));
    let duration = Rule::named("duration")?;
    assert_eq!(duration.apply("x\nCompleted in 0.0259 sec.\n"), "x\nCompleted in <duration> sec.\n");
    assert_eq!(duration.apply("Completed in 1 sec."), "Completed in 1 sec.");
    assert!(Rule::named("anything").is_err());
    Ok(())
}
