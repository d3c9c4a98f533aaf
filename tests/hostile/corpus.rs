//! What the fuzzers made up and is kept in `fuzz/corpus` goes through the same functions as there: what was found once
//! stays found.

#[expect(unreachable_pub, reason = "the fuzz targets are another package and use it as a library")]
#[path = "../../fuzz/src/lib.rs"]
mod promises;

use std::fs;
use std::panic::catch_unwind;

use anyhow::{Context, Result, ensure};

use crate::support::project;

fn replay(target: &str, promise: fn(&[u8])) -> Result<()> {
    let folder = project().join("fuzz/corpus").join(target);
    let mut number = 0;
    for entry in fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        let data = fs::read(&path)?;
        ensure!(catch_unwind(|| promise(&data)).is_ok(), "{} breaks a promise", path.display());
        number += 1;
    }
    ensure!(number > 0, "there is nothing in {}", folder.display());
    Ok(())
}

#[test]
fn configuration_files_of_all_kinds_mean_one_thing_or_are_refused() -> Result<()> {
    replay("config", promises::config)
}

#[test]
fn lists_are_the_same_however_they_come() -> Result<()> {
    replay("json_stream", promises::json_stream)
}

#[test]
fn metalink_documents_are_whole_or_refused() -> Result<()> {
    replay("metalink", promises::metalink)
}

#[test]
fn storages_cannot_give_bytes_for_others() -> Result<()> {
    replay("range_answers", promises::range_answers)
}

#[test]
fn no_did_leads_out_of_the_folder() -> Result<()> {
    replay("did", promises::did)
}

/// The properties themselves can fail.
#[test]
fn a_broken_promise_is_noticed() {
    assert!(catch_unwind(|| replay("did", |data| assert!(data.is_empty()))).is_ok_and(|outcome| outcome.is_err()));
}
