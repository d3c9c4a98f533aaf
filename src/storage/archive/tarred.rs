//! Members of tar archives, plain or compressed with gzip.
//!
//! Headers with long names are parsed here, because the crate would read them into memory of any size.

use std::borrow::Cow;
use std::io::{self, BufReader, Read};

use flate2::read::MultiGzDecoder;
use tar::{Archive, Entries, Entry, EntryType, PaxExtensions};

use super::MemberName;
use super::pump::Outlet;
use super::window::Window;

/// Read buffer size in bytes.
const BUFFER: usize = 64 * 1024;
/// Maximum header size in bytes; Linux paths have at most 4 KiB.
const LONGEST_HEADER: u64 = 1024 * 1024;

/// Name and size from the extension headers before a member.
#[derive(Debug, Default)]
struct PendingHeaders {
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

/// Unpacks a member of a tar, seeking over the others.
pub(super) fn plain(window: Window, member: &MemberName, out: &mut Outlet) -> io::Result<()> {
    let mut archive = Archive::new(window);
    find(archive.entries_with_seek()?.raw(true), member, out)
}

/// Unpacks a member of a tar.gz, decompressing everything before it.
pub(super) fn packed(window: Window, member: &MemberName, out: &mut Outlet) -> io::Result<()> {
    let unpacked = MultiGzDecoder::new(BufReader::with_capacity(BUFFER, window));
    let mut archive = Archive::new(out.until_cancelled(unpacked));
    find(archive.entries()?.raw(true), member, out)
}

/// Finds the member. Of several with its name, takes the first that is a regular file within the size limit.
fn find<R: Read>(entries: Entries<'_, R>, member: &MemberName, out: &mut Outlet) -> io::Result<()> {
    let (mut ahead, mut obstacle) = (PendingHeaders::default(), None);
    for entry in entries {
        let mut entry = entry?;
        if ahead.read_header(&mut entry)? {
            continue;
        }
        let PendingHeaders { name, size } = std::mem::take(&mut ahead);
        if size.is_some_and(|size| size != entry.size()) {
            // Either size would put the next header elsewhere: ambiguous.
            return Err(super::refused("a file of the archive has two sizes".to_owned()));
        }
        if !member.matches_name(&name.map_or_else(|| entry.path_bytes(), Cow::Owned)) {
            continue;
        }
        match usable(&entry, member) {
            Ok(()) => return out.send(entry.size(), entry),
            Err(error) => obstacle = Some(error),
        }
    }
    Err(obstacle.unwrap_or_else(|| member.missing()))
}

fn usable<R: Read>(entry: &Entry<'_, R>, member: &MemberName) -> io::Result<()> {
    match entry.header().entry_type() {
        EntryType::Regular | EntryType::Continuous => member.check_size(entry.size()),
        _ => Err(member.not_regular_file()),
    }
}

impl PendingHeaders {
    /// Reads the entry if it is an extension header for the next one. Returns whether it was.
    fn read_header<R: Read>(&mut self, entry: &mut Entry<'_, R>) -> io::Result<bool> {
        match entry.header().entry_type() {
            EntryType::GNULongName => {
                let name = header(entry)?;
                self.name = Some(name.strip_suffix(b"\0").unwrap_or(&name).to_owned());
            }
            EntryType::XHeader => self.read_pax(&header(entry)?)?,
            EntryType::GNULongLink | EntryType::XGlobalHeader => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn read_pax(&mut self, header: &[u8]) -> io::Result<()> {
        for extension in PaxExtensions::new(header) {
            let extension = extension?;
            match extension.key_bytes() {
                b"path" => self.name = Some(extension.value_bytes().to_owned()),
                b"size" => self.size = extension.value().ok().and_then(|size| size.parse().ok()),
                _ => {}
            }
        }
        Ok(())
    }
}

fn header<R: Read>(entry: &mut Entry<'_, R>) -> io::Result<Vec<u8>> {
    if entry.size() > LONGEST_HEADER {
        return Err(super::refused(format!("a header of the archive has {} bytes", entry.size())));
    }
    let mut bytes = Vec::new();
    entry.take(LONGEST_HEADER).read_to_end(&mut bytes)?;
    Ok(bytes)
}
