//! Output formats.

use clap::ValueEnum;

/// Output format of a command. All but `Table` and `Selected` have the field names and values of the REST API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// Text and tables, as the official client prints them
    #[default]
    Table,
    /// One JSON value: an object, or an array with one record per line
    Json,
    /// One JSON object per line
    Jsonl,
    /// Comma-separated values (RFC 4180) with a header
    Csv,
    /// Tab-separated values with a header; tab, newline and backslash as \t, \n and \\
    Tsv,
    /// Names only, one per line
    Name,
    /// Text and tables of lists only, with the rows and fields that the list options select
    #[value(skip)]
    Selected,
}

impl Format {
    /// Whether the output is text and tables for people.
    pub(super) fn is_text(self) -> bool {
        matches!(self, Self::Table | Self::Selected)
    }

    /// Whether errors are JSON objects, too.
    pub(in crate::cli) fn is_json(self) -> bool {
        matches!(self, Self::Json | Self::Jsonl)
    }
}
