//! `download --wait`: files without a replica on disk.

use std::fs;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;

use super::{Fixture, expect};
use crate::fixtures::{Home, WatchedProcess, wait_for};
use crate::support::{Rucio, unique};

const CONTENT: &str = "from tape\n";

/// A file with a replica on tape, and one on disk that is not available yet.
struct TapeFile {
    fixture: Fixture,
    admin: Home,
    name: String,
}

impl TapeFile {
    fn new() -> Result<Self> {
        let file = Self { fixture: Fixture::new()?, admin: Home::new()?, name: unique("tape") };
        let name = &file.name;
        fs::write(file.fixture.folder.join(name), CONTENT)?;
        let upload = ["upload", "--rse", "POSIX_SCRATCHDISK", "--scope", "user.jdoe", "--register-after-upload", name];
        expect(&file.fixture.rucio()?.args(upload).run()?, 0)?;
        fs::remove_file(file.fixture.folder.join(name))?;
        let size = CONTENT.len();
        let replica = json!({"scope": "user.jdoe", "name": name, "bytes": size, "state": "A"});
        file.call("POST", &json!({"rse": "TAPE", "files": [replica]}))?;
        file.set_disk_state("U")?;
        Ok(file)
    }

    /// Sends a request about replicas as root.
    fn call(&self, method: &str, body: &serde_json::Value) -> Result<()> {
        let input = self.admin.path().join("body.json");
        fs::write(&input, body.to_string())?;
        let words = ["api", method, "replicas", "--input", &input.to_string_lossy()];
        expect(&self.admin.ours().config("root")?.args(words).run()?, 0)
    }

    /// Tells the server whether the replica on disk is available.
    fn set_disk_state(&self, state: &str) -> Result<()> {
        let file = json!({"scope": "user.jdoe", "name": self.name, "state": state});
        self.call("PUT", &json!({"rse": "POSIX_SCRATCHDISK", "files": [file]}))
    }

    fn did(&self) -> String {
        format!("user.jdoe:{}", self.name)
    }

    fn download(&self, wait: &[&str]) -> Result<Rucio> {
        let words = ["-o", "jsonl", "download", "--protocol", "mock,file,https,davs", &self.did()];
        Ok(self.fixture.rucio()?.args(words).args(wait))
    }
}

#[test]
fn download_waits_for_a_file_on_tape_until_it_is_on_disk() -> Result<()> {
    let file = TapeFile::new()?;
    let mut waiting = WatchedProcess::start(file.download(&["--wait=10m"])?.command()?)?;
    wait_for("the pause", || Ok(waiting.events()?.into_iter().find(|event| event["event"] == "waiting_for_disk")))?;
    ensure!(waiting.is_running()?, "{:?}", waiting.events()?);
    file.set_disk_state("A")?;
    let (code, lines) = waiting.end()?;
    ensure!(code == 0, "{code}: {lines:?}");
    let path = file.fixture.folder.join("user.jdoe").join(&file.name);
    ensure!(fs::read_to_string(&path)? == CONTENT, "{}", path.display());
    Ok(())
}

#[test]
fn download_fails_when_the_time_for_a_file_on_tape_is_over() -> Result<()> {
    let file = TapeFile::new()?;
    for (wait, pauses) in [(&["--wait=1s"][..], true), (&[], false)] {
        let outcome = file.download(wait)?.limit(Duration::from_secs(60)).run()?;
        expect(&outcome, 1)?;
        ensure!(outcome.stderr.contains("only has replicas on tape"), "{}", outcome.stderr);
        let has_waited = outcome.stdout.contains("waiting_for_disk");
        ensure!(has_waited == pauses && outcome.stdout.contains("it has replicas on tape only"), "{}", outcome.stdout);
    }
    Ok(())
}
