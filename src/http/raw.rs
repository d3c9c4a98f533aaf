//! A parsed server record that keeps its original text.

use std::ops::Deref;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::error::{Error, Result};

/// A parsed record together with its original text: JSON output contains every field in the server's order, also those
/// unknown to this client.
#[derive(Debug)]
pub struct Raw<T> {
    item: T,
    text: Box<RawValue>,
}

impl<T> Raw<T> {
    /// Returns the original record with the fields of another one inserted in front.
    pub fn with_fields_before(&self, front: &impl Serialize) -> Result<Box<RawValue>> {
        let front = serde_json::to_string(front).map_err(Error::unwritable)?;
        let front = front.strip_suffix('}').unwrap_or(&front);
        let fields = self.text.get().strip_prefix('{').unwrap_or_default();
        let joint = if fields.trim_start().starts_with('}') { "" } else { "," };
        RawValue::from_string(format!("{front}{joint}{fields}")).map_err(Error::unwritable)
    }
}

impl<T> Deref for Raw<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.item
    }
}

impl<T> Serialize for Raw<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Raw<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        let item = serde_json::from_str(text.get()).map_err(D::Error::custom)?;
        Ok(Self { item, text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Did;

    #[test]
    fn raw_record_keeps_unknown_fields() {
        let text = r#"{"new":[1, 2.50],"name":"n","scope":"s"}"#;
        let raw: Raw<Did> = serde_json::from_str(text).unwrap();
        assert_eq!(raw.to_string(), "s:n");
        assert_eq!(serde_json::to_string(&raw).unwrap(), text);
    }

    #[test]
    fn raw_record_may_follow_other_fields() {
        let did = Did::new("s", "n");
        for (text, expected) in
            [(r#"{"x":1e400}"#, r#"{"scope":"s","name":"n","x":1e400}"#), ("{ }", r#"{"scope":"s","name":"n" }"#)]
        {
            let raw = Raw { item: (), text: RawValue::from_string(text.to_owned()).unwrap() };
            assert_eq!(raw.with_fields_before(&did).unwrap().get(), expected);
        }
    }
}
