//! Uploads that are interrupted at any moment. What they leave is right, and the same command completes it.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Child;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::{Fixture, PLACES, expect, found, storage};
use crate::fixtures::{random, shell_code, wait_for};
use crate::support::{Outcome, var};

/// Number of moments at each storage; set by the variable.
const MOMENTS: &str = "RUCIO_KILL_MOMENTS";
const FEW_MOMENTS: usize = 3;
const FILES: usize = 3;
const SIZE: usize = 2_000_000;
const SIGNALS: [Signal; 3] = [Signal::TERM, Signal::INT, Signal::KILL];

/// An upload of several files to a new dataset.
struct Interrupted {
    fixture: Fixture,
    rse: &'static str,
    folder: PathBuf,
    names: Vec<String>,
    mode: Option<&'static str>,
}

impl Interrupted {
    fn new(rse: &'static str, place: &str, mode: Option<&'static str>) -> Result<Self> {
        let fixture = Fixture::new("root")?;
        let names: Vec<_> = (0..FILES).map(|number| format!("{}.{number}", fixture.new)).collect();
        for (number, name) in names.iter().enumerate() {
            fs::write(fixture.folder.join(name), content(number))?;
        }
        Ok(Self { fixture, rse, folder: storage(place)?, names, mode })
    }

    fn dataset(&self) -> String {
        self.fixture.did(&format!("{}.ds", self.fixture.new))
    }

    fn words(&self) -> Vec<String> {
        let fixed = ["--legacy", "upload", "--rse", self.rse, "--scope", &self.fixture.scope];
        let words = fixed.into_iter().map(str::to_owned).chain(self.mode.map(str::to_owned));
        words.chain([self.dataset()]).chain(self.names.clone()).collect()
    }

    fn run(&self) -> Result<Outcome> {
        self.fixture.rucio()?.args(self.words()).run()
    }

    fn start(&self) -> Result<Child> {
        let said = File::create(self.fixture.home.path().join("said"))?;
        Ok(self.fixture.rucio()?.args(self.words()).command()?.stderr(said).spawn()?)
    }

    /// Files at the storage: under final names, and others.
    fn lying(&self) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
        let lying = found(&self.folder, &self.fixture.new)?.into_iter();
        Ok(lying.partition(|path| self.names.iter().any(|name| path.ends_with(name))))
    }

    /// Verifies the bytes under all final names.
    fn all_right(&self) -> Result<()> {
        for path in self.lying()?.0 {
            let number = self.names.iter().position(|name| path.ends_with(name)).context("a name")?;
            ensure!(fs::read(&path)? == content(number), "other bytes: {path:?}");
        }
        Ok(())
    }

    /// Verifies that each available replica is at the storage.
    fn registered_are_there(&self) -> Result<()> {
        let lying = self.lying()?.0;
        for name in &self.names {
            let is_there = lying.iter().any(|path| path.ends_with(name));
            let state = self.state(name)?;
            ensure!(state != "AVAILABLE" || is_there, "{name} is registered, but not at the storage");
        }
        Ok(())
    }

    fn state(&self, name: &str) -> Result<String> {
        let words = ["-o", "json", "replica", "list", "file", "--all-states", &self.fixture.did(name)];
        let outcome = self.fixture.rucio()?.args(words).run()?;
        let rows: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap_or_default();
        let row = rows.as_array().into_iter().flatten().find(|row| row["rse"] == self.rse);
        Ok(row.and_then(|row| row["state"].as_str()).unwrap_or("none").to_owned())
    }

    /// Interrupts an upload after this time, and completes it.
    fn interrupt(&self, signal: Signal, after: Duration) -> Result<()> {
        let mut child = self.start()?;
        thread::sleep(after);
        let has_ended = child.try_wait()?.is_some();
        if !has_ended {
            kill_process(Pid::from_child(&child), signal)?;
        }
        let code = shell_code(wait_for("the end of the program", || Ok(child.try_wait()?))?);
        let said = fs::read_to_string(self.fixture.home.path().join("said"))?;
        self.all_right()?;
        // The signal may come after the last file.
        if code == 0 {
            self.is_complete().with_context(|| format!("exit code 0: {said}"))?;
        }
        self.registered_are_there()?;
        if signal != Signal::KILL && !said.contains(" may be left at ") {
            wait_for("temporary files to be deleted", || Ok(self.lying()?.1.is_empty().then_some(())))
                .with_context(|| format!("{:?}\n{said}", self.lying()))?;
        }
        self.complete()
    }

    /// Runs the same command again. Then everything is at the storage, registered, and attached.
    fn complete(&self) -> Result<()> {
        let again = self.run()?;
        ensure!([0, 79, 80].contains(&again.code), "{}: {}", again.code, again.stderr);
        ensure!(again.code == 0 || again.stderr.contains(" 0 failed."), "{}: {}", again.code, again.stderr);
        self.all_right()?;
        self.is_complete().with_context(|| again.stderr)
    }

    /// Verifies that everything is at the storage, registered, and attached.
    fn is_complete(&self) -> Result<()> {
        let (lying, mut others) = self.lying()?;
        // The lock of a process that was killed right after it had registered the file.
        others.retain(|path| !path.to_string_lossy().ends_with(".lock.rucio.upload"));
        ensure!(lying.len() == FILES && others.is_empty(), "{lying:?} {others:?}");
        for name in &self.names {
            let state = self.state(name)?;
            ensure!(state == "AVAILABLE", "{name}: {state}");
        }
        let content = self.fixture.ask(&["did", "content", "list", &self.dataset()])?;
        ensure!(content.as_array().is_some_and(|rows| rows.len() == FILES), "{content}");
        let rules = self.fixture.ask(&["rule", "list", "--did", &self.dataset()])?;
        ensure!(rules.as_array().is_some_and(|rows| rows.len() == 1), "{rules}");
        Ok(())
    }
}

fn content(number: usize) -> Vec<u8> {
    (0..SIZE).map(|index| (index % (number + 250)) as u8).collect()
}

fn at(rse: &'static str, place: &str) -> Result<()> {
    let moments = var(MOMENTS).map_or(Ok(FEW_MOMENTS), |text| text.parse())?;
    let mut random = random();
    let undisturbed = Interrupted::new(rse, place, None)?;
    let first = undisturbed.run()?;
    expect(&first, 0)?;
    let longest = u64::try_from(first.took.as_millis())?;
    for moment in 0..moments {
        let mode = [Some("--register-after-upload"), None][moment % 2];
        let signal = SIGNALS[moment % SIGNALS.len()];
        let after = Duration::from_millis(random.u64(0..longest));
        let upload = Interrupted::new(rse, place, mode)?;
        upload.interrupt(signal, after).with_context(|| format!("{rse}, {mode:?}, {signal:?} after {after:?}"))?;
    }
    Ok(())
}

#[test]
fn upload_that_was_killed_at_any_moment_is_completed_by_the_same_command() -> Result<()> {
    thread::scope(|scope| {
        let all = PLACES.map(|(rse, place)| scope.spawn(move || at(rse, place)));
        all.into_iter().try_for_each(|one| one.join().map_err(|_| anyhow!("a thread panicked"))?)
    })
}
