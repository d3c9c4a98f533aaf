//! Files that are only in archives: on the real server and its storage, created by each test.

mod fixture;

use std::fs;

use anyhow::{Result, ensure};

use crate::fixtures::grid::GRID;
use crate::fixtures::{AccessLog, Home};
use crate::support::Outcome;
use fixture::{ArchiveFixture, Packing};

fn download(home: &Home, words: &[&str]) -> Result<Outcome> {
    let proxy = Home::certificate("jdoe.proxy.pem")?;
    let rucio = home.ours().config("userpass")?.folder(home.path());
    rucio.env("X509_USER_PROXY", &proxy.to_string_lossy()).args(["download"]).args(words).run()
}

fn expect(outcome: &Outcome, code: i32, part: &str) -> Result<()> {
    let (stdout, stderr) = (&outcome.stdout, &outcome.stderr);
    ensure!(outcome.code == code, "{} instead of {code}\n{stdout}\n{stderr}", outcome.code);
    ensure!(stderr.contains(part) || stdout.contains(part), "{part} is not in\n{stdout}\n{stderr}");
    Ok(())
}

/// The names of the files in a folder of the home; none if there is no such folder.
fn names(home: &Home, folder: &str) -> Vec<String> {
    let listed = fs::read_dir(home.path().join(folder)).into_iter().flatten().flatten();
    let mut names: Vec<_> = listed.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn here(home: &Home, shelf: &ArchiveFixture) -> Result<()> {
    for (name, bytes) in shelf.members() {
        ensure!(fs::read(home.path().join("user.jdoe").join(name))? == *bytes, "{name} differs");
    }
    Ok(())
}

#[test]
fn archive_members_arrive_from_every_kind_of_archive() -> Result<()> {
    for packing in [Packing::Zip, Packing::TarGz] {
        let shelf = ArchiveFixture::new("DAVS_SCRATCHDISK", packing, 4)?;
        let home = Home::new()?;
        let outcome = download(&home, &[&format!("user.jdoe:{}-*", shelf.base())])?;
        expect(&outcome, 0, "Downloaded files:                             1\n")?;
        here(&home, &shelf)?;
        ensure!(names(&home, "user.jdoe").len() == 4, "{:?}", names(&home, "user.jdoe"));
        let again = download(&home, &[&format!("user.jdoe:{}-*", shelf.base())])?;
        expect(&again, 0, "Files already found locally:                  1\n")?;
    }
    Ok(())
}

#[test]
fn archive_members_are_those_of_the_official_client() -> Result<()> {
    let shelf = ArchiveFixture::new("DAVS_SCRATCHDISK", Packing::Zip, 1)?;
    let home = Home::new()?;
    let proxy = Home::certificate("jdoe.proxy.pem")?;
    let official = home.official()?.config("userpass")?.folder(home.path());
    let official = official.env("X509_USER_PROXY", &proxy.to_string_lossy());
    let pattern = format!("user.jdoe:{}-*", shelf.base());
    // Its summary does not contain them.
    expect(&official.args(["download", &pattern]).run()?, 0, "No DID matching the pattern")?;
    here(&home, &shelf)
}

#[test]
fn archive_is_fetched_once_for_several_members() -> Result<()> {
    let shelf = ArchiveFixture::new("DAVS_SCRATCHDISK", Packing::Zip, 20)?;
    let home = Home::new()?;
    let agent = format!("once{}", shelf.base());
    let proxy = Home::certificate("jdoe.proxy.pem")?;
    let rucio = home.ours().config("userpass")?.folder(home.path());
    let rucio = rucio.env("X509_USER_PROXY", &proxy.to_string_lossy());
    let words = ["--user-agent", &agent, "download", &format!("user.jdoe:{}-*", shelf.base())];
    expect(&rucio.args(words).run()?, 0, "")?;
    here(&home, &shelf)?;
    let asked = format!("GET /{}", shelf.path().trim_start_matches("davs/"));
    let lines = AccessLog::of("apache")?.of_agent(&agent, &asked)?;
    ensure!(lines.iter().filter(|line| line.request == asked).count() == 1, "{lines:?}");
    Ok(())
}

#[test]
fn archive_on_a_mounted_disk_and_in_xrootd_is_read() -> Result<()> {
    for (rse, scheme) in [("POSIX", "file"), ("XRD_SCRATCHDISK", "root"), ("GSI_SCRATCHDISK", "root")] {
        for packing in [Packing::Zip, Packing::TarGz] {
            let shelf = ArchiveFixture::new(rse, packing, 2)?;
            let home = Home::new()?;
            let outcome = download(&home, &[&format!("user.jdoe:{}-*", shelf.base())])?;
            expect(&outcome, 0, &format!("Trying to download with {scheme}"))?;
            here(&home, &shelf)?;
        }
    }
    Ok(())
}

#[test]
fn archive_in_a_metalink_document_is_read_unless_disabled() -> Result<()> {
    let shelf = ArchiveFixture::new("DAVS_SCRATCHDISK", Packing::TarGz, 1)?;
    let home = Home::new()?;
    let did = format!("user.jdoe:{}", shelf.members()[0].0);
    let listed = home.ours().config("userpass")?.args(["replica", "list", "file", "--metalink", &did]).run()?;
    expect(&listed, 0, "client_extract=\"true\"")?;
    fs::write(home.path().join("m.meta4"), &listed.stdout)?;
    expect(&download(&home, &["--metalink", "m.meta4", "--no-resolve-archives"])?, 1, "No available source found")?;
    expect(&download(&home, &["--no-resolve-archives", &did])?, 1, "No available source found")?;
    ensure!(names(&home, "user.jdoe").is_empty(), "{:?}", names(&home, "user.jdoe"));
    expect(&download(&home, &["--metalink", "m.meta4"])?, 0, "Extracting")?;
    here(&home, &shelf)
}

#[test]
fn archive_member_is_downloaded_by_pfn() -> Result<()> {
    let shelf = ArchiveFixture::new("DAVS_SCRATCHDISK", Packing::Zip, 1)?;
    let home = Home::new()?;
    let name = &shelf.members()[0].0;
    let pfn = format!("{}?xrdcl.unzip={name}", shelf.pfn()?);
    expect(&download(&home, &["--pfn", &pfn, &format!("user.jdoe:{name}")])?, 0, "Extracting")?;
    here(&home, &shelf)
}

/// Nothing is left of a file whose archive has it wrong, larger, as a link, or not at all; the others are unharmed.
#[test]
fn archive_that_is_hostile_leaves_nothing() -> Result<()> {
    let everywhere = GRID.into_iter().flat_map(|(rse, _)| [Packing::Zip, Packing::TarGz].map(|packing| (rse, packing)));
    for (rse, packing) in everywhere {
        let shelf = ArchiveFixture::new(rse, packing, 5)?;
        shelf.spoil()?;
        let home = Home::new()?;
        let outcome = download(&home, &[&format!("user.jdoe:{}-*", shelf.base())])?;
        expect(&outcome, 1, "4 of 5 file(s) are missing")?;
        // Over root only the member of a zip archive is read.
        let is_fetched = rse == "DAVS_SCRATCHDISK" || matches!(packing, Packing::TarGz);
        let larger = if is_fetched { "bytes in the archive, but" } else { "30000000 bytes under this name" };
        for part in ["Checksum validation failed", "not a regular file", "is not in the archive", larger] {
            ensure!(outcome.stderr.contains(part), "{part}: {}", outcome.stderr);
        }
        ensure!(names(&home, "user.jdoe") == [shelf.members()[0].0.clone()], "{:?}", names(&home, "user.jdoe"));
        ensure!(names(&home, "").iter().all(|name| !name.contains("escape")), "{:?}", names(&home, ""));
        ensure!(!home.path().parent().is_some_and(|above| above.join(shelf.escape()).exists()));
    }
    Ok(())
}
