//! Two processes upload to the same destination at the same time.

use std::fs;
use std::path::Path;
use std::thread;

use anyhow::{Context, Result, anyhow, ensure};

use super::{Fixture, PLACES, expect, found, storage};
use crate::support::{Outcome, var};

/// Number of concurrent uploads at each storage; set by the variable.
const ROUNDS: &str = "RUCIO_UPLOAD_RACES";
const FEW_ROUNDS: usize = 6;

fn rounds() -> usize {
    var(ROUNDS).and_then(|number| number.parse().ok()).unwrap_or(FEW_ROUNDS)
}

/// Does this for each storage, at all of them at the same time.
fn everywhere(race: impl Fn(&Fixture, &str, &Path) -> Result<()> + Sync) -> Result<()> {
    thread::scope(|scope| {
        let all = PLACES.map(|(rse, place)| {
            let race = &race;
            scope.spawn(move || race(&Fixture::new("root")?, rse, &storage(place)?).context(rse))
        });
        all.into_iter().try_for_each(|one| one.join().map_err(|_| anyhow!("a thread panicked"))?)
    })
}

/// Both of these files are uploaded as `name`.
fn meet(fixture: &Fixture, rse: &str, name: &str, words: &[&str], files: [&str; 2]) -> Result<[Outcome; 2]> {
    let upload = |file: &str| fixture.upload(rse, &[&["--lfn", name, file], words].concat());
    thread::scope(|scope| {
        let other = scope.spawn(|| upload(files[1]));
        let one = upload(files[0])?;
        Ok([one, other.join().map_err(|_| anyhow!("a thread panicked"))??])
    })
}

fn said(outcomes: &[Outcome; 2]) -> String {
    outcomes.iter().map(|outcome| format!("{}: {}", outcome.code, outcome.stderr)).collect::<Vec<_>>().join("\n")
}

#[test]
fn upload_race_of_two_files_with_one_name_has_one_winner() -> Result<()> {
    everywhere(|fixture, rse, place| {
        let contents = [vec![b'a'; 30_000], vec![b'b'; 30_000]];
        let files = ["a", "b"];
        files.iter().zip(&contents).try_for_each(|(file, bytes)| fs::write(fixture.folder.join(file), bytes))?;
        for round in 0..rounds() {
            let words = [&["--register-after-upload"][..], &["--no-register"]][round % 2];
            let name = format!("{}.{round:03}", fixture.new);
            let outcomes = meet(fixture, rse, &name, words, files)?;
            let lying = found(place, &name)?;
            let winners: Vec<_> = (0..2).filter(|index| outcomes[*index].code == 0).collect();
            ensure!(winners.len() == 1, "{name}: {} succeeded\n{lying:?}\n{}", winners.len(), said(&outcomes));
            ensure!(lying.len() == 1 && lying[0].ends_with(&name), "{name}: {lying:?}\n{}", said(&outcomes));
            let bytes = fs::read(&lying[0])?;
            ensure!(bytes == contents[winners[0]], "{name}: other bytes\n{}", said(&outcomes));
        }
        Ok(())
    })
}

/// The file there is not registered, so both may replace it, but not each other's.
#[test]
fn upload_race_of_two_files_that_replace_another_has_one_winner() -> Result<()> {
    everywhere(|fixture, rse, place| {
        let contents = [vec![b'a'; 30_000], vec![b'b'; 30_000]];
        let files = ["a", "b"];
        files.iter().zip(&contents).try_for_each(|(file, bytes)| fs::write(fixture.folder.join(file), bytes))?;
        fs::write(fixture.folder.join("old"), "old")?;
        for round in 0..rounds().div_ceil(3) {
            let name = format!("{}.{round:03}", fixture.new);
            expect(&fixture.upload(rse, &["--no-register", "--lfn", &name, "old"])?, 0)?;
            let outcomes = meet(fixture, rse, &name, &["--register-after-upload"], files)?;
            let lying = found(place, &name)?;
            let winners: Vec<_> = (0..2).filter(|index| outcomes[*index].code == 0).collect();
            ensure!(winners.len() == 1, "{name}: {} succeeded\n{lying:?}\n{}", winners.len(), said(&outcomes));
            ensure!(lying.len() == 1 && lying[0].ends_with(&name), "{name}: {lying:?}\n{}", said(&outcomes));
            ensure!(fs::read(&lying[0])? == contents[winners[0]], "{name}: other bytes\n{}", said(&outcomes));
        }
        Ok(())
    })
}

#[test]
fn upload_race_of_two_equal_files_has_no_failure() -> Result<()> {
    everywhere(|fixture, rse, place| {
        fs::create_dir(fixture.folder.join("copy"))?;
        let files = ["a", "copy/a"];
        for round in 0..rounds().div_ceil(2) {
            let words = [&["--register-after-upload"][..], &[]][round % 2];
            let name = format!("{}.{round:03}", fixture.new);
            files.iter().try_for_each(|file| fs::write(fixture.folder.join(file), &name))?;
            let outcomes = meet(fixture, rse, &name, words, files)?;
            for outcome in &outcomes {
                let is_fine = outcome.code == 0 || outcome.stderr.contains("1 there already, 0 failed.");
                ensure!(is_fine, "{name}: {}", said(&outcomes));
            }
            ensure!(outcomes.iter().any(|outcome| outcome.code == 0), "{name}: {}", said(&outcomes));
            ensure!(fixture.state(&name, rse)? == "AVAILABLE", "{name}: {}", fixture.state(&name, rse)?);
            let lying = found(place, &name)?;
            ensure!(
                lying.len() == 1 && fs::read(&lying[0])? == name.as_bytes(),
                "{name}: {lying:?}\n{}",
                said(&outcomes)
            );
        }
        Ok(())
    })
}

/// All calls to the catalogue are made twice: for files, replicas, rules and the dataset.
#[test]
fn upload_race_of_equal_files_in_a_dataset_has_no_failure() -> Result<()> {
    const FILES: usize = 12;
    everywhere(|fixture, rse, _| {
        for round in 0..rounds().div_ceil(3) {
            let mode = [&["--register-after-upload"][..], &[]][round % 2];
            let dataset = fixture.did(&format!("{}.{round:03}.ds", fixture.new));
            let names: Vec<_> = (0..FILES).map(|number| format!("{}.{round:03}.{number:02}", fixture.new)).collect();
            names.iter().try_for_each(|name| fs::write(fixture.folder.join(name), name))?;
            let words: Vec<_> =
                mode.iter().copied().chain([dataset.as_str()]).chain(names.iter().map(String::as_str)).collect();
            let outcomes = thread::scope(|scope| {
                let other = scope.spawn(|| fixture.upload(rse, &words));
                let one = fixture.upload(rse, &words)?;
                anyhow::Ok([one, other.join().map_err(|_| anyhow!("a thread panicked"))??])
            })?;
            let is_fine = |outcome: &Outcome| outcome.code == 0 || outcome.stderr.contains(" 0 failed.");
            ensure!(outcomes.iter().all(is_fine), "{dataset}: {}", said(&outcomes));
            let content = fixture.ask(&["did", "content", "list", &dataset])?;
            ensure!(content.as_array().is_some_and(|rows| rows.len() == FILES), "{content}\n{}", said(&outcomes));
            for name in &names {
                ensure!(
                    fixture.state(name, rse)? == "AVAILABLE",
                    "{name}: {}\n{}",
                    fixture.state(name, rse)?,
                    said(&outcomes)
                );
            }
        }
        Ok(())
    })
}
