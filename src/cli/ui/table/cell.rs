//! The cells of a table.

use crate::cli::ui::values::{self, Num};
use serde_json::Value;
use std::borrow::Cow;

/// One cell. Columns of numbers are right-aligned.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// An empty cell.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer.
    Int(i128),
    /// A float.
    Float(f64),
    /// Text, which may look like a number.
    Text(String),
}

impl Cell {
    /// Creates a cell from a member of a server's object: dates look like Python's `datetime`.
    pub fn member(value: &Value) -> Self {
        match value {
            Value::String(_) => Self::Text(values::member_str(value)),
            other => other.into(),
        }
    }

    /// Returns the text of a text cell.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Formats the cell.
    pub(super) fn words(&self) -> Cow<'_, str> {
        match self {
            Self::None => Cow::Borrowed(""),
            Self::Bool(true) => Cow::Borrowed("True"),
            Self::Bool(false) => Cow::Borrowed("False"),
            Self::Int(value) => value.to_string().into(),
            Self::Float(value) => values::float_repr(*value).into(),
            Self::Text(text) => Cow::Borrowed(text),
        }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<bool> for Cell {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Num> for Cell {
    fn from(value: Num) -> Self {
        match value {
            Num::Int(int) => Self::Int(int),
            Num::Float(float) => Self::Float(float),
        }
    }
}

macro_rules! from_number {
    ($($number:ty),*) => {
        $(impl From<$number> for Cell {
            fn from(value: $number) -> Self {
                Num::from(value).into()
            }
        })*
    };
}
from_number!(i32, u32, i64, u64, i128, f64);

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::None, Into::into)
    }
}

impl From<&Value> for Cell {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::None,
            Value::Bool(truth) => Self::Bool(*truth),
            Value::String(text) => Self::Text(text.clone()),
            other => Num::from_json(other).map_or_else(|| Self::Text(values::repr(other)), Self::from),
        }
    }
}
