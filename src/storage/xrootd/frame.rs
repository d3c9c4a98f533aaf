//! Reads frames from a connection. Memory is reserved only for lengths that the caller allowed.

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, BufReader};

use super::wire::{HEADER, Header};
use crate::storage::{Result, StorageError, StorageErrorKind};

/// Maximum length of texts and other responses that are not the bytes of a file.
pub(super) const MAX_TEXT: usize = 64 * 1024;

/// Where bytes come from.
pub(super) type Incoming<'a> = Box<dyn AsyncRead + Send + Sync + Unpin + 'a>;

/// The bytes that a server sends.
pub(super) struct FrameReader<'a>(BufReader<Incoming<'a>>);

impl<'a> FrameReader<'a> {
    pub(super) fn new(stream: Incoming<'a>) -> Self {
        Self(BufReader::with_capacity(16 * 1024, stream))
    }

    /// Reads no byte ahead, for a stream that something else reads later.
    pub(super) fn unbuffered(stream: Incoming<'a>) -> Self {
        Self(BufReader::with_capacity(1, stream))
    }

    /// Reads the next header. Errors: the connection ended, or these bytes are no header.
    pub(super) async fn header(&mut self) -> Result<Header> {
        let mut bytes = [0; HEADER];
        self.0.read_exact(&mut bytes).await.map_err(|error| cut(&error))?;
        Header::parse(bytes).ok_or_else(|| invalid("an unknown status or a negative length"))
    }

    /// Appends the next `length` bytes to `body`; calls `on_progress` whenever some have arrived.
    pub(super) async fn append(&mut self, length: usize, body: &mut BytesMut, on_progress: impl Fn()) -> Result<()> {
        body.reserve(length);
        let end = body.len() + length;
        while body.len() < end {
            let missing = end - body.len();
            let read = self.0.read_buf(&mut (&mut *body).limit(missing)).await.map_err(|error| cut(&error))?;
            if read == 0 {
                return Err(cut(&std::io::ErrorKind::UnexpectedEof.into()));
            }
            on_progress();
        }
        Ok(())
    }

    /// Reads the next header and what follows it, which is a text.
    pub(super) async fn whole(&mut self) -> Result<(Header, Bytes)> {
        let header = self.header().await?;
        let body = self.text(header.length).await?;
        Ok((header, body.freeze()))
    }

    /// Reads a text of `length` bytes. Errors: also if it is too long.
    pub(super) async fn text(&mut self, length: usize) -> Result<BytesMut> {
        if length > MAX_TEXT {
            return Err(invalid("a longer response than was asked for"));
        }
        let mut body = BytesMut::new();
        self.append(length, &mut body, || {}).await?;
        Ok(body)
    }
}

/// Returns the error of a connection that ended.
pub(super) fn cut(error: &std::io::Error) -> StorageError {
    let message = match error.kind() {
        std::io::ErrorKind::UnexpectedEof => "the connection was cut".to_owned(),
        _ => format!("the connection was cut: {error}"),
    };
    StorageError::new(StorageErrorKind::Transient, message)
}

/// Returns the error for bytes that break the protocol.
pub(super) fn invalid(what: &str) -> StorageError {
    StorageError::new(StorageErrorKind::Transient, format!("the storage does not follow the XRootD protocol: {what}"))
}
