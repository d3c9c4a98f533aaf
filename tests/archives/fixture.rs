//! An archive on a storage of the testbed, registered with the files inside, which have no other replica.

use std::fs::{self, Permissions};
use std::io::{Cursor, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tar::{Builder, EntryType, Header};
use uuid::Uuid;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::fixtures::Home;
use crate::fixtures::grid::path_at_storage;
use crate::support::Testbed;

/// How the archive is created.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Packing {
    Zip,
    TarGz,
}

/// The archive.
#[derive(Debug)]
pub(crate) struct ArchiveFixture {
    base: String,
    packing: Packing,
    rse: &'static str,
    members: Vec<(String, Vec<u8>)>,
}

/// What is put into an archive under a name.
enum Item<'a> {
    Bytes(&'a [u8]),
    Link(&'a str),
}

impl ArchiveFixture {
    /// An archive at this RSE with so many files.
    pub(crate) fn new(rse: &'static str, packing: Packing, files: usize) -> Result<Self> {
        let base = format!("shelf-{}", &Uuid::new_v4().simple().to_string()[..12]);
        let member = |number: usize| {
            let bytes = (0..10_000 + number).map(|place| (place * (number + 3) % 251) as u8).collect();
            (format!("{base}-{number}.dat"), bytes)
        };
        let shelf = Self { members: (0..files).map(member).collect(), base, packing, rse };
        let archive = shelf.write(shelf.members.iter().map(|(name, bytes)| (name.as_str(), Item::Bytes(bytes))))?;
        let archive = record(&shelf.name(), &archive);
        let members: Vec<_> = shelf.members.iter().map(|(name, bytes)| record(name, bytes)).collect();
        post("replicas", &json!({"rse": rse, "files": [archive]}))?;
        post(&format!("dids/user.jdoe/{}/dids", shelf.name()), &json!({"dids": members}))?;
        Ok(shelf)
    }

    /// What the names of the files inside begin with.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The files inside.
    pub(crate) fn members(&self) -> &[(String, Vec<u8>)] {
        &self.members
    }

    /// What a file that leads out of the target folder would be called.
    pub(crate) fn escape(&self) -> String {
        format!("{}-escape", self.base)
    }

    /// Its path below the folder of all storages.
    pub(crate) fn path(&self) -> String {
        let folder = match self.rse {
            "DAVS_SCRATCHDISK" => "davs/scratch",
            "XRD_SCRATCHDISK" => "xrootd/scratch",
            "GSI_SCRATCHDISK" => "xrdgsi/scratch",
            _ => "posix",
        };
        format!("{folder}/{}", path_at_storage(&self.name()))
    }

    /// Its PFN, by https.
    pub(crate) fn pfn(&self) -> Result<String> {
        Ok(format!("{}/{}", Testbed::get()?.value("DAVS")?, self.path().trim_start_matches("davs/")))
    }

    /// Replaces the archive with another one: the first of five files is right, the second has other bytes, the third is
    /// a link, the fourth is missing, the fifth is larger. What leads out of the target folder is there besides.
    pub(crate) fn spoil(&self) -> Result<()> {
        let [first, second, third, _, fifth] = &self.members[..] else { anyhow::bail!("not five files") };
        let (other, bomb) = (vec![b'?'; second.1.len()], vec![0; 30_000_000]);
        let up = format!("../{}", self.escape());
        let items = [
            (up.as_str(), Item::Bytes(b"escaped")),
            (first.0.as_str(), Item::Bytes(&first.1)),
            (second.0.as_str(), Item::Bytes(&other)),
            (third.0.as_str(), Item::Link("/etc/passwd")),
            (fifth.0.as_str(), Item::Bytes(&bomb)),
        ];
        self.write(items.into_iter()).map(drop)
    }

    fn name(&self) -> String {
        match self.packing {
            Packing::Zip => format!("{}.zip", self.base),
            Packing::TarGz => format!("{}.tar.gz", self.base),
        }
    }

    fn write<'a>(&self, items: impl Iterator<Item = (&'a str, Item<'a>)>) -> Result<Vec<u8>> {
        let archive = match self.packing {
            Packing::Zip => zip(items)?,
            Packing::TarGz => tar_gz(items)?,
        };
        let place: PathBuf = [Testbed::get()?.value("STORAGE")?, &self.path()].iter().collect();
        fs::create_dir_all(place.parent().context("no folder")?)?;
        // The storage servers are other users, and put files of others beside it.
        for folder in place.ancestors().skip(1).take(4) {
            fs::set_permissions(folder, Permissions::from_mode(0o777))?;
        }
        fs::write(place, &archive)?;
        Ok(archive)
    }
}

fn zip<'a>(items: impl Iterator<Item = (&'a str, Item<'a>)>) -> Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, item) in items {
        match item {
            Item::Bytes(bytes) => {
                zip.start_file(name, SimpleFileOptions::default())?;
                zip.write_all(bytes)?;
            }
            Item::Link(to) => zip.add_symlink(name, to, SimpleFileOptions::default())?,
        }
    }
    Ok(zip.finish()?.into_inner())
}

fn tar_gz<'a>(items: impl Iterator<Item = (&'a str, Item<'a>)>) -> Result<Vec<u8>> {
    let mut tar = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, item) in items {
        let mut header = Header::new_ustar();
        // The crate's own method rejects names with `..`.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        let bytes = match item {
            Item::Bytes(bytes) => bytes,
            Item::Link(to) => {
                header.set_entry_type(EntryType::Symlink);
                header.set_link_name(to)?;
                &[]
            }
        };
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append(&header, bytes)?;
    }
    Ok(tar.into_inner()?.finish()?)
}

/// The properties of a file for the catalogue.
fn record(name: &str, bytes: &[u8]) -> Value {
    let adler32 = format!("{:08x}", simd_adler32::adler32(&bytes));
    json!({"scope": "user.jdoe", "name": name, "bytes": bytes.len(), "adler32": adler32})
}

fn post(path: &str, body: &Value) -> Result<()> {
    let home = Home::new()?;
    let file = home.path().join("body.json");
    fs::write(&file, body.to_string())?;
    let outcome = home.ours().config("root")?.args(["api", "POST", path, "--input", &file.to_string_lossy()]).run()?;
    ensure!(outcome.code == 0, "{path}: {}{}", outcome.stdout, outcome.stderr);
    Ok(())
}
