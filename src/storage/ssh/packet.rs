//! Packets of SFTP version 3 (draft-ietf-secsh-filexfer-02), as far as reading a file needs them.

use std::io;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::storage::{Result, StorageError, StorageErrorKind};

/// Maximum packet size in bytes: servers send at most the data that was requested, and short texts.
const LONGEST: u32 = 512 * 1024;
const VERSION: u32 = 3;
const READ_ONLY: u32 = 1;
const NO_ATTRIBUTES: u32 = 0;
const HAS_SIZE: u32 = 1;
const HAS_OWNER: u32 = 2;
const HAS_MODE: u32 = 4;
const HAS_TIMES: u32 = 8;

/// An SFTP request.
#[derive(Debug, Clone, Copy)]
pub(super) enum SftpRequest<'a> {
    /// Negotiate the version (SSH_FXP_INIT).
    Hello,
    /// Open a file for reading.
    Open { path: &'a str },
    /// Query the attributes of an open file.
    Stat { handle: &'a [u8] },
    /// Read `length` bytes from `offset`.
    Read { handle: &'a [u8], offset: u64, length: u32 },
    /// Close the file.
    Close { handle: &'a [u8] },
}

/// An SFTP response.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SftpResponse {
    Version(u32),
    Handle(Bytes),
    Data(Bytes),
    Attributes(Attributes),
    Status { code: u32, message: String },
}

/// Attributes of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) size: Option<u64>,
    /// POSIX file type and permissions.
    pub(super) mode: Option<u32>,
    /// Modification time in seconds since 1970.
    pub(super) changed: Option<u32>,
}

impl SftpRequest<'_> {
    /// Appends the packet to the output buffer.
    pub(super) fn write(self, id: u32, out: &mut BytesMut) {
        let start = out.len();
        out.put_u32(0);
        match self {
            Self::Hello => {
                out.put_u8(1);
                out.put_u32(VERSION);
            }
            Self::Open { path } => {
                begin(out, 3, id, path.as_bytes());
                out.put_u32(READ_ONLY);
                out.put_u32(NO_ATTRIBUTES);
            }
            Self::Stat { handle } => begin(out, 8, id, handle),
            Self::Read { handle, offset, length } => {
                begin(out, 5, id, handle);
                out.put_u64(offset);
                out.put_u32(length);
            }
            Self::Close { handle } => begin(out, 4, id, handle),
        }
        let length = (out.len() - start - 4) as u32;
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    }
}

fn begin(out: &mut BytesMut, kind: u8, id: u32, text: &[u8]) {
    out.put_u8(kind);
    out.put_u32(id);
    out.put_u32(text.len() as u32);
    out.put_slice(text);
}

/// Reads the next packet. Returns the request's id and the response; `None` at the end of the stream.
pub(super) async fn read(input: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<(u32, SftpResponse)>> {
    let length = match input.read_u32().await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        length => length?,
    };
    if length > LONGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a packet of {length} bytes")));
    }
    let mut packet = BytesMut::zeroed(length as usize);
    input.read_exact(&mut packet).await?;
    let nonsense = |_| io::Error::new(io::ErrorKind::InvalidData, "a packet that is too short");
    parse(packet.freeze()).map(Some).map_err(nonsense)
}

fn parse(mut packet: Bytes) -> std::result::Result<(u32, SftpResponse), bytes::TryGetError> {
    let kind = packet.try_get_u8()?;
    let id = packet.try_get_u32()?;
    let answer = match kind {
        // In this packet the number is the version; the server's extensions follow.
        2 => return Ok((0, SftpResponse::Version(id))),
        101 => SftpResponse::Status { code: packet.try_get_u32()?, message: message(&mut packet) },
        102 => SftpResponse::Handle(text(&mut packet)?),
        103 => SftpResponse::Data(text(&mut packet)?),
        105 => SftpResponse::Attributes(attributes(&mut packet)?),
        other => SftpResponse::Status { code: u32::MAX, message: format!("an answer of the unknown kind {other}") },
    };
    Ok((id, answer))
}

fn text(packet: &mut Bytes) -> std::result::Result<Bytes, bytes::TryGetError> {
    let length = packet.try_get_u32()? as usize;
    match packet.len() >= length {
        true => Ok(packet.split_to(length)),
        false => Err(bytes::TryGetError { requested: length, available: packet.len() }),
    }
}

/// Returns the error message, which some servers omit.
fn message(packet: &mut Bytes) -> String {
    text(packet).map(|message| String::from_utf8_lossy(&message).into_owned()).unwrap_or_default()
}

fn attributes(packet: &mut Bytes) -> std::result::Result<Attributes, bytes::TryGetError> {
    let (flags, mut found) = (packet.try_get_u32()?, Attributes::default());
    if flags & HAS_SIZE != 0 {
        found.size = Some(packet.try_get_u64()?);
    }
    if flags & HAS_OWNER != 0 {
        packet.try_get_u64()?;
    }
    if flags & HAS_MODE != 0 {
        found.mode = Some(packet.try_get_u32()?);
    }
    if flags & HAS_TIMES != 0 {
        packet.try_get_u32()?;
        found.changed = Some(packet.try_get_u32()?);
    }
    Ok(found)
}

impl SftpResponse {
    /// Converts an unexpected response into an error.
    pub(super) fn failure(self) -> StorageError {
        match self {
            Self::Status { code: 2, .. } => StorageError::new(StorageErrorKind::NotFound, "sftp: no such file"),
            Self::Status { code: 3, .. } => StorageError::new(StorageErrorKind::Denied, "sftp: permission denied"),
            Self::Status { code, message } => {
                StorageError::new(StorageErrorKind::Transient, format!("sftp: {message} (status {code})"))
            }
            _ => StorageError::new(StorageErrorKind::Refused, "sftp: an answer that does not fit the question"),
        }
    }

    /// Returns the data; `None` at the end of the file.
    pub(super) fn data(self) -> Result<Option<Bytes>> {
        match self {
            Self::Data(data) if !data.is_empty() => Ok(Some(data)),
            Self::Data(_) | Self::Status { code: 1, .. } => Ok(None),
            other => Err(other.failure()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_written_as_the_protocol_has_them() {
        let mut out = BytesMut::new();
        SftpRequest::Hello.write(0, &mut out);
        SftpRequest::Open { path: "/a" }.write(7, &mut out);
        let expected = b"\0\0\0\x05\x01\0\0\0\x03\0\0\0\x13\x03\0\0\0\x07\0\0\0\x02/a\0\0\0\x01\0\0\0\0";
        assert_eq!(&out[..], expected);
        let mut out = BytesMut::new();
        SftpRequest::Read { handle: b"h", offset: 258, length: 5 }.write(1, &mut out);
        assert_eq!(&out[..], b"\0\0\0\x16\x05\0\0\0\x01\0\0\0\x01h\0\0\0\0\0\0\x01\x02\0\0\0\x05");
    }

    #[tokio::test]
    async fn answers_are_read_and_nonsense_is_refused() {
        let whole =
            b"\0\0\0\x0b\x67\0\0\0\x09\0\0\0\x02hi\0\0\0\x15\x69\0\0\0\x02\0\0\0\x05\0\0\0\0\0\0\0\x03\0\0\x81\xa4";
        let mut input = &whole[..];
        assert_eq!(read(&mut input).await.unwrap(), Some((9, SftpResponse::Data(Bytes::from_static(b"hi")))));
        let attributes = Attributes { size: Some(3), mode: Some(0o100_644), changed: None };
        assert_eq!(read(&mut input).await.unwrap(), Some((2, SftpResponse::Attributes(attributes))));
        assert_eq!(read(&mut input).await.unwrap(), None);
        for bad in
            [&b"\xff\xff\xff\xff"[..], b"\0\0\0\x02\x67\0", b"\0\0\0\x09\x67\0\0\0\x01\0\0\0\x09", b"\0\0\0\x09\x67"]
        {
            assert!(read(&mut &bad[..]).await.is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_the_server_says_is_told_apart() {
        let status = |code| SftpResponse::Status { code, message: "w".to_owned() };
        assert_eq!(status(2).failure().kind, StorageErrorKind::NotFound);
        assert_eq!(status(3).failure().kind, StorageErrorKind::Denied);
        assert_eq!(status(4).failure().kind, StorageErrorKind::Transient);
        assert_eq!(status(1).data().unwrap(), None);
        assert_eq!(SftpResponse::Version(3).data().unwrap_err().kind, StorageErrorKind::Refused);
    }
}
