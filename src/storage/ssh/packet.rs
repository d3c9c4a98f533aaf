//! Packets of SFTP version 3 (draft-ietf-secsh-filexfer-02), as far as reading and writing files need them,
//! and two extensions of OpenSSH.

use std::io;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::storage::{Result, StorageError, StorageErrorKind};

/// Maximum packet size in bytes: servers send at most the data that was requested, and short texts.
const LONGEST: u32 = 512 * 1024;
const VERSION: u32 = 3;
const OPEN_READ: u32 = 1;
/// Write, create, truncate.
const OPEN_CREATE: u32 = 0x2 | 0x8 | 0x10;
const NO_ATTRIBUTES: u32 = 0;
/// Extensions: a hard link, and flushing a file to disk.
const HARD_LINK: &str = "hardlink@openssh.com";
const SYNC: &str = "fsync@openssh.com";
/// Status codes.
const END_OF_FILE: u32 = 1;
const NO_SUCH_FILE: u32 = 2;
const DENIED: u32 = 3;
const FAILURE: u32 = 4;
const NO_CONNECTION: u32 = 6;
const CONNECTION_LOST: u32 = 7;
/// Of later versions, but sent by some servers.
const EXISTS: u32 = 11;
/// Flags of attributes.
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
    /// Create or truncate a file with these permissions, and open it for writing.
    Create { path: &'a str, mode: u32 },
    /// Query the attributes of an open file.
    Stat { handle: &'a [u8] },
    /// Query the attributes of a name; symbolic links are not followed.
    StatName { path: &'a str },
    /// Read `length` bytes from `offset`.
    Read { handle: &'a [u8], offset: u64, length: u32 },
    /// Write at `offset`.
    Write { handle: &'a [u8], offset: u64, data: &'a [u8] },
    /// Flush the file to disk; only if the server has the extension.
    Sync { handle: &'a [u8] },
    /// Close the file.
    Close { handle: &'a [u8] },
    /// Create a hard link; only if the server has the extension.
    Link { from: &'a str, to: &'a str },
    /// Rename a file.
    Rename { from: &'a str, to: &'a str },
    /// Delete a file.
    Remove { path: &'a str },
    /// Create a folder.
    MakeFolder { path: &'a str },
    /// Delete an empty folder.
    RemoveFolder { path: &'a str },
}

/// An SFTP response.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SftpResponse {
    Version(Extensions),
    Handle(Bytes),
    Data(Bytes),
    Attributes(Attributes),
    Status { code: u32, message: String },
}

/// The extensions a server offers, as far as they are used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Extensions {
    pub(super) hard_link: bool,
    pub(super) sync: bool,
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
                out.put_u32(OPEN_READ);
                out.put_u32(NO_ATTRIBUTES);
            }
            Self::Create { path, mode } => {
                begin(out, 3, id, path.as_bytes());
                out.put_u32(OPEN_CREATE);
                out.put_u32(HAS_MODE);
                out.put_u32(mode);
            }
            Self::Stat { handle } => begin(out, 8, id, handle),
            Self::StatName { path } => begin(out, 7, id, path.as_bytes()),
            Self::Read { handle, offset, length } => {
                begin(out, 5, id, handle);
                out.put_u64(offset);
                out.put_u32(length);
            }
            Self::Write { handle, offset, data } => {
                begin(out, 6, id, handle);
                out.put_u64(offset);
                put_text(out, data);
            }
            Self::Sync { handle } => {
                begin(out, 200, id, SYNC.as_bytes());
                put_text(out, handle);
            }
            Self::Close { handle } => begin(out, 4, id, handle),
            Self::Link { from, to } => {
                begin(out, 200, id, HARD_LINK.as_bytes());
                put_text(out, from.as_bytes());
                put_text(out, to.as_bytes());
            }
            Self::Rename { from, to } => {
                begin(out, 18, id, from.as_bytes());
                put_text(out, to.as_bytes());
            }
            Self::Remove { path } => begin(out, 13, id, path.as_bytes()),
            Self::MakeFolder { path } => {
                begin(out, 14, id, path.as_bytes());
                out.put_u32(NO_ATTRIBUTES);
            }
            Self::RemoveFolder { path } => begin(out, 15, id, path.as_bytes()),
        }
        let length = (out.len() - start - 4) as u32;
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    }
}

fn begin(out: &mut BytesMut, kind: u8, id: u32, text: &[u8]) {
    out.put_u8(kind);
    out.put_u32(id);
    put_text(out, text);
}

fn put_text(out: &mut BytesMut, text: &[u8]) {
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
        // In this packet the number is the version, which a server lowers to ours; its extensions follow.
        2 => return Ok((0, SftpResponse::Version(extensions(&mut packet)?))),
        101 => SftpResponse::Status { code: packet.try_get_u32()?, message: message(&mut packet) },
        102 => SftpResponse::Handle(text(&mut packet)?),
        103 => SftpResponse::Data(text(&mut packet)?),
        105 => SftpResponse::Attributes(attributes(&mut packet)?),
        other => SftpResponse::Status { code: u32::MAX, message: format!("an answer of the unknown kind {other}") },
    };
    Ok((id, answer))
}

fn extensions(packet: &mut Bytes) -> std::result::Result<Extensions, bytes::TryGetError> {
    let mut found = Extensions::default();
    while !packet.is_empty() {
        let (name, _) = (text(packet)?, text(packet)?);
        found.hard_link |= name == HARD_LINK;
        found.sync |= name == SYNC;
    }
    Ok(found)
}

fn text(packet: &mut Bytes) -> std::result::Result<Bytes, bytes::TryGetError> {
    let length = packet.try_get_u32()? as usize;
    if packet.len() < length {
        return Err(bytes::TryGetError { requested: length, available: packet.len() });
    }
    Ok(packet.split_to(length))
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
    /// Converts an unexpected response into an error. A plain failure while reading may be temporary.
    pub(super) fn failure(self) -> StorageError {
        match self {
            Self::Status { code, message } => {
                let kind = match code {
                    NO_SUCH_FILE => return StorageError::new(StorageErrorKind::NotFound, "sftp: no such file"),
                    DENIED => return StorageError::new(StorageErrorKind::Denied, "sftp: permission denied"),
                    FAILURE | NO_CONNECTION | CONNECTION_LOST => StorageErrorKind::Transient,
                    EXISTS => StorageErrorKind::AlreadyExists,
                    _ => StorageErrorKind::Refused,
                };
                StorageError::new(kind, format!("sftp: {message} (status {code})"))
            }
            _ => StorageError::new(StorageErrorKind::Refused, "sftp: an answer that does not fit the question"),
        }
    }

    /// Converts the rejection of a change into an error. A plain failure is permanent: the name is taken, the disk is
    /// full, or the file system cannot do it.
    pub(super) fn rejection(self) -> StorageError {
        match self {
            Self::Status { code: FAILURE, message } => {
                StorageError::new(StorageErrorKind::Refused, format!("sftp: {message} (status {FAILURE})"))
            }
            other => other.failure(),
        }
    }

    /// Checks that a change was made.
    pub(super) fn done(self) -> Result<()> {
        match self {
            Self::Status { code: 0, .. } => Ok(()),
            other => Err(other.rejection()),
        }
    }

    /// Returns the data; `None` at the end of the file.
    pub(super) fn data(self) -> Result<Option<Bytes>> {
        match self {
            Self::Data(data) if !data.is_empty() => Ok(Some(data)),
            Self::Data(_) | Self::Status { code: END_OF_FILE, .. } => Ok(None),
            other => Err(other.failure()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sftp_requests_have_the_form_of_the_protocol() {
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
    async fn sftp_responses_are_parsed_and_nonsense_is_refused() {
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
    fn sftp_changes_are_written_as_the_protocol_defines_them() {
        let written = |request: SftpRequest<'_>| {
            let mut out = BytesMut::new();
            request.write(1, &mut out);
            out.split_off(9)
        };
        let create = written(SftpRequest::Create { path: "/a", mode: 0o644 });
        assert_eq!(&create[..], b"\0\0\0\x02/a\0\0\0\x1a\0\0\0\x04\0\0\x01\xa4");
        let write = written(SftpRequest::Write { handle: b"h", offset: 258, data: b"xyz" });
        assert_eq!(&write[..], b"\0\0\0\x01h\0\0\0\0\0\0\x01\x02\0\0\0\x03xyz");
        let link = written(SftpRequest::Link { from: "/a", to: "/b" });
        assert_eq!(&link[..], b"\0\0\0\x14hardlink@openssh.com\0\0\0\x02/a\0\0\0\x02/b");
        let rename = written(SftpRequest::Rename { from: "/a", to: "/b" });
        assert_eq!(&rename[..], b"\0\0\0\x02/a\0\0\0\x02/b");
        let sync = written(SftpRequest::Sync { handle: b"h" });
        assert_eq!(&sync[..], b"\0\0\0\x11fsync@openssh.com\0\0\0\x01h");
    }

    #[test]
    fn sftp_extensions_are_read_from_the_version() {
        let parsed = |packet: &'static [u8]| parse(Bytes::from_static(packet)).map(|(_, response)| response);
        let none = SftpResponse::Version(Extensions::default());
        assert_eq!(parsed(b"\x02\0\0\0\x03"), Ok(none));
        let both = b"\x02\0\0\0\x03\0\0\0\x01x\0\0\0\0\0\0\0\x14hardlink@openssh.com\0\0\0\x011\
                     \0\0\0\x11fsync@openssh.com\0\0\0\x011";
        assert_eq!(parsed(both), Ok(SftpResponse::Version(Extensions { hard_link: true, sync: true })));
        assert!(parsed(b"\x02\0\0\0\x03\0\0\0\x09x").is_err());
    }

    #[test]
    fn sftp_status_codes_have_their_kinds() {
        let status = |code| SftpResponse::Status { code, message: "w".to_owned() };
        for (code, reading, changing) in [
            (2, StorageErrorKind::NotFound, StorageErrorKind::NotFound),
            (3, StorageErrorKind::Denied, StorageErrorKind::Denied),
            (4, StorageErrorKind::Transient, StorageErrorKind::Refused),
            (5, StorageErrorKind::Refused, StorageErrorKind::Refused),
            (7, StorageErrorKind::Transient, StorageErrorKind::Transient),
            (8, StorageErrorKind::Refused, StorageErrorKind::Refused),
            (11, StorageErrorKind::AlreadyExists, StorageErrorKind::AlreadyExists),
            (14, StorageErrorKind::Refused, StorageErrorKind::Refused),
            (u32::MAX, StorageErrorKind::Refused, StorageErrorKind::Refused),
        ] {
            assert_eq!(status(code).failure().kind, reading, "status {code} while reading");
            assert_eq!(status(code).rejection().kind, changing, "status {code} after a change");
        }
        assert_eq!(status(1).data().unwrap(), None);
        assert!(status(0).done().is_ok());
        let other = SftpResponse::Version(Extensions::default());
        assert_eq!(other.data().unwrap_err().kind, StorageErrorKind::Refused);
    }
}
