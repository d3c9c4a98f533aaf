//! Which rows and fields of a list are shown: `--columns`, `--sort` and `--limit`.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// The list options of a command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Fields to show, in this order; all if empty.
    pub columns: Vec<String>,
    /// Fields to sort by, the most important first; the server's order if empty.
    pub sort: Vec<SortKey>,
    /// Maximum number of rows.
    pub limit: Option<u64>,
}

/// A field to sort by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortKey {
    /// Name of the field.
    pub field: String,
    /// Whether large values come first.
    pub descending: bool,
}

impl SortKey {
    /// Parses a field; a leading minus sign sorts in descending order.
    pub fn parse(text: &str) -> Self {
        let field = text.strip_prefix('-');
        Self { field: field.unwrap_or(text).to_owned(), descending: field.is_some() }
    }
}

impl Selection {
    /// Whether lists are shown as they are.
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Checks that the fields exist: in the record, or among the columns of its kind.
    pub(super) fn check(&self, record: &Value, columns: &[&str]) -> Result<()> {
        let sort = self.sort.iter().map(|key| ("--sort", &key.field));
        let mut wanted = self.columns.iter().map(|field| ("--columns", field)).chain(sort);
        let exists = |field: &str| record.get(field).is_some() || columns.contains(&field);
        match wanted.find(|(_, field)| !exists(field)) {
            None => Ok(()),
            Some((option, field)) => Err(unknown(option, field, record, columns)),
        }
    }

    /// Returns the record with only the selected fields; a missing one is null.
    pub(super) fn select(&self, record: Value) -> Value {
        if self.columns.is_empty() {
            return record;
        }
        let field = |name: &String| (name.clone(), record.get(name).cloned().unwrap_or_default());
        Value::Object(self.columns.iter().map(field).collect())
    }

    /// Returns the values that a record is sorted by.
    pub(super) fn key(&self, record: &Value) -> Vec<Value> {
        self.sort.iter().map(|key| record.get(&key.field).cloned().unwrap_or_default()).collect()
    }

    /// Compares the values of two records.
    pub(super) fn compare(&self, one: &[Value], other: &[Value]) -> Ordering {
        let pairs = self.sort.iter().zip(one.iter().zip(other));
        pairs
            .map(|(key, (one, other))| compare(one, other, key.descending))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

/// Compares two values: numbers by value, everything else as text. Null is last in either direction.
fn compare(one: &Value, other: &Value, descending: bool) -> Ordering {
    if one.is_null() || other.is_null() {
        return one.is_null().cmp(&other.is_null());
    }
    let order = match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one.total_cmp(&other),
        _ => text(one).cmp(&text(other)),
    };
    if descending { order.reverse() } else { order }
}

/// Formats a value so that its text sorts like the value: dates of the server by time, not by weekday.
fn text(value: &Value) -> String {
    let Value::String(text) = value else { return value.to_string() };
    crate::time::server_date(text).map_or_else(|| text.clone(), |date| date.format("%Y-%m-%dT%H:%M:%S").to_string())
}

fn unknown(option: &str, field: &str, record: &Value, columns: &[&str]) -> Error {
    let fields = record.as_object().into_iter().flat_map(Map::keys).map(String::as_str);
    let mut known: Vec<&str> = columns.to_vec();
    for name in fields {
        if !known.contains(&name) {
            known.push(name);
        }
    }
    Error::value(format!("{option}: there is no field {field:?}."))
        .with_hint(format!("The fields are {}.", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sorted(keys: &[&str], records: &[Value]) -> Vec<Value> {
        let sort = keys.iter().map(|key| SortKey::parse(key)).collect();
        let selection = Selection { sort, ..Selection::default() };
        let mut records = records.to_vec();
        records.sort_by(|one, other| selection.compare(&selection.key(one), &selection.key(other)));
        records.into_iter().map(|record| record["n"].clone()).collect()
    }

    #[test]
    fn rows_are_sorted_by_value_and_nulls_are_last() {
        let records = [
            json!({"n": 1, "bytes": 10, "at": "Tue, 01 Dec 2026 00:00:00 UTC"}),
            json!({"n": 2, "bytes": 9, "at": "Wed, 01 Jul 2026 00:00:00 UTC"}),
            json!({"n": 3, "bytes": null, "at": "Fri, 02 Jan 2026 00:00:00 UTC"}),
            json!({"n": 4, "bytes": 9, "at": null}),
        ];
        for (keys, expected) in [
            (&["bytes"][..], json!([2, 4, 1, 3])),
            (&["-bytes"], json!([1, 2, 4, 3])),
            (&["bytes", "-n"], json!([4, 2, 1, 3])),
            (&["at"], json!([3, 2, 1, 4])),
        ] {
            assert_eq!(json!(sorted(keys, &records)), expected, "{keys:?}");
        }
    }

    #[test]
    fn unknown_fields_are_named_together_with_the_known_ones() {
        let selection = Selection { columns: vec!["id".to_owned(), "size".to_owned()], ..Selection::default() };
        let error = selection.check(&json!({"id": 1, "state": "OK"}), &["bytes", "id"]).unwrap_err();
        assert!(error.details().contains("--columns: there is no field \"size\""), "{}", error.details());
        assert!(format!("{:?}", error.hints()).contains("bytes, id, state"), "{:?}", error.hints());
        assert!(selection.check(&json!({"size": 1}), &["id"]).is_ok());
    }
}
