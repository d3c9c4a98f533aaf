//! Names that no earlier run used.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

static RUN: LazyLock<String> = LazyLock::new(|| {
    let millis = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis());
    format!("{millis:x}{:x}", std::process::id() & 0xff)
});
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// A fresh name that starts with `prefix`; names of one run and prefix are equally long.
pub(crate) fn unique(prefix: &str) -> String {
    format!("{prefix}{}{:04}", *RUN, COUNT.fetch_add(1, Ordering::Relaxed))
}
