//! Downloads from the real storage of the testbed: what arrives is what was put there, or nothing is.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::fixtures::{Home, PROMPT, shell_code, wait_for};
use crate::support::{Outcome, Rucio, Testbed, Tree, files_below};

/// Our client with the credential for storage, in a folder of its own.
struct Fixture {
    home: Home,
    folder: PathBuf,
}

impl Fixture {
    fn new() -> Result<Self> {
        let home = Home::new()?;
        let folder = home.path().join("desk");
        fs::create_dir(&folder)?;
        Ok(Self { home, folder })
    }

    fn rucio(&self) -> Result<Rucio> {
        let proxy = Home::certificate("jdoe.proxy.pem")?;
        let rucio = self.home.ours().config("userpass")?.folder(&self.folder);
        Ok(rucio.env("X509_USER_PROXY", &proxy.to_string_lossy()))
    }

    fn download(&self, words: &[&str]) -> Result<Outcome> {
        self.rucio()?.args(["download"]).args(words).run()
    }

    /// The files below the folder, as paths.
    fn files(&self) -> Result<Vec<String>> {
        files_below(&self.folder)
    }
}

/// The bytes of a file of scope `test` on a storage of the testbed.
fn stored(place: &str, name: &str) -> Result<Vec<u8>> {
    fn find(folder: &Path, name: &str) -> Option<PathBuf> {
        fs::read_dir(folder).ok()?.flatten().find_map(|entry| match entry.path() {
            path if path.is_dir() => find(&path, name),
            path if path.file_name().is_some_and(|file| file == name) => Some(path),
            _ => None,
        })
    }
    let root = Path::new(Testbed::get()?.value("STORAGE")?).join(place).join("test");
    let path = find(&root, name).with_context(|| format!("{name} below {}", root.display()))?;
    Ok(fs::read(path)?)
}

fn expect(outcome: &Outcome, code: i32) -> Result<()> {
    ensure!(outcome.code == code, "{} instead of {code}\n{}\n{}", outcome.code, outcome.stdout, outcome.stderr);
    Ok(())
}

#[test]
fn download_of_a_container_from_davs_http_and_file_is_complete() -> Result<()> {
    let fixture = Fixture::new()?;
    let outcome = fixture.download(&["test:threeways"])?;
    expect(&outcome, 0)?;
    for (place, rse) in [("davs/data", "davs"), ("dav/data", "dav"), ("posix", "posix")] {
        for number in 0..2 {
            let name = format!("only-{rse}-{number}.dat");
            let here = fs::read(fixture.folder.join("threeways").join(&name))?;
            ensure!(here == stored(place, &name)?, "{name} differs");
        }
    }
    ensure!(fixture.files()?.len() == 6, "{:?}", fixture.files()?);
    ensure!(outcome.stdout.contains("Downloaded files:                             6\n"), "{}", outcome.stdout);
    Ok(())
}

/// XRootD's HTTP server before 5.7 knows header names in one spelling only, and answers ranges without an end with nothing.
#[test]
fn download_from_xrootd_over_https_resumes() -> Result<()> {
    for (rse, place) in
        [("XRDHTTP", "xrootd/http"), ("XRDHTTP_NOSUM", "xrdpool/http"), ("XRDHTTP_DOOR", "xrdpool/door")]
    {
        let fixture = Fixture::new()?;
        let name = format!("{}.dat", rse.to_lowercase());
        let did = format!("test:{name}");
        let mut slow = fixture.rucio()?.args(["download", "--limit-rate", "1M", &did]).command()?;
        let mut slow = slow.stderr(Stdio::null()).stdout(Stdio::null()).spawn()?;
        wait_for("the first bytes", || {
            let files = fixture.files()?;
            let bytes = files.iter().filter_map(|file| fs::metadata(fixture.folder.join(file)).ok()).map(|m| m.len());
            Ok((bytes.sum::<u64>() > 500_000).then_some(()))
        })?;
        slow.kill()?;
        slow.wait()?;
        let outcome = fixture.download(&[&did])?;
        expect(&outcome, 0)?;
        ensure!(outcome.stderr.contains("Resuming an earlier download"), "{rse}: {}", outcome.stderr);
        ensure!(!outcome.stderr.contains("attempt failed"), "{rse}: {}", outcome.stderr);
        ensure!(fs::read(fixture.folder.join("test").join(&name))? == stored(place, &name)?, "{rse}");
        ensure!(fixture.files()? == [format!("test/{name}")], "{rse}: {:?}", fixture.files()?);
    }
    Ok(())
}

#[test]
fn download_skips_existing_files_and_replaces_wrong_ones() -> Result<()> {
    let fixture = Fixture::new()?;
    expect(&fixture.download(&["test:davsfile"])?, 0)?;
    let spoiled = fixture.folder.join("davsfile/davsfile-0.dat");
    let right = fs::read(&spoiled)?;
    fs::write(&spoiled, vec![b'?'; right.len()])?;
    let again = fixture.download(&["test:davsfile"])?;
    expect(&again, 0)?;
    ensure!(again.stdout.contains("Files already found locally:                  5\n"), "{}", again.stdout);
    ensure!(fs::read(&spoiled)? == right);
    Ok(())
}

/// The server sends the rotten replica first or second as it likes; the storage decides with `--rses`.
#[test]
fn download_skips_a_corrupt_replica() -> Result<()> {
    let fixture = Fixture::new()?;
    let rotten = fixture.rucio()?.args(["download", "--rses", "DAVS", "test:rotten2.dat"]).run()?;
    expect(&rotten, 1)?;
    ensure!(rotten.stderr.contains("Checksum validation failed for file: test:rotten2.dat"), "{}", rotten.stderr);
    ensure!(fixture.files()?.is_empty(), "{:?}", fixture.files()?);
    let saved = fixture.download(&["--protocol", "https,file", "--rses", "DAVS|POSIX", "test:rotten2.dat"])?;
    expect(&saved, 0)?;
    ensure!(fs::read(fixture.folder.join("test/rotten2.dat"))? == stored("posix", "rotten2.dat")?);
    Ok(())
}

#[test]
fn download_skips_a_missing_replica() -> Result<()> {
    let fixture = Fixture::new()?;
    expect(&fixture.download(&["test:missing2.dat"])?, 0)?;
    ensure!(fs::read(fixture.folder.join("test/missing2.dat"))? == stored("posix", "missing2.dat")?);
    Ok(())
}

#[test]
fn download_without_a_good_replica_leaves_no_file() -> Result<()> {
    for (did, old_code) in [("test:hopeless.dat", 75), ("test:gone.dat", 75), ("test:nosuch.dat", 75)] {
        let fixture = Fixture::new()?;
        expect(&fixture.download(&[did])?, 1)?;
        expect(&fixture.rucio()?.args(["get", did]).run()?, old_code)?;
        ensure!(fixture.files()?.is_empty(), "{did}: {:?}", fixture.files()?);
    }
    Ok(())
}

#[test]
fn download_of_one_bad_file_does_not_affect_the_others() -> Result<()> {
    let fixture = Fixture::new()?;
    let both = fixture.rucio()?.args(["get", "test:hopeless.dat", "test:davsfile"]).run()?;
    expect(&both, 76)?;
    ensure!(fixture.files()?.len() == 6, "{:?}", fixture.files()?);
    Ok(())
}

#[test]
fn download_stays_in_its_folder_whatever_the_names() -> Result<()> {
    let fixture = Fixture::new()?;
    let before = Tree::read(fixture.home.path())?;
    let outcome = fixture.rucio()?.args(["get", "--dir", "inner/most", "mock:escape"]).run()?;
    expect(&outcome, 75)?;
    let written = Tree::read(fixture.home.path())?.since(before).listing();
    ensure!(!written.contains("escape.dat"), "{written}");
    Ok(())
}

#[test]
fn download_stays_in_its_folder_behind_a_link() -> Result<()> {
    let fixture = Fixture::new()?;
    let outside = fixture.home.path().join("outside");
    fs::create_dir(&outside)?;
    symlink(&outside, fixture.folder.join("davsfile"))?;
    let outcome = fixture.download(&["test:davsfile"])?;
    expect(&outcome, 1)?;
    ensure!(fs::read_dir(&outside)?.next().is_none());
    Ok(())
}

#[test]
fn download_by_two_processes_in_one_folder_is_safe() -> Result<()> {
    let fixture = Fixture::new()?;
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let runs: Vec<_> =
            (0..2).map(|_| scope.spawn(|| fixture.download(&["--rses", "DAVS", "test:mixed"]))).collect();
        runs.into_iter().map(|run| run.join().expect("no panic")).collect()
    });
    for outcome in outcomes {
        expect(&outcome?, 0)?;
    }
    ensure!(fixture.files()?.len() == 10, "{:?}", fixture.files()?);
    for number in 0..10 {
        let name = format!("mixed-{number:02}.dat");
        ensure!(fs::read(fixture.folder.join("mixed").join(&name))? == stored("davs/data", &name)?, "{name}");
    }
    Ok(())
}

#[test]
fn download_ends_at_ctrl_c_without_a_half_written_file() -> Result<()> {
    let fixture = Fixture::new()?;
    let mut child = fixture.rucio()?.args(["download", "bench:2g.dat"]).command()?;
    let mut child = child.stderr(Stdio::null()).stdout(Stdio::null()).spawn()?;
    wait_for("the first bytes", || {
        let files = fixture.files()?;
        let bytes = files.iter().filter_map(|file| fs::metadata(fixture.folder.join(file)).ok()).map(|m| m.len());
        Ok((bytes.sum::<u64>() > 10_000_000).then_some(()))
    })?;
    kill_process(Pid::from_child(&child), Signal::INT)?;
    let start = Instant::now();
    let code = shell_code(child.wait()?);
    ensure!(code == 130 && start.elapsed() < PROMPT, "{code} after {:?}", start.elapsed());
    // The received bytes are kept for the next run, under a name that is clearly not the file's.
    let files = fixture.files()?;
    let is_part = |file: &String| file.starts_with("bench/.2g.dat.") && file.ends_with(".rucio-part");
    ensure!(files.len() == 1 && files.iter().all(is_part), "{files:?}");
    Ok(())
}
