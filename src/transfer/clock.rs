//! The time of day that does not jump.

use std::sync::LazyLock;
use std::time::{Instant, SystemTime};

static START: LazyLock<(SystemTime, Instant)> = LazyLock::new(|| (SystemTime::now(), Instant::now()));

/// What time it is by the clock as it stood when this was first asked for: whatever is done to the clock meanwhile, nothing
/// ends before it began or takes hours that it did not.
pub(super) fn now() -> SystemTime {
    let (wall, then) = *START;
    wall.checked_add(then.elapsed()).unwrap_or(wall)
}
