//! Downloads from the real storage of the testbed: what arrives is what was put there, or nothing is.

mod tape;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::fixtures::grid::{GridFile, GridFiles};
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

    /// The file has arrived as it was stored.
    fn has(&self, file: &GridFile) -> Result<()> {
        let here = fs::read(self.folder.join(file.path())).with_context(|| file.path())?;
        ensure!(here == file.content, "{} differs: {} bytes", file.path(), here.len());
        Ok(())
    }

    /// Waits until the files have more bytes than this.
    fn wait_for_bytes(&self, number: u64) -> Result<()> {
        wait_for("the first bytes", || {
            let files = self.files()?;
            let bytes = files.iter().filter_map(|file| fs::metadata(self.folder.join(file)).ok()).map(|m| m.len());
            Ok((bytes.sum::<u64>() > number).then_some(()))
        })
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
        let name = format!("{}.dat", rse.to_lowercase());
        resumes(&format!("test:{name}"), &format!("test/{name}"), &stored(place, &name)?).context(rse)?;
    }
    Ok(())
}

#[test]
fn download_resumes_everywhere() -> Result<()> {
    GridFiles::everywhere()?.iter().try_for_each(|files| {
        resumes(&files.medium.did(), &files.medium.path(), &files.medium.content).context(files.rse)
    })
}

/// A download of this file of 3 MB is killed, and completed by the same command.
fn resumes(did: &str, path: &str, content: &[u8]) -> Result<()> {
    let fixture = Fixture::new()?;
    let mut slow = fixture.rucio()?.args(["download", "--limit-rate", "1M", did]).command()?;
    let mut slow = slow.stderr(Stdio::null()).stdout(Stdio::null()).spawn()?;
    fixture.wait_for_bytes(500_000)?;
    slow.kill()?;
    slow.wait()?;
    let outcome = fixture.download(&[did])?;
    expect(&outcome, 0)?;
    ensure!(outcome.stderr.contains("Resuming an earlier download"), "{}", outcome.stderr);
    ensure!(!outcome.stderr.contains("attempt failed"), "{}", outcome.stderr);
    ensure!(fs::read(fixture.folder.join(path))? == content, "{did} differs");
    ensure!(fixture.files()? == [path], "{:?}", fixture.files()?);
    Ok(())
}

#[test]
fn download_skips_existing_files_and_replaces_wrong_ones() -> Result<()> {
    for files in GridFiles::everywhere()? {
        let fixture = Fixture::new()?;
        let all = [&files.empty, &files.small, &files.medium];
        let dids = all.map(GridFile::did);
        let words = dids.each_ref().map(String::as_str);
        expect(&fixture.download(&words)?, 0)?;
        fs::write(fixture.folder.join(files.medium.path()), vec![b'?'; files.medium.content.len()])?;
        let again = fixture.download(&words)?;
        expect(&again, 0)?;
        let present = again.stdout.matches("Files already found locally:                  1\n").count();
        ensure!(present == 2, "{present}: {}", again.stdout);
        all.into_iter().try_for_each(|file| fixture.has(file)).context(files.rse)?;
        ensure!(fixture.files()?.len() == all.len(), "{}: {:?}", files.rse, fixture.files()?);
    }
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
    let mut dids = ["test:hopeless.dat", "test:gone.dat", "test:nosuch.dat"].map(str::to_owned).to_vec();
    dids.extend(GridFiles::everywhere()?.iter().flat_map(|files| [files.wrong.did(), files.missing.did()]));
    for did in dids {
        let fixture = Fixture::new()?;
        let outcome = fixture.download(&[&did])?;
        expect(&outcome, 1)?;
        let is_wrong = outcome.stderr.contains(&format!("Checksum validation failed for file: {did}"));
        ensure!(is_wrong == (did.contains("hopeless") || did.ends_with("wrong")), "{did}: {}", outcome.stderr);
        expect(&fixture.rucio()?.args(["get", &did]).run()?, 75)?;
        ensure!(fixture.files()?.is_empty(), "{did}: {:?}", fixture.files()?);
    }
    Ok(())
}

#[test]
fn download_of_one_bad_file_does_not_affect_the_others() -> Result<()> {
    for files in GridFiles::everywhere()? {
        let fixture = Fixture::new()?;
        let dids = [&files.wrong, &files.small, &files.missing, &files.medium].map(GridFile::did);
        let both = fixture.rucio()?.args(["get"]).args(&dids).run()?;
        expect(&both, 76)?;
        [&files.small, &files.medium].into_iter().try_for_each(|file| fixture.has(file)).context(files.rse)?;
        ensure!(fixture.files()?.len() == 2, "{}: {:?}", files.rse, fixture.files()?);
    }
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
    for files in GridFiles::everywhere()? {
        let fixture = Fixture::new()?;
        let all = [&files.small, &files.medium, &files.large, &files.empty];
        let dids = all.map(GridFile::did);
        let words = dids.each_ref().map(String::as_str);
        let outcomes: Vec<_> = std::thread::scope(|scope| {
            let runs: Vec<_> = (0..2).map(|_| scope.spawn(|| fixture.download(&words))).collect();
            runs.into_iter().map(|run| run.join().expect("no panic")).collect()
        });
        for outcome in outcomes {
            expect(&outcome?, 0)?;
        }
        all.into_iter().try_for_each(|file| fixture.has(file)).context(files.rse)?;
        ensure!(fixture.files()?.len() == all.len(), "{}: {:?}", files.rse, fixture.files()?);
    }
    Ok(())
}

#[test]
fn download_ends_at_ctrl_c_without_a_half_written_file() -> Result<()> {
    for files in GridFiles::everywhere()? {
        let fixture = Fixture::new()?;
        let mut child = fixture.rucio()?.args(["download", "--limit-rate", "5M", &files.large.did()]).command()?;
        let mut child = child.stderr(Stdio::null()).stdout(Stdio::null()).spawn()?;
        fixture.wait_for_bytes(1_000_000)?;
        kill_process(Pid::from_child(&child), Signal::INT)?;
        let start = Instant::now();
        let code = shell_code(child.wait()?);
        ensure!(code == 130 && start.elapsed() < PROMPT, "{}: {code} after {:?}", files.rse, start.elapsed());
        // The received bytes are kept for the next run, under a name that is clearly not the file's.
        let (here, start) = (fixture.files()?, format!("user.jdoe/.{}.", files.large.name));
        let is_part = |file: &String| file.starts_with(&start) && file.ends_with(".rucio-part");
        ensure!(here.len() == 1 && here.iter().all(is_part), "{}: {here:?}", files.rse);
    }
    Ok(())
}
