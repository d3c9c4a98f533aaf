//! A wall clock that is not affected by changes of the system time.

use std::sync::LazyLock;
use std::time::{Instant, SystemTime};

static START: LazyLock<(SystemTime, Instant)> = LazyLock::new(|| (SystemTime::now(), Instant::now()));

/// Returns the system time of the first call plus the time elapsed since: if the system time changes, nothing ends
/// before it began or takes hours too long.
pub(crate) fn system_time() -> SystemTime {
    let (wall, then) = *START;
    wall.checked_add(then.elapsed()).unwrap_or(wall)
}
