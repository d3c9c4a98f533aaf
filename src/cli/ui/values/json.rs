//! JSON as Python's `json.dumps` writes it: a space after commas and colons, ASCII only.

use super::float_repr;
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};
use std::io::{self, Write};

/// Formats a value like `json.dumps(value)`.
pub fn json_dumps(value: &Value) -> String {
    let mut out = Vec::new();
    // Serialising a Value to memory cannot fail: its keys are strings, and a Vec accepts all bytes.
    let _ = value.serialize(&mut Serializer::with_formatter(&mut out, Python));
    String::from_utf8(out).unwrap_or_default()
}

struct Python;

impl Formatter for Python {
    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        separate(out, first)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        separate(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    fn write_f64<W: ?Sized + Write>(&mut self, out: &mut W, value: f64) -> io::Result<()> {
        out.write_all(float_repr(value).as_bytes())
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, text: &str) -> io::Result<()> {
        for c in text.chars() {
            match c {
                ' '..='~' => write!(out, "{c}")?,
                c => c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(out, "\\u{unit:04x}"))?,
            }
        }
        Ok(())
    }
}

fn separate<W: ?Sized + Write>(out: &mut W, first: bool) -> io::Result<()> {
    if first { Ok(()) } else { out.write_all(b", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_is_written_as_in_python() {
        let value = json!({"a": [1, 2.0, 1e-7, null, true], "é": "\u{1f600}\"\\\n\u{7f}", "n": {}, "l": []});
        let python = r#"{"a": [1, 2.0, 1e-07, null, true], "\u00e9": "\ud83d\ude00\"\\\n\u007f", "n": {}, "l": []}"#;
        assert_eq!(json_dumps(&value), python);
    }
}
