//! The forms of output that machines read.

use clap::ValueEnum;

/// How a command shows its result. Field names and values are those of the REST API in all but `Table`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people, and for scripts of the official client
    #[default]
    Table,
    /// One JSON value: an object, or an array with a record on each line
    Json,
    /// One JSON object a line
    Jsonl,
    /// Comma-separated values (RFC 4180) with a header
    Csv,
    /// Tab-separated values with a header; tab, newline and backslash as \t, \n and \\
    Tsv,
    /// Names alone, one a line
    Name,
}

impl Format {
    /// Whether failures are JSON objects, too.
    pub(in crate::cli) fn is_json(self) -> bool {
        matches!(self, Self::Json | Self::Jsonl)
    }
}
