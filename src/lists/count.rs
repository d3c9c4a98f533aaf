//! Number of files below a DID, as counted by the server.

use serde_json::Value;

use crate::api::dids;
use crate::error::Result;
use crate::http::Client;
use crate::retry::Retryable;
use crate::types::Did;

/// Size of a DID, as far as the server reports it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DidSize {
    /// `DATASET`, `CONTAINER` or `FILE`.
    pub(crate) did_type: Option<String>,
    /// Number of files; a file in several datasets counts once for each.
    pub(crate) files: Option<u64>,
    /// Total size in bytes.
    pub(crate) bytes: Option<u64>,
}

impl DidSize {
    /// Returns whether the DID is a dataset.
    pub(crate) fn is_dataset(&self) -> bool {
        self.did_type.as_deref() == Some("DATASET")
    }
}

/// Lets the server count the files below a DID, at any depth. All fields are `None` if it cannot.
///
/// Errors: the server is unavailable.
pub(crate) async fn size(client: &Client, did: &Did) -> Result<DidSize> {
    match dids::get(client, did, "FILE").await {
        Ok(known) => {
            let number = |key: &str| known.get(key).and_then(whole);
            let did_type = known.get("type").and_then(Value::as_str).map(str::to_owned);
            Ok(DidSize { did_type, files: number("length"), bytes: number("bytes") })
        }
        Err(error) if error.is_retryable() || error.is_after_outage() => Err(error),
        Err(error) => {
            tracing::debug!("{did} cannot be counted: {error}");
            Ok(DidSize::default())
        }
    }
}

/// Parses a whole number. Servers on PostgreSQL send sums as `92163672.0`.
fn whole(number: &Value) -> Option<u64> {
    let exact = |number: &f64| (0.0..9e15).contains(number) && number.fract() == 0.0;
    number.as_u64().or_else(|| number.as_f64().filter(exact).map(|number| number as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn count_is_read_in_either_notation() {
        let whole = |text| whole(&serde_json::from_str(text).unwrap());
        assert_eq!([whole("92163672.0"), whole("3"), whole("0")], [Some(92_163_672), Some(3), Some(0)]);
        assert_eq!([whole("1.5"), whole("-1"), whole("1e300"), whole("null"), whole("\"3\"")], [None; 5]);
    }
}
