//! Request fields: `key=value`, sent as JSON or in the query.

use serde_json::{Map, Number, Value};

use super::input;
use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// A request field.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(super) key: String,
    text: String,
    typed: bool,
}

impl Field {
    /// Parses a field whose value is converted: true, false, null, a number, or the text in `@FILE`.
    pub(super) fn typed(text: &str) -> Result<Self, String> {
        Self::parse(text, true)
    }

    /// Parses a field whose value is always a string.
    pub(super) fn raw(text: &str) -> Result<Self, String> {
        Self::parse(text, false)
    }

    fn parse(text: &str, typed: bool) -> Result<Self, String> {
        match text.split_once('=') {
            Some((key, text)) if !key.is_empty() => Ok(Self { key: key.to_owned(), text: text.to_owned(), typed }),
            _ => Err("expected KEY=VALUE".to_owned()),
        }
    }

    /// Returns the value for a query, where all values are strings.
    pub(super) fn text(&self) -> Result<String> {
        match self.text.strip_prefix('@') {
            Some(path) if self.typed => input::text(path),
            _ => Ok(self.text.clone()),
        }
    }

    fn value(&self) -> Result<Value> {
        match self.text.as_str() {
            "true" if self.typed => Ok(Value::Bool(true)),
            "false" if self.typed => Ok(Value::Bool(false)),
            "null" if self.typed => Ok(Value::Null),
            text if self.typed && !text.starts_with('@') => Ok(number(text).unwrap_or_else(|| text.into())),
            _ => self.text().map(Value::String),
        }
    }
}

/// Parses a number. `None` for integers beyond 64 bits, which would lose digits.
fn number(text: &str) -> Option<Value> {
    let is_integer = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let number: Number = serde_json::from_str(text).ok()?;
    (number.is_i64() || number.is_u64() || !is_integer).then_some(Value::Number(number))
}

/// Builds a JSON object from the fields.
pub(super) fn json<'a>(fields: impl Iterator<Item = &'a Field>) -> Result<Value> {
    let mut object = Value::Object(Map::new());
    for field in fields {
        let keys = keys(&field.key).ok_or_else(|| misplaced(&field.key))?;
        put(&mut object, &keys, field.value()?).ok_or_else(|| misplaced(&field.key))?;
    }
    Ok(object)
}

fn misplaced(key: &str) -> Error {
    Error::new(Exception::InputValidationError, format!("Cannot add the field {key} to the JSON object")).with_hint(
        "Use name=VALUE for a value, name[]=VALUE for a list, name[key]=VALUE for an object: one form for each name.",
    )
}

/// Splits `a[b][]` into `a`, `b` and an empty key, which appends to a list. `None` if it is malformed.
fn keys(text: &str) -> Option<Vec<&str>> {
    let Some((first, rest)) = text.split_once('[') else { return Some(vec![text]) };
    let rest = rest.strip_suffix(']')?;
    let keys: Vec<_> = std::iter::once(first).chain(rest.split("][")).collect();
    (!first.is_empty() && !keys.iter().any(|key| key.contains(['[', ']']))).then_some(keys)
}

/// Inserts a value at the path `keys`. `None` if a value or another type is already there.
fn put(place: &mut Value, keys: &[&str], value: Value) -> Option<()> {
    let Some((key, rest)) = keys.split_first() else {
        return place.is_null().then(|| *place = value);
    };
    if place.is_null() {
        *place = if key.is_empty() { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
    }
    match (place, key.is_empty()) {
        (Value::Array(list), true) => {
            list.push(Value::Null);
            put(list.last_mut()?, rest, value)
        }
        (Value::Object(object), false) => put(object.entry(*key).or_insert(Value::Null), rest, value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(typed: &[&str]) -> Result<Value> {
        let fields: Vec<_> = typed.iter().map(|text| Field::typed(text).unwrap()).collect();
        json(fields.iter())
    }

    #[test]
    fn api_field_values_have_json_types() {
        let fields = [
            "a=true",
            "b=False",
            "c=null",
            "d=-12",
            "e=1.5",
            "f=007",
            "g=",
            "h=x=y",
            "i=12345678901234567890123",
            "j=1e3",
        ];
        let expected = json!({"a": true, "b": "False", "c": null, "d": -12, "e": 1.5, "f": "007", "g": "", "h": "x=y",
            "i": "12345678901234567890123", "j": 1000.0});
        assert_eq!(object(&fields).unwrap(), expected);
        assert_eq!(
            json([Field::raw("a=true").unwrap(), Field::raw("b=@x").unwrap()].iter()).unwrap(),
            json!({"a": "true", "b": "@x"})
        );
        assert!(Field::typed("nothing").is_err() && Field::raw("=1").is_err());
    }

    #[test]
    fn api_field_keys_nest() {
        let fields = ["a[b][c]=1", "a[b][d]=2", "l[]=x", "l[]=2", "m[][k]=v", "m[][k]=w"];
        let expected = json!({"a": {"b": {"c": 1, "d": 2}}, "l": ["x", 2], "m": [{"k": "v"}, {"k": "w"}]});
        assert_eq!(object(&fields).unwrap(), expected);
        for wrong in [
            vec!["a=1", "a=2"],
            vec!["a=1", "a[b]=2"],
            vec!["a[]=1", "a[b]=2"],
            vec!["a[b=1"],
            vec!["[a]=1"],
            vec!["a[b]c=1"],
        ] {
            assert!(object(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn api_query_fields_are_texts_and_files_are_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "1\n").unwrap();
        let field = Field::typed(&format!("a=@{}", file.path().display())).unwrap();
        assert_eq!((field.text().unwrap(), field.value().unwrap()), ("1\n".to_owned(), json!("1\n")));
        assert_eq!(Field::typed("a=1.50").unwrap().text().unwrap(), "1.50");
        assert!(Field::typed("a=@/nowhere").unwrap().value().is_err());
    }
}
