//! Grid sites: tokens instead of certificates, doors that redirect to the machine with the disk, and
//! what an earlier run left.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, chown};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, ensure};

use super::faults::{head, plain};
use super::{Fixture, expect, found, storage, stored};
use crate::differential::the_only_run;
use crate::fixtures::grid::GRID;
use crate::fixtures::{Answer, Pty, Server, browse, wait_for};
use crate::support::{Testbed, unique};

/// The link of a login through the Rucio server.
const LINK: &str = r"(https://\S+/auth/oidc_redirect\?\S+)\s";

/// Both clients, each with the token of a login in the browser and no certificate.
#[test]
fn upload_with_a_token_needs_no_certificate() -> Result<()> {
    let fixture = Fixture::new("oidc")?;
    let config = Testbed::get()?.config("oidc")?.to_string_lossy().into_owned();
    let terminal = Pty::ours(&fixture.home, &[("RUCIO_CONFIG", &config)], &["whoami"])?;
    browse(&terminal.wait_for(LINK)?, "jdoe")?;
    ensure!(terminal.end()?.0 == 0);
    for (client, name) in [(fixture.home.ours(), "ours"), (fixture.home.official()?, "theirs")] {
        let name = format!("{}.{name}", fixture.new);
        fs::write(fixture.folder.join(&name), &name)?;
        let words = ["--legacy", "upload", "--rse", "DAVS_SCRATCHDISK", "--register-after-upload", &name];
        expect(&client.env("RUCIO_CONFIG", &config).folder(&fixture.folder).args(words).run()?, 0)?;
        ensure!(fs::read(stored("davs/scratch", &name)?)? == name.as_bytes());
        ensure!(fixture.state(&name, "DAVS_SCRATCHDISK")? == "AVAILABLE");
    }
    // The token has been verified: without it, access is denied.
    fs::remove_file(fixture.home.token_file())?;
    let name = fixture.file(b"hello")?;
    let words = ["--legacy", "upload", "--rse", "DAVS_SCRATCHDISK", "--register-after-upload", &name];
    let refused = fixture.home.ours().config("userpass")?.folder(&fixture.folder).args(words).run()?;
    expect(&refused, 49)
}

/// As dCache has it: the door knows names, the bytes go to the disk node that it names, which is the testbed's own WebDAV.
#[test]
fn upload_sends_the_bytes_to_the_node_of_a_door() -> Result<()> {
    let fixture = Fixture::new("root")?;
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    let name = fixture.file(&bytes)?;
    let node = format!("{}/scratch/{name}.node", Testbed::get()?.value("DAVS")?);
    let (there, renamed) = (node.clone(), AtomicBool::new(false));
    let door = Server::start(move |heard, _| match heard.request.split(' ').next().unwrap_or_default() {
        "HEAD" if !heard.request.ends_with(".rucio.upload") && !renamed.load(Ordering::SeqCst) => {
            Answer::new(404, "", "")
        }
        "PUT" | "HEAD" => Answer::new(307, &format!("Location: {there}\r\n"), ""),
        method => {
            renamed.fetch_or(method == "MOVE", Ordering::SeqCst);
            Answer::new(201, "", "")
        }
    })?;
    let outcome = fixture.upload("DAV", &["--pfn", &format!("{}/x", door.url()), &name])?;
    expect(&outcome, 0)?;
    let place = storage("davs/scratch")?.join(format!("{name}.node"));
    ensure!(fs::read(&place)? == bytes, "other bytes at the node");
    let asked: Vec<_> = door.heard().into_iter().map(|heard| plain(&heard.request)).collect();
    let first = ["HEAD /x", "PUT /x.rucio.upload", "HEAD /x.rucio.upload"];
    ensure!(asked[..3] == first && asked.iter().any(|request| request == "MOVE /x.rucio.upload"), "{asked:?}");
    Ok(fs::remove_file(place)?)
}

/// A run that was killed leaves bytes under its temporary name, and the replica as one that is being copied. The same
/// command finds both.
#[test]
fn upload_replaces_what_a_killed_run_left() -> Result<()> {
    const SIZE: u64 = 100_000_000;
    for (rse, place) in [("POSIX_SCRATCHDISK", "scratch")].into_iter().chain(GRID) {
        let fixture = Fixture::new("root")?;
        File::create(fixture.folder.join(&fixture.new))?.set_len(SIZE)?;
        let upload = fixture.rucio()?.args(["upload", "--rse", rse, "--scope", &fixture.scope, &fixture.new]);
        let mut child = upload.command()?.stderr(Stdio::null()).spawn()?;
        let lies_there = || found(&storage(place)?, &fixture.new);
        let left = wait_for("bytes at the storage", || Ok(lies_there()?.into_iter().next()))?;
        child.kill()?;
        child.wait()?;
        ensure!(left.to_string_lossy().ends_with(".rucio.upload") && left.exists(), "{rse}: {left:?}");
        expect(&fixture.upload(rse, &[&fixture.new])?, 0)?;
        let path = stored(place, &fixture.new)?;
        ensure!(path.metadata()?.len() == SIZE, "{rse}: {path:?}");
        ensure!(fixture.state(&fixture.new, rse)? == "AVAILABLE", "{rse}");
        fs::remove_file(path)?;
    }
    Ok(())
}

/// A run that was killed after it had renamed a file and before the catalogue knew it leaves the lock on the name.
#[test]
fn upload_removes_the_lock_of_a_killed_run_when_registering() -> Result<()> {
    let places = [
        ("POSIX_SCRATCHDISK", "scratch"),
        ("DAVS_SCRATCHDISK", "davs/scratch"),
        ("SSH", "scp"),
        ("XRD_SCRATCHDISK", "xrootd/scratch"),
        ("GSI_SCRATCHDISK", "xrdgsi/scratch"),
    ];
    for (rse, place) in places {
        let fixture = Fixture::new("root")?;
        let name = fixture.file(b"Wikipedia")?;
        expect(&fixture.upload(rse, &["--no-register", &name])?, 0)?;
        let lock = stored(place, &name)?.with_file_name(format!("{name}.lock.rucio.upload"));
        match place {
            "davs/scratch" | "scp" => fs::create_dir(&lock)?,
            _ => fs::write(&lock, "")?,
        }
        chown(&lock, Some(lock.with_file_name(&name).metadata()?.uid()), None)?;
        expect(&fixture.upload(rse, &["--register-after-upload", &name])?, 0)?;
        ensure!(!lock.exists(), "{rse}: {lock:?}");
        ensure!(fixture.state(&name, rse)? == "AVAILABLE", "{rse}: {}", fixture.state(&name, rse)?);
    }
    Ok(())
}

/// An RSE with the site's own path algorithm: only its server could compute the paths, and this one cannot.
#[test]
fn upload_names_an_unknown_path_convention() -> Result<()> {
    let _only = the_only_run();
    let fixture = Fixture::new("root")?;
    let (rse, name) = (unique("GRID").to_uppercase(), fixture.file(b"hello")?);
    let prefix = storage("scratch")?.join("own").display().to_string();
    let both = r#"{"wan": {"read": 1, "write": 1, "delete": 1}}"#;
    let place =
        ["--scheme", "file", "--hostname", "localhost", "--port", "0", "--prefix", &prefix, "--domain-json", both];
    let class = ["--impl", "rucio.rse.protocols.posix.Default"];
    let run = |words: &[&str]| expect(&fixture.rucio()?.args(["rse"]).args(words).run()?, 0);
    run(&["add", &rse])?;
    run(&["attribute", "set", &rse, "--key", "lfn2pfn_algorithm", "--value", "nosuch"])?;
    run(&[&["protocol", "add", &rse], &place[..], &class[..]].concat())?;
    let refused = fixture.upload(&rse, &[&name])?;
    run(&["remove", &rse])?;
    expect(&refused, 1)?;
    let expected = format!("Paths at {rse} follow the algorithm 'nosuch' (lfn2pfn_algorithm)");
    ensure!(
        refused.stderr.contains(&expected) && refused.stderr.contains("Set the path: --pfn."),
        "{}",
        refused.stderr
    );
    Ok(())
}

/// A storage that cannot rename: what was written under its name is looked at once more when the catalogue knows it.
#[test]
fn upload_where_nothing_is_renamed_detects_an_overwritten_file() -> Result<()> {
    let _only = the_only_run();
    let fixture = Fixture::new("root")?;
    let (rse, name) = (unique("GRID").to_uppercase(), fixture.file(b"Wikipedia")?);
    let server = Server::start(|heard, before| {
        let sum = if before == 1 { "11e60398" } else { "00000007" };
        match heard.request.split(' ').next().unwrap_or_default() {
            "HEAD" if before == 0 => Answer::new(404, "", ""),
            "HEAD" => head(&format!("Digest: adler32={sum}\r\n"), 9),
            _ => Answer::new(201, "", ""),
        }
    })?;
    let both = r#"{"wan": {"read": 1, "write": 1, "delete": 1}}"#;
    let port = server.url().rsplit(':').next().unwrap_or_default().to_owned();
    let place =
        ["--scheme", "http", "--hostname", "127.0.0.1", "--port", &port, "--prefix", "/p", "--domain-json", both];
    let run = |words: &[&str]| expect(&fixture.rucio()?.args(["rse"]).args(words).run()?, 0);
    run(&["add", &rse])?;
    run(&[&["protocol", "add", &rse], &place[..], &["--impl", "rucio.rse.protocols.webdav.NoRename"]].concat())?;
    let outcome = fixture.upload(&rse, &["--no-register", &name])?;
    run(&["remove", &rse])?;
    expect(&outcome, 79)?;
    ensure!(outcome.stderr.contains("another file has taken its place"), "{}", outcome.stderr);
    let asked: Vec<_> = server.heard().into_iter().map(|heard| heard.request).collect();
    ensure!(asked.len() == 4 && asked[1].starts_with("PUT") && asked[3].starts_with("HEAD"), "{asked:?}");
    Ok(())
}
