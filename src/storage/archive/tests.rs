use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

/// Names and content of the archived files.
const FILES: [(&str, &[u8]); 3] = [("a.dat", b"first"), ("deep/b.dat", b"second"), ("empty", b"")];

fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn entry(kind: EntryType, name: &str, size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_size(size);
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_cksum();
    header
}

fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    for (name, bytes) in files {
        tar.append(&entry(EntryType::Regular, name, bytes.len() as u64), *bytes).unwrap();
    }
    tar.into_inner().unwrap()
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn open(bytes: &[u8]) -> Result<Archive> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    Archive::open(file)
}

async fn read(archive: &[u8], name: &str, limit: Option<u64>) -> Result<Vec<u8>> {
    let mut reading = open(archive)?.member(name, limit).get(&"".into(), None).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = reading.next().await? {
        bytes.extend_from_slice(&chunk);
    }
    assert_eq!(reading.length, Some(bytes.len() as u64));
    Ok(bytes)
}

/// Returns the error kind; the message must contain `part`.
async fn fails(archive: &[u8], name: &str, limit: Option<u64>, part: &str) -> StorageErrorKind {
    let error = read(archive, name, limit).await.unwrap_err();
    assert!(error.message.contains(part), "{error}");
    error.kind
}

#[tokio::test]
async fn archive_members_come_out_as_they_were_put_in() {
    let large: Vec<u8> = (0..3_000_000_u32).map(|number| (number / 7) as u8).collect();
    let mut files = FILES.to_vec();
    files.push(("large", &large));
    let (zip, tar) = (zip_of(&files), tar_of(&files));
    for archive in [zip, gz(&tar), tar] {
        for (name, bytes) in &files {
            assert_eq!(read(&archive, name, Some(bytes.len() as u64)).await.unwrap(), *bytes, "{name}");
        }
        assert_eq!(read(&archive, "/deep/b.dat", None).await.unwrap(), b"second");
        assert_eq!(fails(&archive, "b.dat", None, "b.dat is not in the archive").await, StorageErrorKind::NotFound);
    }
}

#[tokio::test]
async fn archive_long_names_are_read_in_both_notations() {
    let long = format!("folder/{}", "n".repeat(300));
    let mut gnu = Builder::new(Vec::new());
    let mut header = Header::new_gnu();
    header.set_size(5);
    gnu.append_data(&mut header, &long, &b"first"[..]).unwrap();
    let record = |size| format!("{size} path={long}\n");
    let pax = record(record(100).len());
    let mut tar = Builder::new(Vec::new());
    tar.append(&entry(EntryType::XHeader, "x", pax.len() as u64), pax.as_bytes()).unwrap();
    tar.append(&entry(EntryType::Regular, "short", 5), &b"first"[..]).unwrap();
    tar.append(&entry(EntryType::Regular, "next", 6), &b"second"[..]).unwrap();
    let pax = tar.into_inner().unwrap();
    for archive in [gnu.into_inner().unwrap(), pax.clone()] {
        assert_eq!(read(&archive, &long, None).await.unwrap(), b"first");
    }
    assert_eq!(fails(&pax, "short", None, "not in the archive").await, StorageErrorKind::NotFound);
    assert_eq!(read(&pax, "next", None).await.unwrap(), b"second");
}

#[tokio::test]
async fn archive_links_devices_and_folders_are_no_files() {
    let kinds = [
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Char,
        EntryType::Block,
        EntryType::Fifo,
        EntryType::Directory,
        EntryType::GNUSparse,
    ];
    for kind in kinds {
        let mut tar = Builder::new(Vec::new());
        tar.append(&entry(kind, "f", 0), io::empty()).unwrap();
        assert_eq!(
            fails(&tar.into_inner().unwrap(), "f", None, "not a regular file").await,
            StorageErrorKind::Refused,
            "{kind:?}"
        );
    }
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_symlink("f", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let zip = zip.finish().unwrap().into_inner();
    assert_eq!(fails(&zip, "f", None, "not a regular file").await, StorageErrorKind::Refused);
}

#[tokio::test]
async fn archive_member_gives_no_more_than_the_catalogue_knows() {
    let zeros = vec![0; 50_000_000];
    for archive in [zip_of(&[("f", &zeros)]), gz(&tar_of(&[("f", &zeros)]))] {
        assert!(archive.len() < 1_000_000);
        assert_eq!(fails(&archive, "f", Some(1000), "50000000 bytes").await, StorageErrorKind::Refused);
    }
}

#[tokio::test]
async fn archive_zip_with_a_wrong_size_gives_no_more_than_it_says() {
    let honest = zip_of(&[("f", &[7; 1_000_000])]);
    let sender = 1_000_000_u32.to_le_bytes();
    let mut lying = honest.clone();
    let places: Vec<_> = (0..lying.len() - 4).filter(|place| lying[*place..place + 4] == sender).collect();
    assert!(!places.is_empty());
    for place in places {
        lying[place..place + 4].copy_from_slice(&10_u32.to_le_bytes());
    }
    assert_eq!(read(&honest, "f", Some(1_000_000)).await.unwrap().len(), 1_000_000);
    assert_eq!(fails(&lying, "f", Some(10), "").await, StorageErrorKind::Refused);
}

#[tokio::test]
async fn archive_headers_without_end_are_not_read_into_memory() {
    for kind in [EntryType::GNULongName, EntryType::XHeader] {
        let header = entry(kind, "f", 8_000_000_000);
        let archive = gz(header.as_bytes());
        assert_eq!(fails(&archive, "f", None, "8000000000 bytes").await, StorageErrorKind::Refused);
    }
    let mut tar = Builder::new(Vec::new());
    let pax = "10 size=9\n";
    tar.append(&entry(EntryType::XHeader, "x", pax.len() as u64), pax.as_bytes()).unwrap();
    tar.append(&entry(EntryType::Regular, "f", 5), &b"first"[..]).unwrap();
    assert_eq!(fails(&tar.into_inner().unwrap(), "f", None, "two sizes").await, StorageErrorKind::Refused);
}

#[tokio::test]
async fn archive_that_is_broken_or_none_is_reported() {
    for bytes in [&b""[..], b"PK", b"BZh91AY&SY", &[0; 2000], b"just some text that is no archive"] {
        assert!(open(bytes).unwrap_err().message.contains("neither a zip"));
    }
    let whole = zip_of(&FILES);
    assert_eq!(open(&whole[..whole.len() / 2]).unwrap_err().kind, StorageErrorKind::Refused);
    let packed = gz(&tar_of(&[("other", &[1; 100_000]), ("f", b"x")]));
    assert_eq!(fails(&packed[..packed.len() / 2], "f", None, "cannot be read").await, StorageErrorKind::Refused);
    let tar = tar_of(&[("f", &[1; 10_000])]);
    assert_eq!(fails(&tar[..4000], "f", None, "holds").await, StorageErrorKind::Refused);
}

#[tokio::test]
async fn archive_unpacking_stops_when_the_reader_goes_away() {
    let archive = open(&gz(&tar_of(&[("f", &vec![1; 20_000_000])]))).unwrap();
    let reading = archive.member("f", None).get(&"".into(), None).await.unwrap();
    drop(reading);
    // The thread drops its handle of the archive file only when it ends.
    let ArchiveFormat::TarGz(window) = archive.0 else { panic!("no tar.gz") };
    for _ in 0..600 {
        if window.holders() == 1 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("it goes on");
}
