//! Archives whose members are called as hostile files are, or are links, devices and fifos.

use std::fs;
use std::io::{Cursor, Write};

use anyhow::{Result, ensure};
use tar::{Builder, EntryType, Header};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::ended;
use super::names::good;
use super::site::{Catalogue, Site, content, dataset, lines, record};
use crate::fixtures::sandbox::Sandbox;

/// Names of members with the right content.
const NAMES: [&str; 10] =
    ["good-0.dat", "../x", "../../x", "/etc/passwd", "a/../../x", "out/x", "up/x", ".", "..", "a\n\x1b[2J"];

/// Members that are no files.
const KINDS: [(&str, EntryType); 8] = [
    ("symlink", EntryType::Symlink),
    ("hardlink", EntryType::Link),
    ("char", EntryType::Char),
    ("block", EntryType::Block),
    ("fifo", EntryType::Fifo),
    ("folder", EntryType::Directory),
    ("sparse", EntryType::GNUSparse),
    ("odd", EntryType::XGlobalHeader),
];

/// A tar with arbitrary headers.
fn tar() -> Result<Vec<u8>> {
    let mut tar = Builder::new(Vec::new());
    for (name, kind) in KINDS {
        let mut header = header(name, kind, 0);
        header.set_link_name_literal("/etc/passwd")?;
        header.set_device_major(1)?;
        header.set_device_minor(3)?;
        header.set_cksum();
        tar.append(&header, &b""[..])?;
    }
    for (number, name) in NAMES.iter().enumerate() {
        let mut header = header(name, EntryType::Regular, content(number).len());
        header.set_mode(0o6777);
        header.set_uid(0);
        header.set_cksum();
        tar.append(&header, content(number).as_bytes())?;
    }
    Ok(tar.into_inner()?)
}

/// The crate's own method rejects names with `..`.
fn header(name: &str, kind: EntryType, size: usize) -> Header {
    let mut header = Header::new_ustar();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(size as u64);
    header
}

/// The same as a zip, which has links and folders only.
fn zip() -> Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_symlink("symlink", "/etc/passwd", SimpleFileOptions::default())?;
    zip.add_directory("folder", SimpleFileOptions::default())?;
    for (number, name) in NAMES.iter().enumerate() {
        zip.start_file(*name, SimpleFileOptions::default().unix_permissions(0o6777))?;
        zip.write_all(content(number).as_bytes())?;
    }
    Ok(zip.finish()?.into_inner())
}

#[test]
fn hostile_archive_members_go_where_the_catalogue_says_as_files() -> Result<()> {
    for (ending, archive) in [("tar", tar()?), ("zip", zip()?)] {
        let sandbox = Sandbox::with_links()?;
        let store = tempfile::tempdir()?;
        let place = store.path().join(format!("all.{ending}"));
        fs::write(&place, archive)?;
        let names = NAMES.iter().copied().chain(KINDS.iter().map(|(name, _)| *name));
        let rows: Vec<_> = names
            .enumerate()
            .map(|(number, name)| {
                let mut row = record(number, "s", name);
                let pfn = format!("file://{}?xrdcl.unzip={number}", place.display());
                row["pfns"] = serde_json::json!({ pfn: {"rse": "R", "domain": "zip", "client_extract": true} });
                row
            })
            .collect();
        let site = Site::start(Catalogue { found: dataset(rows.len()), listed: lines(rows.clone()) }, |_| {})?;
        let outcome = site.client()?.folder(&sandbox.around()).args(["download", "--dir", "target", "s:set"]).run()?;
        ended(&outcome, 1)?;
        sandbox.is_untouched()?;
        let here = sandbox.target().join("set").join(good(0));
        // A file `/etc/passwd` of the catalogue is one of that name in the folder of its dataset.
        let passwd = sandbox.target().join("set/passwd");
        // `set/up` is a link to the target folder itself, which is inside.
        let up = sandbox.target().join("x");
        let mut files = sandbox.files()?;
        files.sort();
        ensure!(files == [here.clone(), passwd, up], "{ending}: {files:?}\n{}", outcome.stderr);
        ensure!(fs::read_to_string(&here)? == content(0), "{ending}");
        let rights = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&here)?.permissions());
        ensure!(rights & 0o7111 == 0, "{ending}: the archive's rights count: {rights:o}");
        let failed = outcome.stderr.matches("Failed to download file").count();
        ensure!(failed == rows.len() - 3, "{ending}: {failed} failed\n{}", outcome.stderr);
    }
    Ok(())
}
