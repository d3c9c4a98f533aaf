//! Channel from the unpacking thread to the reader: the size first, then blocks of bytes, a few ahead.

use std::io::{self, Read};

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use tokio::sync::{mpsc, oneshot};

use super::super::{ObjectReader, Result, StorageError, StorageErrorKind, boxed};

/// Block size in bytes.
const BLOCK: usize = 512 * 1024;
/// Number of blocks buffered.
const AHEAD: usize = 2;

/// The sending end for a member's size and bytes.
pub(super) struct Outlet {
    size: Option<oneshot::Sender<Result<u64>>>,
    blocks: mpsc::Sender<Result<Bytes>>,
}

/// Starts unpacking in a thread. Errors: the file is not in the archive or cannot be read.
pub(super) async fn start(unpack: impl FnOnce(&mut Outlet) -> io::Result<()> + Send + 'static) -> Result<ObjectReader> {
    let (size, size_received) = oneshot::channel();
    let (blocks, received) = mpsc::channel(AHEAD);
    // The thread ends as soon as the receiver is dropped.
    tokio::task::spawn_blocking(move || {
        let mut outlet = Outlet { size: Some(size), blocks };
        if let Err(error) = unpack(&mut outlet) {
            outlet.fail(&error);
        }
    });
    let length = size_received.await.unwrap_or_else(|_| Err(unreadable("unpacking ended early")))?;
    let chunks = stream::unfold(received, |mut received| async { received.recv().await.map(|one| (one, received)) });
    Ok(ObjectReader { length: Some(length), start: 0, version: None, web_page_from: None, chunks: boxed(chunks) })
}

impl Outlet {
    /// Sends a member of this size. Fails if the unpacked data is shorter or longer.
    pub(super) fn send(&mut self, size: u64, mut bytes: impl Read) -> io::Result<()> {
        if let Some(sender) = self.size.take() {
            // An error means that the receiver was dropped; sending the blocks fails then.
            let _ = sender.send(Ok(size));
        }
        let mut sent = 0;
        loop {
            let mut block = BytesMut::zeroed(BLOCK);
            let read = fill(&mut bytes, &mut block)?;
            sent += read as u64;
            block.truncate(read);
            match read {
                0 if sent == size => return Ok(()),
                0 => return Err(super::refused(format!("the archive holds {sent} of the file's {size} bytes"))),
                _ if sent > size => return Err(super::refused(format!("the archive holds more than {size} bytes"))),
                _ => self.blocks.blocking_send(Ok(block.freeze())).map_err(|_| cancelled())?,
            }
        }
    }

    /// Wraps a reader so that it fails as soon as the receiver is dropped.
    pub(super) fn until_cancelled<R: Read>(&self, inner: R) -> impl Read + use<R> {
        CancellableReader { inner, blocks: self.blocks.clone() }
    }

    fn fail(mut self, error: &io::Error) {
        let of_storage = error.get_ref().and_then(|inner| inner.downcast_ref::<StorageError>());
        let error = match (of_storage, error.kind()) {
            (Some(error), _) => error.clone(),
            (None, io::ErrorKind::NotFound) => StorageError::new(StorageErrorKind::NotFound, error.to_string()),
            (None, _) => unreadable(&error.to_string()),
        };
        match self.size.take() {
            Some(sender) => drop(sender.send(Err(error))),
            None => drop(self.blocks.blocking_send(Err(error))),
        }
    }
}

struct CancellableReader<R> {
    inner: R,
    blocks: mpsc::Sender<Result<Bytes>>,
}

impl<R: Read> Read for CancellableReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.blocks.is_closed() {
            return Err(cancelled());
        }
        self.inner.read(buffer)
    }
}

/// Fills a block, unless the input ends before.
fn fill(bytes: &mut impl Read, block: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < block.len() {
        match bytes.read(&mut block[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn cancelled() -> io::Error {
    io::Error::other("the reader has ended")
}

fn unreadable(why: &str) -> StorageError {
    StorageError::new(StorageErrorKind::Refused, format!("the archive cannot be read: {why}"))
}
