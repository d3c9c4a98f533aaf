//! A file that comes in several parts at the same time: each goes to its place in one temporary file, behind whose end
//! stands what is here already.

mod footer;
mod map;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

pub(super) use map::Span;

use simd_adler32::Adler32;

use super::checksum::Checksum;
use super::sink::Complete;
use super::temporary::{Maker, Temporary};
use super::worker::Worker;
use map::{Map, Piece};

/// How many bytes of a part are written at once.
const BUFFER: usize = 256 * 1024;
/// After how many bytes it is written down what is here.
const RECORD: u64 = 1024 * 1024;

/// The parts of a file, under a temporary name beside its place. Dropped, it leaves what can be gone on with.
#[derive(Debug)]
pub(super) struct Parts {
    file: Temporary,
    whole: u64,
    received: u64,
    lanes: Vec<Lane>,
    worker: Worker<Disk>,
}

/// Bytes of one part that wait to be written.
#[derive(Debug, Default)]
struct Lane {
    start: u64,
    bytes: Vec<u8>,
}

/// What the worker thread works on.
#[derive(Debug)]
struct Disk {
    maker: Maker,
    file: Option<Arc<File>>,
    map: Map,
    whole: u64,
    /// Bytes that are here and not written down yet; none if nothing has been written down.
    unrecorded: Option<u64>,
    writing: Lane,
}

impl Parts {
    /// The parts of a file of this size, of which the beginning is here: so many bytes with this checksum.
    pub(super) fn behind(
        file: Temporary,
        open: Option<Arc<File>>,
        whole: u64,
        (length, checksum): (u64, Checksum),
    ) -> Self {
        let mut map = Map::default();
        if let Checksum::Adler32(adler32) = checksum {
            map.add(Piece { span: Span { start: 0, end: length }, adler32 });
        }
        Self::new(file, open, whole, map)
    }

    fn new(file: Temporary, open: Option<Arc<File>>, whole: u64, map: Map) -> Self {
        let (maker, received) = (file.maker(), map.bytes());
        let disk = Disk { maker, file: open, map, whole, unrecorded: None, writing: Lane::default() };
        Self { file, whole, received, lanes: Vec::new(), worker: Worker::new(disk) }
    }

    /// What an earlier process left of a file of this size in an open file that is longer; the file is given back if that is
    /// nothing. What is here is read once: a part that is not as it was written down does not count.
    ///
    /// Errors: the file cannot be read.
    pub(super) fn left(file: Temporary, open: &Arc<File>, whole: u64) -> io::Result<Result<Self, Temporary>> {
        let Some(pieces) = footer::decode(&tail(open, whole)?, whole) else { return Ok(Err(file)) };
        let mut map = Map::default();
        for piece in pieces {
            if adler32(open, piece.span)? == piece.adler32 {
                map.add(piece);
            }
        }
        Ok(Ok(Self::new(file, Some(open.clone()), whole, map)))
    }

    /// How many bytes have been taken in.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// Takes bytes in that belong to this place; the caller sees to it that none come twice. Each lane has its own buffer.
    /// Errors: the disk refused earlier ones.
    pub(super) async fn push(&mut self, lane: usize, start: u64, bytes: &[u8]) -> io::Result<()> {
        if lane >= self.lanes.len() {
            self.lanes.resize_with(lane + 1, Lane::default);
        }
        if self.lanes[lane].end() != start {
            self.write(lane).await?;
            self.lanes[lane].start = start;
        }
        self.lanes[lane].bytes.extend_from_slice(bytes);
        self.received += bytes.len() as u64;
        match self.lanes[lane].bytes.len() >= BUFFER {
            true => self.write(lane).await,
            false => Ok(()),
        }
    }

    /// Hands the bytes of a lane to the worker thread, once it is through with what came before.
    async fn write(&mut self, lane: usize) -> io::Result<()> {
        let (disk, lane) = (self.worker.ready().await?, &mut self.lanes[lane]);
        if lane.bytes.is_empty() {
            return Ok(());
        }
        std::mem::swap(&mut disk.writing, lane);
        lane.start = disk.writing.end();
        lane.bytes.clear();
        self.worker.begin(Disk::write);
        Ok(())
    }

    /// Waits until all that has been taken in is on the disk.
    async fn settle(&mut self) -> io::Result<&mut Disk> {
        for lane in 0..self.lanes.len() {
            self.write(lane).await?;
        }
        self.worker.ready().await
    }

    /// What is missing, in order. No bytes may come meanwhile.
    pub(super) async fn holes(&mut self) -> io::Result<Vec<Span>> {
        let whole = self.whole;
        Ok(self.settle().await?.map.holes(whole))
    }

    /// Removes what has come: it is of no use.
    pub(super) fn discard(mut self) {
        self.file.not_worth_keeping();
    }

    /// Everything has been taken in. Errors: the disk refused some of it, or something is missing.
    pub(super) async fn complete(mut self) -> io::Result<Complete> {
        let whole = self.whole;
        if !self.settle().await?.map.holes(whole).is_empty() {
            return Err(io::Error::other("parts of the file are missing"));
        }
        let disk = self.worker.into_means()?;
        if let Some(file) = &disk.file {
            file.set_len(whole)?;
        }
        Ok(Complete::of_parts(self.file, Checksum::Adler32(disk.map.prefix().adler32)))
    }
}

impl Lane {
    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl Disk {
    /// The bytes first, then that they are here; but before the first ones it is said that this is a file with holes.
    fn write(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file.clone(),
            none => none.insert(self.maker.make()?).clone(),
        };
        if self.unrecorded.is_none() {
            self.record(&file)?;
        }
        file.write_all_at(&self.writing.bytes, self.writing.start)?;
        let mut hasher = Adler32::new();
        hasher.write(&self.writing.bytes);
        let span = Span { start: self.writing.start, end: self.writing.end() };
        self.map.add(Piece { span, adler32: hasher.finish() });
        let unrecorded = self.unrecorded.unwrap_or(0) + self.writing.bytes.len() as u64;
        self.unrecorded = Some(unrecorded);
        self.writing.bytes.clear();
        if unrecorded >= RECORD { self.record(&file) } else { Ok(()) }
    }

    fn record(&mut self, file: &File) -> io::Result<()> {
        self.unrecorded = Some(0);
        file.write_all_at(&footer::encode(&self.map, self.whole), self.whole)
    }
}

/// What stands behind this place, as much as a footer may have.
fn tail(file: &File, start: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; footer::LONGEST];
    let mut length = 0;
    while length < bytes.len() {
        match file.read_at(&mut bytes[length..], start + length as u64) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(length);
    Ok(bytes)
}

fn adler32(file: &File, span: Span) -> io::Result<u32> {
    let (mut hasher, mut block, mut at) = (Adler32::new(), vec![0; BUFFER], span.start);
    while at < span.end {
        let length = usize::try_from(span.end - at).unwrap_or(BUFFER).min(BUFFER);
        match file.read_at(&mut block[..length], at) {
            Ok(0) => break,
            Ok(read) => {
                hasher.write(&block[..read]);
                at += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(hasher.finish())
}
