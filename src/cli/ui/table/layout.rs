//! What of a table is drawn, and how wide.

use super::column::Column;
use super::{Cell, Table, ansi};

/// Room in a header beyond its words, so that a column is at least that much wider.
const HEADER_ROOM: usize = 2;

/// A table laid out: what of it is drawn, and how wide.
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

    /// Whether the column leans to the right.
    pub(super) fn is_right(&self, index: usize) -> bool {
        self.columns.get(index).is_some_and(|column| column.kind.is_number())
    }

    pub(super) fn seen_width(&self, text: &str) -> usize {
        if self.coloured { ansi::width(&ansi::strip(text)) } else { ansi::width(text) }
    }
}

/// The measure for one cell: of its widest line, without what is not seen.
fn measure(coloured: bool, multiline: bool) -> impl Fn(&str) -> usize {
    let seen = move |text: &str| if coloured { ansi::width(&ansi::strip(text)) } else { ansi::width(text) };
    move |text| if multiline { text.split(['\n', '\r']).map(seen).max().unwrap_or(0) } else { seen(text) }
}
