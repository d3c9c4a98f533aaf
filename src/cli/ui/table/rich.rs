//! Tables for a terminal, drawn by comfy-table: boxes, texts wrapped to the terminal's width, wide characters counted.

use super::{Cell, Table};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, ContentArrangement};

pub(super) fn render(table: &Table, width: u16) -> String {
    let mut drawn = comfy_table::Table::new();
    drawn.load_style(UTF8_FULL_CONDENSED.with_rounded_corners());
    drawn.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    if !table.headers.is_empty() {
        drawn.set_header(&table.headers);
    }
    drawn.add_rows(table.rows.iter().map(|row| row.iter().map(Cell::words)));
    for (index, cell) in table.rows.first().into_iter().flatten().enumerate() {
        if let Some(column) = drawn.column_mut(index).filter(|_| is_number(cell)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    drawn.trim_fmt()
}

/// The first row decides which columns lean to the right.
fn is_number(cell: &Cell) -> bool {
    match cell {
        Cell::Int(_) | Cell::Float(_) => true,
        Cell::Text(text) => !text.is_empty() && text.chars().all(char::is_numeric),
        Cell::None | Cell::Bool(_) => false,
    }
}
