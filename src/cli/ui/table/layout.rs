//! Layout of a table: which headers and columns are drawn, and their widths.

use super::column::Column;
use super::{Cell, Table, ansi};

/// Columns are at least this much wider than the text of their header.
const HEADER_ROOM: usize = 2;

/// A table laid out: the headers and columns to draw, and their widths.
pub(super) struct Layout<'a> {
    pub(super) headers: Vec<&'a str>,
    pub(super) columns: Vec<Column<'a>>,
    pub(super) widths: Vec<usize>,
    pub(super) coloured: bool,
}

impl<'a> Layout<'a> {
    pub(super) fn new(table: &'a Table, multiline: bool, coloured: bool) -> Self {
        let width = measure(coloured, multiline);
        let headers = table.padded_headers();
        let count = table.rows.iter().map(Vec::len).max().unwrap_or(0);
        let count = if headers.is_empty() { count } else { count.min(headers.len()) };
        let cells = |index| table.rows.iter().map(move |row| row.get(index).unwrap_or(&Cell::None));
        let columns: Vec<_> =
            (0..count).map(|index| Column::new(cells(index), table.numbers, coloured, &width)).collect();
        let shown = if columns.is_empty() { headers.len() } else { columns.len() };
        let wanted = |index: usize| headers.get(index).map_or(0, |header| width(header) + HEADER_ROOM);
        let widths = (0..shown).map(|index| columns.get(index).map_or(0, Column::width).max(wanted(index))).collect();
        Self { headers: headers.into_iter().take(shown).collect(), columns, widths, coloured }
    }

    /// Whether the column is right-aligned.
    pub(super) fn is_right(&self, index: usize) -> bool {
        self.columns.get(index).is_some_and(|column| column.kind.is_number())
    }

    pub(super) fn seen_width(&self, text: &str) -> usize {
        if self.coloured { ansi::width(&ansi::strip(text)) } else { ansi::width(text) }
    }
}

/// Returns the function that measures a cell: the visible width of its widest line.
fn measure(coloured: bool, multiline: bool) -> impl Fn(&str) -> usize {
    let seen = move |text: &str| if coloured { ansi::width(&ansi::strip(text)) } else { ansi::width(text) };
    move |text| if multiline { text.split(['\n', '\r']).map(seen).max().unwrap_or(0) } else { seen(text) }
}
