//! The local file changes while it is uploaded.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::SystemTime;

use anyhow::{Result, ensure};

use super::{Fixture, expect, found, storage};
use crate::support::Outcome;

/// An RSE of each protocol, and the folder of its files.
const PLACES: [(&str, Option<&str>); 6] = [
    ("S3", None),
    ("POSIX_SCRATCHDISK", Some("scratch")),
    ("DAVS_SCRATCHDISK", Some("davs/scratch")),
    ("SSH", Some("scp")),
    ("XRD_SCRATCHDISK", Some("xrootd/scratch")),
    ("GSI_SCRATCHDISK", Some("xrdgsi/scratch")),
];
const CHANGED: &str = "the file changed while it was uploaded";

/// Uploads a file that another thread writes to all the time.
fn upload_changing(fixture: &Fixture, rse: &str, words: &[&str]) -> Result<Outcome> {
    upload_while(fixture, rse, words, |_, _| Ok(()))
}

/// The same. After each write the thread does this, with the time of change from before.
fn upload_while(
    fixture: &Fixture,
    rse: &str,
    words: &[&str],
    written: impl Fn(&File, SystemTime) -> std::io::Result<()> + Sync,
) -> Result<Outcome> {
    let path = fixture.folder.join(&fixture.new);
    fs::write(&path, vec![b'x'; 2_000_000])?;
    let file = File::options().write(true).open(&path)?;
    let before = path.metadata()?.modified()?;
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            (0_u8..=255).cycle().take_while(|_| !ended.load(Ordering::SeqCst)).try_for_each(|byte| {
                thread::yield_now();
                file.write_all_at(&[byte], 1_000_000).and_then(|()| written(&file, before))
            })
        });
        let outcome = fixture.upload(rse, &[words, &[&fixture.new]].concat());
        ended.store(true, Ordering::SeqCst);
        outcome
    })
}

/// S3 reports no checksum.
#[test]
fn upload_of_a_file_that_changes_is_refused_by_every_protocol() -> Result<()> {
    for (rse, place) in PLACES {
        let fixture = Fixture::new("root")?;
        let outcome = upload_changing(&fixture, rse, &["--register-after-upload"])?;
        ensure!(outcome.code == 79, "{rse}: {}\n{}", outcome.code, outcome.stderr);
        ensure!(outcome.stderr.contains(CHANGED), "{rse}: {}", outcome.stderr);
        let state = fixture.rucio()?.args(["list-file-replicas", &fixture.did(&fixture.new)]).run()?;
        ensure!(!state.stdout.contains(rse), "{rse}: {}", state.stdout);
        if let Some(place) = place {
            let lying = found(&storage(place)?, &fixture.new)?;
            ensure!(lying.is_empty(), "{rse}: {lying:?}");
        }
    }
    Ok(())
}

/// Files of `/proc` have the size 0: they would become empty ones.
#[test]
fn upload_of_a_file_with_more_bytes_than_its_size_is_refused_by_every_protocol() -> Result<()> {
    for (rse, place) in PLACES {
        for words in [&["--register-after-upload"][..], &["--no-register"], &[]] {
            let fixture = Fixture::new("root")?;
            std::os::unix::fs::symlink("/proc/self/status", fixture.folder.join(&fixture.new))?;
            let outcome = fixture.upload(rse, &[words, &[&fixture.new]].concat())?;
            ensure!(outcome.code != 0, "{rse} {words:?}: {}", outcome.stderr);
            ensure!(
                outcome.stderr.contains("is longer than its size of 0 bytes"),
                "{rse} {words:?}: {}",
                outcome.stderr
            );
            if let Some(place) = place {
                let lying = found(&storage(place)?, &fixture.new)?;
                ensure!(lying.is_empty(), "{rse} {words:?}: {lying:?}");
            }
        }
    }
    Ok(())
}

/// Length and time of change stay what they were: only the bytes that are sent show it.
#[test]
fn upload_of_other_bytes_than_measured_is_detected() -> Result<()> {
    let fixture = Fixture::new("root")?;
    let outcome = upload_while(&fixture, "DAVS_SCRATCHDISK", &[], |file, before| file.set_modified(before))?;
    expect(&outcome, 79)?;
    ensure!(outcome.stderr.contains(CHANGED), "{}", outcome.stderr);
    let lying = found(&storage("davs/scratch")?, &fixture.new)?;
    ensure!(lying.is_empty(), "{lying:?}");
    Ok(())
}

/// The name was registered before. The generic policy of the server lets no account remove a replica, not even root; one
/// that a rule protects cannot be removed.
#[test]
fn upload_that_stays_registered_after_a_change_is_reported() -> Result<()> {
    let rse = "POSIX_SCRATCHDISK";
    for (config, in_dataset) in [("root", true), ("root", false), ("userpass", false)] {
        let fixture = Fixture::new(config)?;
        let dataset = fixture.did(&format!("{}.ds", fixture.new));
        let words: &[&str] = if in_dataset { &[&dataset] } else { &[] };
        let outcome = upload_changing(&fixture, rse, words)?;
        expect(&outcome, 79)?;
        let stays = format!("{} stays registered with the checksum", fixture.did(&fixture.new));
        for word in [CHANGED, &stays, "under another name"] {
            ensure!(outcome.stderr.contains(word), "{config}: {word}: {}", outcome.stderr);
        }
        let asked = outcome.stderr.contains("can not delete file replicas");
        ensure!(asked == in_dataset, "{config}: {}", outcome.stderr);
        ensure!(fixture.state(&fixture.new, rse)? == "COPYING", "{config}: {}", fixture.state(&fixture.new, rse)?);
        let lying = found(&storage("scratch")?, &fixture.new)?;
        ensure!(lying.is_empty(), "{config}: {lying:?}");
    }
    Ok(())
}
