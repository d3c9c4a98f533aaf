//! The cells of a table.

use crate::cli::ui::values::{self, Num};
use serde_json::Value;
use std::borrow::Cow;

/// One cell. Its type matters: a column of numbers leans to the right.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Drawn empty.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// A float.
    Float(f64),
    /// A text, which may turn out to be a number.
    Text(String),
}

impl Cell {
    /// A member of one of the server's objects: a date among them is drawn as Python draws a `datetime`.
    pub fn member(value: &Value) -> Self {
        match value {
            Value::String(_) => Self::Text(values::member_str(value)),
            other => other.into(),
        }
    }

    /// The text, of a cell that is one.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The cell in words.
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
            other => Num::of(other).map_or_else(|| Self::Text(values::repr(other)), Self::from),
        }
    }
}
