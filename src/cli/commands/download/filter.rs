//! Filters of `rucio download`: `key=value`, joined by commas. The syntax is older than that of `rucio did list`: only
//! for the key `length` do other operators differ from `=`.

use chrono::NaiveDateTime;
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// Operators as typed, and the resulting key for `length`; in search order.
const OPERATORS: [(&str, &str); 5] =
    [(">=", "length.gte"), (">", "length.gt"), ("<=", "length.lte"), ("<", "length.lt"), ("=", "length")];
const TYPES: [&str; 5] = ["ALL", "COLLECTION", "CONTAINER", "DATASET", "FILE"];
const TIME: &str = "%Y-%m-%dT%H:%M:%S%.fZ";
/// Time format of the server.
const SERVER_TIME: &str = "%a, %d %b %Y %H:%M:%S UTC";

/// Parses a filter. A condition on the type is checked but has no effect, as in the official client.
pub(super) fn parse(filter: Option<&str>) -> Result<Map<String, Value>> {
    let mut conditions = Map::new();
    for condition in filter.unwrap_or_default().replace(' ', "").split(',').filter(|text| !text.is_empty()) {
        if let Some((key, value)) = read(condition)? {
            conditions.insert(key, value);
        }
    }
    Ok(conditions)
}

fn read(condition: &str) -> Result<Option<(String, Value)>> {
    let found = OPERATORS.iter().find(|(sign, _)| condition.contains(sign));
    let Some((sign, length)) = found else { return Err(malformed(condition)) };
    let (key, value) = match condition.split(sign).collect::<Vec<_>>()[..] {
        [key, value] => (key, value),
        _ => return Err(malformed(condition)),
    };
    match key {
        "type" if TYPES.contains(&value.to_uppercase().as_str()) => Ok(None),
        "type" => {
            Err(Error::new(Exception::InvalidType, format!("{value} is not a valid type. Valid types are {TYPES:?}")))
        }
        "length" => {
            let number = value.parse::<i64>().map_err(|_| Error::value("Length has to be an integer value."))?;
            Ok(Some(((*length).to_owned(), number.into())))
        }
        "created_after" | "created_before" if *sign == "=" => Ok(Some((key.to_owned(), time(value)?.into()))),
        _ => Ok(Some((key.to_owned(), word(value).into()))),
    }
}

/// Converts booleans to the numbers that the server expects.
fn word(value: &str) -> &str {
    match value.to_lowercase().as_str() {
        "true" => "1",
        "false" => "0",
        _ => value,
    }
}

fn time(value: &str) -> Result<String> {
    NaiveDateTime::parse_from_str(value, TIME)
        .map(|time| time.format(SERVER_TIME).to_string())
        .map_err(|_| Error::value(format!("{value} is not a time of the form 2026-01-31T12:00:00.000Z")))
}

fn malformed(condition: &str) -> Error {
    let how = "Filter must be 'key=value', 'key>=value', 'key>value', 'key<=value', 'key<value'";
    Error::value(format!("Invalid Filter: {condition}. {how}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use serde_json::json;

    #[test]
    fn download_conditions_parse_as_in_the_official_client() {
        for (filter, expected) in [
            ("guid=2e22, run = 5", json!({"guid": "2e22", "run": "5"})),
            ("length>=3", json!({"length.gte": 3})),
            ("length>3", json!({"length.gt": 3})),
            ("length<=3,length>1", json!({"length.lte": 3, "length.gt": 1})),
            ("length=3", json!({"length": 3})),
            ("open=True,hidden=false", json!({"open": "1", "hidden": "0"})),
            ("type=dataset", json!({})),
            ("created_after=2026-11-22T04:48:56.867Z", json!({"created_after": "Sun, 22 Nov 2026 04:48:56 UTC"})),
        ] {
            assert_eq!(Value::Object(parse(Some(filter)).unwrap()), expected, "{filter}");
        }
        assert!(parse(None).unwrap().is_empty());
    }

    #[test]
    fn download_conditions_that_are_invalid_are_refused() {
        for filter in ["guid", "a=b=c", "length=x", "created_after=yesterday", "1<length<5"] {
            assert_eq!(parse(Some(filter)).unwrap_err().kind(), ErrorKind::Value, "{filter}");
        }
        assert_eq!(parse(Some("type=x")).unwrap_err().class(), Some(Exception::InvalidType));
    }
}
