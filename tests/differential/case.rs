//! What one case is.

use std::time::Duration;

use regex::Regex;

use super::rules::Rule;

/// A command line to be run by both clients, and what is to be compared.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// File and line, for messages.
    pub(crate) place: String,
    pub(crate) line: Line,
    /// The exit code the official client is known to end with.
    pub(crate) exit: i32,
    pub(crate) options: Options,
    pub(crate) before: Vec<Step>,
    pub(crate) after: Vec<Line>,
    /// What the official client's stdout must contain, lest two empty answers pass as equal.
    pub(crate) shows: Vec<Regex>,
    pub(crate) differs: Option<Differs>,
    pub(crate) traces_differ: Option<TracesDiffer>,
    /// An intended difference of stderr alone, as docs/differences.md names it.
    pub(crate) stderr_differs: Option<String>,
}

/// The attributes a section can give to all its cases.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) config: String,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) rules: Vec<Rule>,
    /// Start without a cached token.
    pub(crate) fresh: bool,
    /// Changes the server's state, so nothing else may run beside it.
    pub(crate) changes: bool,
    /// Compare how many files each folder has, not which.
    pub(crate) count_files: bool,
    pub(crate) limit: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            config: "userpass".to_owned(),
            env: Vec::new(),
            rules: Vec::new(),
            fresh: false,
            changes: false,
            count_files: false,
            limit: Duration::from_secs(120),
        }
    }
}

/// One command line: `[@config] [NAME=value …] program words…`.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// As written in the file.
    pub(crate) text: String,
    pub(crate) config: Option<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) program: String,
    pub(crate) words: Vec<String>,
}

/// A preparation: a command line, and the name its first line of stdout is remembered under.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) capture: Option<String>,
    pub(crate) line: Line,
}

/// An intended difference, and what ours does instead.
#[derive(Debug, Clone)]
pub(crate) struct Differs {
    /// Its name in docs/differences.md.
    pub(crate) id: String,
    pub(crate) exit: Option<i32>,
    pub(crate) shows: Vec<Regex>,
    /// Our output must equal the official client's output for this other line.
    pub(crate) same_as: Option<Line>,
}

/// An intended difference of the traces alone.
#[derive(Debug, Clone)]
pub(crate) struct TracesDiffer {
    /// Its name in docs/differences.md.
    pub(crate) id: String,
    /// The fields that differ; if there are none, the traces as a whole do.
    pub(crate) fields: Vec<String>,
}

impl Case {
    /// Title for people: location and command line.
    pub(crate) fn title(&self) -> String {
        format!("{} $ {}", self.place, self.line.text)
    }

    /// The intended differences, as docs/differences.md names them.
    pub(crate) fn differences(&self) -> impl Iterator<Item = &str> {
        let traces = self.traces_differ.iter().map(|differ| differ.id.as_str());
        self.differs.iter().map(|differs| differs.id.as_str()).chain(traces)
    }

    /// The intended difference that explains lines of stderr that ours lacks.
    pub(crate) fn stderr_difference(&self) -> Option<&str> {
        self.stderr_differs.as_deref().or_else(|| self.differences().next())
    }

    /// Whether it may run beside others.
    pub(crate) fn reads_only(&self) -> bool {
        !self.options.changes
    }
}
