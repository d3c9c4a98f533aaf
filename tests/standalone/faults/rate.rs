//! The limit on the rate.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::fixtures::download::ended;
use crate::fixtures::download::{DownloadFixture, bytes};
use crate::fixtures::store::Store;

/// All files together are held back, and a file that is held back is not taken for a slow one.
#[test]
fn rate_limit_is_kept() -> Result<()> {
    let contents: HashMap<_, _> = (0..2).map(|seed| (format!("f{seed}"), bytes(seed, 2_000_000))).collect();
    let store = Store::good(contents.clone(), Duration::ZERO)?;
    let mut world = DownloadFixture::new()?;
    for (name, content) in &contents {
        world.file(name, content, &[&store.pfn(name)]);
    }
    let outcome = world.download(&["--limit-rate", "1M", "--transfer-timeout", "3"])?;
    ended(&outcome, 0)?;
    for name in contents.keys() {
        world.arrived(name)?;
        ensure!(store.asked(name).len() == 1, "{}", outcome.stderr);
    }
    ensure!(outcome.took >= Duration::from_secs(4), "4,000,000 bytes in {:?}", outcome.took);
    Ok(())
}

#[test]
fn rate_limit_that_is_invalid_is_refused() -> Result<()> {
    let world = DownloadFixture::new()?;
    for limit in ["0", "fast", "1MB", "-1"] {
        let outcome = world.download(&["--limit-rate", limit])?;
        ended(&outcome, 2)?;
        ensure!(limit == "-1" || outcome.stderr.contains("800k, 2.5M or 1G"), "{}", outcome.stderr);
    }
    Ok(())
}
