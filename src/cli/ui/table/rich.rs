//! Tables for a terminal, drawn by comfy-table: boxes, colours, wrapped text, the width of wide characters.

use super::{Cell, Table};
use crate::cli::ui::clean;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Attribute, CellAlignment, Color, ContentArrangement};

pub(super) fn render(table: &Table, width: Option<u16>, colours: bool) -> String {
    let mut drawn = comfy_table::Table::new();
    drawn.load_style(UTF8_FULL_CONDENSED.with_rounded_corners());
    match width {
        Some(width) => drawn.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
        None => drawn.set_content_arrangement(ContentArrangement::Disabled),
    };
    if colours {
        drawn.enforce_styling()
    } else {
        drawn.force_no_tty()
    };
    if !table.headers.is_empty() {
        drawn.set_header(
            table.headers.iter().map(|header| comfy_table::Cell::new(header).add_attribute(Attribute::Bold)),
        );
    }
    drawn.add_rows(table.rows.iter().map(|row| row.iter().map(styled)));
    for (index, cell) in table.rows.first().into_iter().flatten().enumerate() {
        if let Some(column) = drawn.column_mut(index)
            && is_number(cell)
        {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    drawn.trim_fmt()
}

fn styled(cell: &Cell) -> comfy_table::Cell {
    let words = cell.words();
    let drawn = comfy_table::Cell::new(clean(&words));
    match colour(&words) {
        Some(colour) => drawn.fg(colour),
        None => drawn,
    }
}

/// Returns the style of a state that is good or bad: of rules, replicas, accounts or subscriptions.
pub(super) fn state_style(word: &str) -> Option<console::Style> {
    let style = console::Style::new();
    match word.split('[').next().unwrap_or_default() {
        "OK" | "ACTIVE" | "UPDATED" | "AVAILABLE" => Some(style.green()),
        "STUCK" | "UNKNOWN" => Some(style.yellow()),
        "SUSPENDED" | "BROKEN" | "LOST" | "BAD" => Some(style.red()),
        "REPLICATING" | "WAITING_APPROVAL" => Some(style.cyan()),
        _ => None,
    }
}

/// Returns the colour of a state (of rules, replicas, accounts, subscriptions) or of a type (of DIDs, RSEs).
fn colour(word: &str) -> Option<Color> {
    match word.split('[').next().unwrap_or_default() {
        "OK" | "ACTIVE" | "UPDATED" | "AVAILABLE" | "True" | "PUBLIC" => Some(Color::Green),
        "STUCK" | "UNKNOWN" | "TAPE" => Some(Color::Yellow),
        "SUSPENDED" | "BROKEN" | "LOST" | "BAD" | "False" => Some(Color::Red),
        "REPLICATING" | "WAITING_APPROVAL" | "NEW" | "CONTAINER" | "DISK" => Some(Color::Blue),
        "DATASET" => Some(Color::Cyan),
        _ => None,
    }
}

/// Whether a cell of the first row makes its column right-aligned.
fn is_number(cell: &Cell) -> bool {
    match cell {
        Cell::Int(_) | Cell::Float(_) => true,
        Cell::Text(text) => !text.is_empty() && text.chars().all(char::is_numeric),
        Cell::None | Cell::Bool(_) => false,
    }
}
