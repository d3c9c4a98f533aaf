//! The time of day.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, in seconds since 1970, UTC.
pub(crate) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs() as i64)
}
