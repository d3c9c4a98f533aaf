//! One column: its type, the text and width of its cells, and its alignment.

use super::number::{has_thousands, is_float, is_int, is_space, parse_float};
use super::{Cell, ansi};
use crate::cli::ui::values::{float_repr, general};
use std::borrow::Cow;

/// Type of a column, from the narrowest to the most general; one cell decides for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ColumnType {
    /// Booleans and empty cells.
    Bool,
    Int,
    Float,
    Text,
}

impl ColumnType {
    /// Returns the type of a column; without `numbers`, numbers count as text.
    pub(super) fn of_column<'a>(cells: impl Iterator<Item = &'a Cell>, numbers: bool) -> Self {
        let mut kind = Self::Bool;
        for cell in cells {
            kind = kind.max(Self::from_cell(cell, numbers));
            if kind == Self::Text {
                break;
            }
        }
        kind
    }

    fn from_cell(cell: &Cell, numbers: bool) -> Self {
        match cell {
            Cell::None | Cell::Bool(_) => Self::Bool,
            Cell::Int(_) if numbers => Self::Int,
            Cell::Float(_) if numbers => Self::Float,
            Cell::Int(_) | Cell::Float(_) => Self::Text,
            Cell::Text(text) => Self::of_text(&ansi::strip(text), numbers),
        }
    }

    fn of_text(text: &str, numbers: bool) -> Self {
        match text {
            "" | "True" | "False" => Self::Bool,
            _ if !numbers => Self::Text,
            _ if is_int(text) || (has_thousands(text) && !text.contains('.')) => Self::Int,
            _ if is_float(text) || has_thousands(text) => Self::Float,
            _ => Self::Text,
        }
    }

    /// Whether the column is right-aligned; all but numbers are left-aligned.
    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Float)
    }
}

/// A formatted cell.
#[derive(Debug)]
pub(super) struct Drawn<'a> {
    pub(super) text: Cow<'a, str>,
    /// Width of the text in columns, without `behind`.
    pub(super) width: usize,
    /// Spaces after the text that align the decimal points.
    pub(super) behind: usize,
}

/// A formatted column.
#[derive(Debug)]
pub(super) struct Column<'a> {
    pub(super) kind: ColumnType,
    pub(super) cells: Vec<Drawn<'a>>,
}

impl<'a> Column<'a> {
    /// Formats the cells. `width` measures a text; `coloured` is whether the table has escape sequences.
    pub(super) fn new(
        cells: impl Iterator<Item = &'a Cell> + Clone,
        numbers: bool,
        coloured: bool,
        width: impl Fn(&str) -> usize,
    ) -> Self {
        let kind = ColumnType::of_column(cells.clone(), numbers);
        let drawn = cells.map(|cell| {
            let text = word(cell, kind, coloured);
            Drawn { width: width(&text), text, behind: 0 }
        });
        let mut column = Self { kind, cells: drawn.collect() };
        if kind == ColumnType::Float {
            column.align_points();
        }
        column
    }

    /// Returns the width of the widest cell.
    pub(super) fn width(&self) -> usize {
        self.cells.iter().map(|cell| cell.width + cell.behind).max().unwrap_or(0)
    }

    fn align_points(&mut self) {
        let room: Vec<usize> = self.cells.iter().map(|cell| behind_point(&ansi::strip(&cell.text))).collect();
        let most = room.iter().copied().max().unwrap_or(0);
        for (cell, room) in self.cells.iter_mut().zip(room) {
            cell.behind = most - room;
        }
    }
}

/// Formats a cell of a column of this type.
fn word(cell: &Cell, kind: ColumnType, coloured: bool) -> Cow<'_, str> {
    match (cell, kind) {
        (Cell::None, _) => Cow::Borrowed(""),
        (Cell::Bool(value), ColumnType::Float) => Cow::Borrowed(if *value { "1" } else { "0" }),
        (Cell::Bool(value), _) => Cow::Borrowed(if *value { "True" } else { "False" }),
        (Cell::Int(value), ColumnType::Float) => general(*value as f64).into(),
        (Cell::Int(value), _) => value.to_string().into(),
        (Cell::Float(value), ColumnType::Float) => general(*value).into(),
        (Cell::Float(value), _) => float_repr(*value).into(),
        (Cell::Text(text), ColumnType::Float) => float_word(text, coloured),
        (Cell::Text(text), ColumnType::Int) => Cow::Borrowed(text),
        (Cell::Text(text), _) => Cow::Borrowed(text.trim_matches(is_space)),
    }
}

/// Reformats a text in a column of floats; a table with escape sequences does not parse thousands separators.
fn float_word(text: &str, coloured: bool) -> Cow<'_, str> {
    let seen = if coloured { ansi::strip(text) } else { Cow::Owned(text.replace(',', "")) };
    match parse_float(&seen) {
        Some(value) if coloured => text.replace(&*seen, &general(value)).into(),
        Some(value) => general(value).into(),
        None if coloured => Cow::Borrowed(text),
        None => seen,
    }
}

/// Returns the length from the decimal point (or, without one, the exponent) to the end; 0 for booleans.
fn behind_point(text: &str) -> usize {
    if matches!(text, "True" | "False") {
        return 0;
    }
    let point = text.rfind('.').or_else(|| text.rfind(['e', 'E']));
    point.map_or(0, |index| text.len() - index)
}
