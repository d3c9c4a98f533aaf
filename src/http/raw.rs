//! A record of the server that keeps the text it came as.

use std::ops::Deref;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// What is known of a record, with all the server sent beside it: machines are handed every field, in the server's
/// order, also those this client has never heard of.
#[derive(Debug)]
pub struct Raw<T> {
    item: T,
    text: Box<RawValue>,
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
    fn fields_nobody_knows_pass_through() {
        let text = r#"{"new":[1, 2.50],"name":"n","scope":"s"}"#;
        let raw: Raw<Did> = serde_json::from_str(text).unwrap();
        assert_eq!(raw.to_string(), "s:n");
        assert_eq!(serde_json::to_string(&raw).unwrap(), text);
    }
}
