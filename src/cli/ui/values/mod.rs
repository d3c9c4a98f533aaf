//! Values of the server, formatted like Python's `str()` and `repr()`.
//! Dates, numbers and JSON, a file each; tables and records are beside this folder.

mod date;
mod json;
mod number;

pub use json::json_dumps;
pub use number::{Num, float_repr, general, python_round, rounded, sizefmt};

use serde_json::{Number, Value};
use std::fmt::Write as _;

use crate::time::server_date;

/// Formats a value like `str()`, on its own or in a list: dates stay as the server writes them.
pub fn to_str(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => repr(other),
    }
}

/// Formats a value from an object like `str()`: there the official client turns dates into `datetime`.
pub fn member_str(value: &Value) -> String {
    match value {
        Value::String(text) => server_date(text).map_or_else(|| text.clone(), |date| date::to_str(&date)),
        other => repr(other),
    }
}

/// Formats a value like `str()`, from a response whose dates the official client leaves as the server writes them.
pub fn undated_str(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => repr_with(other, Dates::Nowhere),
    }
}

/// Formats a value like `repr()`, on its own or in a list.
pub fn repr(value: &Value) -> String {
    repr_with(value, Dates::Below)
}

fn repr_with(value: &Value, dates: Dates) -> String {
    let mut out = String::new();
    write_repr(&mut out, value, dates);
    out
}

/// Which dates of the server become a `datetime`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dates {
    /// The value itself, as a member of an object, and members of objects in it.
    Here,
    /// Only members of objects in it.
    Below,
    Nowhere,
}

impl Dates {
    fn in_member(self) -> Self {
        if self == Self::Nowhere { self } else { Self::Here }
    }

    fn in_list(self) -> Self {
        if self == Self::Nowhere { self } else { Self::Below }
    }
}

/// Formats a string like `repr()`: quoted, unprintable characters escaped.
pub fn str_repr(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    write_str_repr(&mut out, text);
    out
}

fn write_repr(out: &mut String, value: &Value, dates: Dates) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Number(number) => out.push_str(&number_str(number)),
        Value::String(text) => match (dates == Dates::Here).then(|| server_date(text)).flatten() {
            Some(date) => out.push_str(&date::repr(&date)),
            None => write_str_repr(out, text),
        },
        Value::Array(items) => write_joined(out, ('[', ']'), items, |out, item| write_repr(out, item, dates.in_list())),
        Value::Object(members) => write_joined(out, ('{', '}'), members, |out, (key, value)| {
            write_str_repr(out, key);
            out.push_str(": ");
            write_repr(out, value, dates.in_member());
        }),
    }
}

fn write_joined<T>(
    out: &mut String,
    (open, close): (char, char),
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut String, T),
) {
    out.push(open);
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write(out, item);
    }
    out.push(close);
}

fn number_str(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => float_repr(float),
        _ => number.to_string(),
    }
}

fn write_str_repr(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            c if is_printable(c) => out.push(c),
            c => write_escape(out, c),
        }
    }
    out.push(quote);
}

fn write_escape(out: &mut String, c: char) {
    // Writing to a String cannot fail.
    let _ = match u32::from(c) {
        code @ ..=0xff => write!(out, "\\x{code:02x}"),
        code @ ..=0xffff => write!(out, "\\u{code:04x}"),
        code => write!(out, "\\U{code:08x}"),
    };
}

/// Python's `str.isprintable`. Rust's debug format escapes the same Unicode categories, and also combining characters
/// at the start of a string; hence the letter in front.
fn is_printable(c: char) -> bool {
    match c {
        ' '..='~' => true,
        c if c.is_ascii() => false,
        c => String::from_iter(['x', c]).escape_debug().nth(1) == Some(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_that_are_scalars() {
        let cases = [
            (json!(null), "None"),
            (json!(true), "True"),
            (json!(18446744073709551615_u64), "18446744073709551615"),
            (json!(-3), "-3"),
            (json!(2.0), "2.0"),
            (json!(1e16), "1e+16"),
            (json!("it's"), "it's"),
            (json!([]), "[]"),
            (json!({}), "{}"),
        ];
        for (value, want) in cases {
            assert_eq!(to_str(&value), want);
        }
    }

    #[test]
    fn values_that_are_nested() {
        let value = json!({"b": ["x", 1, null, {"c": false}], "it's": 1e-5});
        assert_eq!(to_str(&value), r#"{'b': ['x', 1, None, {'c': False}], "it's": 1e-05}"#);
    }

    #[test]
    fn values_quote_and_escape_strings() {
        assert_eq!(str_repr("a'b"), r#""a'b""#);
        assert_eq!(str_repr("a'b\"c"), r#"'a\'b"c'"#);
        assert_eq!(str_repr("a\"b"), r#"'a"b'"#);
        assert_eq!(str_repr("\\ \n\r\t\0\x1b\x7f"), r"'\\ \n\r\t\x00\x1b\x7f'");
        assert_eq!(
            str_repr("é\u{a0}\u{ad}\u{2028}\u{e000}\u{1f600}\u{e0001}"),
            "'é\\xa0\\xad\\u2028\\ue000😀\\U000e0001'"
        );
        assert_eq!(str_repr("e\u{301}"), "'e\u{301}'");
    }

    #[test]
    fn values_are_dates_by_their_members_only() {
        let date = "Tue, 15 Sep 2015 12:00:00 UTC";
        assert_eq!(member_str(&json!(date)), "2015-09-15 12:00:00");
        assert_eq!(to_str(&json!(date)), date);
        let value = json!([date, {"at": date, "list": [date]}]);
        let want = format!("['{date}', {{'at': datetime.datetime(2015, 9, 15, 12, 0), 'list': ['{date}']}}]");
        assert_eq!(repr(&value), want);
        assert_eq!(undated_str(&value), format!("['{date}', {{'at': '{date}', 'list': ['{date}']}}]"));
        assert_eq!(undated_str(&json!(date)), date);
    }
}
