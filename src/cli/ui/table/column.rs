//! One column: what it holds, how its cells read, how wide they are and to which side they lean.

use super::number::{has_thousands, is_float, is_int, is_space, parse_float};
use super::{Cell, ansi};
use crate::cli::ui::values::{float_repr, general};
use std::borrow::Cow;

/// What a column holds, from the narrowest to the most general; one cell decides for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Truth values, or nothing.
    Bool,
    Int,
    Float,
    Text,
}

impl Kind {
    /// What a whole column holds; `numbers` says whether numbers count as such.
    pub(super) fn of_column<'a>(cells: impl Iterator<Item = &'a Cell>, numbers: bool) -> Self {
        let mut kind = Self::Bool;
        for cell in cells {
            kind = kind.max(Self::of(cell, numbers));
            if kind == Self::Text {
                break;
            }
        }
        kind
    }

    fn of(cell: &Cell, numbers: bool) -> Self {
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

    /// Numbers lean to the right, everything else to the left.
    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Float)
    }
}

/// A cell ready to be drawn.
#[derive(Debug)]
pub(super) struct Drawn<'a> {
    pub(super) text: Cow<'a, str>,
    /// Columns the text takes, without `behind`.
    pub(super) width: usize,
    /// Blanks behind the text that put the decimal points below each other.
    pub(super) behind: usize,
}

/// A column ready to be drawn.
#[derive(Debug)]
pub(super) struct Column<'a> {
    pub(super) kind: Kind,
    pub(super) cells: Vec<Drawn<'a>>,
}

impl<'a> Column<'a> {
    /// Types and words the cells. `width` measures a text; `coloured` says whether the table has escape sequences.
    pub(super) fn new(
        cells: impl Iterator<Item = &'a Cell> + Clone,
        numbers: bool,
        coloured: bool,
        width: impl Fn(&str) -> usize,
    ) -> Self {
        let kind = Kind::of_column(cells.clone(), numbers);
        let drawn = cells.map(|cell| {
            let text = word(cell, kind, coloured);
            Drawn { width: width(&text), text, behind: 0 }
        });
        let mut column = Self { kind, cells: drawn.collect() };
        if kind == Kind::Float {
            column.align_points();
        }
        column
    }

    /// The width of its widest cell.
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

/// The cell's words within a column of that kind.
fn word(cell: &Cell, kind: Kind, coloured: bool) -> Cow<'_, str> {
    match (cell, kind) {
        (Cell::None, _) => Cow::Borrowed(""),
        (Cell::Bool(value), Kind::Float) => Cow::Borrowed(if *value { "1" } else { "0" }),
        (Cell::Bool(value), _) => Cow::Borrowed(if *value { "True" } else { "False" }),
        (Cell::Int(value), Kind::Float) => general(*value as f64).into(),
        (Cell::Int(value), _) => value.to_string().into(),
        (Cell::Float(value), Kind::Float) => general(*value).into(),
        (Cell::Float(value), _) => float_repr(*value).into(),
        (Cell::Text(text), Kind::Float) => float_word(text, coloured),
        (Cell::Text(text), Kind::Int) => Cow::Borrowed(text),
        (Cell::Text(text), _) => Cow::Borrowed(text.trim_matches(is_space)),
    }
}

/// A text in a column of floats is written anew; in a table with colours, without a look at the thousands.
fn float_word(text: &str, coloured: bool) -> Cow<'_, str> {
    let seen = if coloured { ansi::strip(text) } else { Cow::Owned(text.replace(',', "")) };
    match parse_float(&seen) {
        Some(value) if coloured => text.replace(&*seen, &general(value)).into(),
        Some(value) => general(value).into(),
        None if coloured => Cow::Borrowed(text),
        None => seen,
    }
}

/// Columns from the decimal point (or, without one, the exponent) to the end. All but truth values are numbers here.
fn behind_point(text: &str) -> usize {
    let point = text.rfind('.').or_else(|| text.rfind(['e', 'E']));
    point.filter(|_| !matches!(text, "True" | "False")).map_or(0, |index| text.len() - index)
}
