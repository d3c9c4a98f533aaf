//! Random numbers for tests, the same again for the same seed. Shared with the integration tests.

use std::sync::OnceLock;

/// Variable that sets the seed.
const SEED: &str = "RUCIO_TEST_SEED";

/// Returns a generator whose seed is that of `RUCIO_TEST_SEED`, or a random one for the whole process. It is printed, so that the
/// output of a test that failed has it.
#[expect(clippy::disallowed_methods, reason = "a setting of the tests")]
#[allow(
    clippy::print_stdout,
    reason = "shown if the test fails; clippy allows it in the unit tests, not in the integration tests"
)]
pub(crate) fn random() -> fastrand::Rng {
    static CHOSEN: OnceLock<u64> = OnceLock::new();
    let given = std::env::var(SEED).ok().map(|seed| seed.parse().expect("a seed is a number"));
    let seed = given.unwrap_or_else(|| *CHOSEN.get_or_init(|| fastrand::u64(..)));
    println!("to repeat this: {SEED}={seed}");
    fastrand::Rng::with_seed(seed)
}
