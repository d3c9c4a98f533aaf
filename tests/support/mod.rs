//! What all areas share: the testbed, both clients, unique names, file trees, shell words, diffs.

mod diff;
mod names;
mod preloaded;
mod rucio;
mod secrets;
mod testbed;
mod tree;
mod words;

use std::path::Path;

pub(crate) use diff::unified;
pub(crate) use names::unique;
pub(crate) use rucio::{Outcome, Rucio, without_notice};
pub(crate) use secrets::Secrets;
pub(crate) use testbed::Testbed;
pub(crate) use tree::{Tree, files_below};
pub(crate) use words::split;

/// The checkout.
pub(crate) fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A variable of the test run's own environment.
#[expect(
    clippy::disallowed_methods,
    reason = "the tests' own settings; the programs under test get a cleared environment"
)]
pub(crate) fn var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
