//! Frames of the XRootD protocol: requests, and the headers of responses. Integers are big-endian.
//!
//! The numbers are from the protocol's definition (`XProtocol.hh`).

use std::borrow::Cow;

/// Length of a request's header in bytes.
pub(super) const REQUEST_HEADER: usize = 24;
/// Length of a response's header in bytes.
pub(super) const HEADER: usize = 8;

/// The beginning of every connection; its response is followed by that to the first request.
pub(super) const HANDSHAKE: [u8; 20] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0x07, 0xdc];

/// The version of the protocol that the client speaks: 5.1.1, which every server of the last years understands.
const VERSION: u32 = 0x511;
/// Flags of the protocol request: send the requirements of signatures; this client knows about TLS.
const SEND_SIGNING: u8 = 1;
const KNOWS_TLS: u8 = 2;
/// Flag of the protocol request: TLS begins after the response.
const WANTS_TLS: u8 = 4;
/// The protocol request is followed by a login.
const EXPECT_LOGIN: u8 = 3;
/// Abilities named at login: URLs in redirects, IPv4 and IPv6, flags in redirects.
const ABILITIES: u8 = 1 | 8 | 128;
/// Version of the client at login, and that responses may come later (`attn`).
const CLIENT: u8 = 5 | 0x80;
/// Options of open: read, return the metadata; look for the file again.
const OPEN_TO_READ: u16 = 0x10 | 0x400;
const REFRESH: u16 = 0x80;
/// Options of open: update, create folders, return the metadata, asynchronously; and replace a file, or only create one.
const OPEN_TO_WRITE: u16 = 0x20 | 0x100 | 0x400 | 0x40;
const REPLACE: u16 = 0x02;
const NEW: u16 = 0x08;
/// Access rights of a new file, and of a new folder.
const FILE_MODE: u16 = 0o644;
const FOLDER_MODE: u16 = 0o755;
/// Option of mkdir: create parents, too.
const WITH_PARENTS: u8 = 1;
/// Type of a query: the checksum of a file.
const QUERY_CHECKSUM: u16 = 3;
/// Hash of a signature, and its flag: the data is not part of it.
const SHA_256: u8 = 1;
const WITHOUT_DATA: u8 = 1;

/// Handle of an open file; valid only in its session.
pub(super) type Handle = [u8; 4];

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Request<'a> {
    /// Asks for version and requirements, and for TLS.
    Protocol { wants_tls: bool },
    /// Starts a session.
    Login { process: u32, user: &'a str, cgi: &'a str },
    /// Sends the credentials of this authentication method.
    Authenticate { method: &'a str, credentials: &'a [u8] },
    /// Opens a file for reading. The path has its CGI.
    Open { path: &'a str, refresh: bool },
    /// Creates a file and opens it for writing. The path has its CGI.
    Create { path: &'a str, replaces: bool },
    /// Asks for the checksum of a file. The path has its CGI.
    Checksum { path: &'a str },
    /// Creates a folder and those above it.
    CreateFolder { path: &'a str },
    /// Deletes a file.
    Delete { path: &'a str },
    /// Renames a file; an existing one is replaced.
    Rename { from: &'a str, to: &'a str },
    /// Writes bytes to an open file.
    Write { handle: Handle, offset: u64, data: &'a [u8] },
    /// Precedes a request with its signature.
    Sign { request: u16, omits_data: bool, number: u64, signature: &'a [u8] },
    /// Asks for the metadata of a file.
    Stat { path: &'a str },
    /// Reads bytes of an open file.
    Read { handle: Handle, offset: u64, length: u32 },
    /// Closes a file.
    Close { handle: Handle },
}

impl Request<'_> {
    /// Returns the bytes of this request with this stream id.
    pub(super) fn encode(&self, stream: u16) -> Vec<u8> {
        let (number, parameters, data) = (self.number(), self.parameters(), self.data());
        let mut frame = Vec::with_capacity(REQUEST_HEADER + data.len());
        frame.extend(stream.to_be_bytes());
        frame.extend(number.to_be_bytes());
        frame.extend(parameters);
        frame.extend((data.len() as u32).to_be_bytes());
        frame.extend(&*data);
        frame
    }

    /// Returns whether it changes a file or folder.
    pub(super) fn modifies(&self) -> bool {
        matches!(
            self,
            Self::Create { .. }
                | Self::CreateFolder { .. }
                | Self::Delete { .. }
                | Self::Rename { .. }
                | Self::Write { .. }
        )
    }

    /// Returns whether its data are bytes of a file.
    pub(super) fn has_file_data(&self) -> bool {
        matches!(self, Self::Write { .. })
    }

    /// Returns the number of the request.
    pub(super) fn number(&self) -> u16 {
        match self {
            Self::Checksum { .. } => 3001,
            Self::CreateFolder { .. } => 3008,
            Self::Rename { .. } => 3009,
            Self::Delete { .. } => 3014,
            Self::Write { .. } => 3019,
            Self::Sign { .. } => 3029,
            Self::Authenticate { .. } => 3000,
            Self::Close { .. } => 3003,
            Self::Protocol { .. } => 3006,
            Self::Login { .. } => 3007,
            Self::Open { .. } | Self::Create { .. } => 3010,
            Self::Read { .. } => 3013,
            Self::Stat { .. } => 3017,
        }
    }

    fn parameters(&self) -> [u8; 16] {
        let mut all = [0; 16];
        match self {
            Self::Protocol { wants_tls } => {
                all[..4].copy_from_slice(&VERSION.to_be_bytes());
                let tls = if *wants_tls { KNOWS_TLS | WANTS_TLS } else { KNOWS_TLS };
                (all[4], all[5]) = (SEND_SIGNING | tls, EXPECT_LOGIN);
            }
            Self::Login { process, user, .. } => {
                all[..4].copy_from_slice(&process.to_be_bytes());
                let user = &user.as_bytes()[..user.len().min(8)];
                all[4..4 + user.len()].copy_from_slice(user);
                (all[13], all[14]) = (ABILITIES, CLIENT);
            }
            Self::Authenticate { method, .. } => {
                let method = &method.as_bytes()[..method.len().min(4)];
                all[12..12 + method.len()].copy_from_slice(method);
            }
            Self::Open { refresh, .. } => {
                let options = if *refresh { OPEN_TO_READ | REFRESH } else { OPEN_TO_READ };
                all[2..4].copy_from_slice(&options.to_be_bytes());
            }
            Self::Create { replaces, .. } => {
                let options = OPEN_TO_WRITE | if *replaces { REPLACE } else { NEW };
                all[..2].copy_from_slice(&FILE_MODE.to_be_bytes());
                all[2..4].copy_from_slice(&options.to_be_bytes());
            }
            Self::Checksum { .. } => all[..2].copy_from_slice(&QUERY_CHECKSUM.to_be_bytes()),
            Self::CreateFolder { .. } => {
                all[0] = WITH_PARENTS;
                all[14..].copy_from_slice(&FOLDER_MODE.to_be_bytes());
            }
            Self::Rename { from, .. } => all[14..].copy_from_slice(&(from.len() as u16).to_be_bytes()),
            Self::Write { handle, offset, .. } => {
                all[..4].copy_from_slice(handle);
                all[4..12].copy_from_slice(&offset.to_be_bytes());
            }
            Self::Sign { request, omits_data, number, .. } => {
                all[..2].copy_from_slice(&request.to_be_bytes());
                all[3] = if *omits_data { WITHOUT_DATA } else { 0 };
                all[4..12].copy_from_slice(&number.to_be_bytes());
                all[12] = SHA_256;
            }
            Self::Stat { .. } | Self::Delete { .. } => {}
            Self::Read { handle, offset, length } => {
                all[..4].copy_from_slice(handle);
                all[4..12].copy_from_slice(&offset.to_be_bytes());
                all[12..].copy_from_slice(&length.to_be_bytes());
            }
            Self::Close { handle } => all[..4].copy_from_slice(handle),
        }
        all
    }

    fn data(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Login { cgi, .. } => cgi.as_bytes().into(),
            Self::Authenticate { credentials, .. } => (*credentials).into(),
            Self::Open { path, .. }
            | Self::Create { path, .. }
            | Self::Checksum { path }
            | Self::CreateFolder { path }
            | Self::Delete { path }
            | Self::Stat { path } => path.as_bytes().into(),
            Self::Rename { from, to } => format!("{from} {to}").into_bytes().into(),
            Self::Write { data, .. } => (*data).into(),
            Self::Sign { signature, .. } => (*signature).into(),
            Self::Protocol { .. } | Self::Read { .. } | Self::Close { .. } => Cow::Borrowed(&[]),
        }
    }
}

/// Status of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// The response, or its end.
    Ok,
    /// A piece of the response; more follow.
    Partial,
    /// Not a response: a message of the server, or a response that was announced by [`Status::Deferred`].
    Attention,
    /// The authentication needs another round.
    AuthMore,
    Error,
    Redirect,
    /// To be sent again after some seconds.
    Wait,
    /// The response comes later.
    Deferred,
}

/// Header of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) stream: u16,
    pub(super) status: Status,
    /// Number of bytes that follow.
    pub(super) length: usize,
}

impl Header {
    /// Parses a header; `None` if the status is unknown or the length negative.
    pub(super) fn parse(bytes: [u8; HEADER]) -> Option<Self> {
        let [s0, s1, k0, k1, l0, l1, l2, l3] = bytes;
        let status = match u16::from_be_bytes([k0, k1]) {
            0 => Status::Ok,
            4000 => Status::Partial,
            4001 => Status::Attention,
            4002 => Status::AuthMore,
            4003 => Status::Error,
            4004 => Status::Redirect,
            4005 => Status::Wait,
            4006 => Status::Deferred,
            _ => return None,
        };
        let length = usize::try_from(i32::from_be_bytes([l0, l1, l2, l3])).ok()?;
        Some(Self { stream: u16::from_be_bytes([s0, s1]), status, length })
    }
}

/// Splits a number from the beginning of a body.
pub(super) fn number(body: &[u8]) -> Option<(i32, &[u8])> {
    let (number, rest) = body.split_first_chunk::<4>()?;
    Some((i32::from_be_bytes(*number), rest))
}

/// Returns a text of the server, without the NUL that ends it. Control characters, which a terminal would obey, become
/// spaces.
pub(super) fn text(body: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(body.strip_suffix(b"\0").unwrap_or(body));
    if text.contains(char::is_control) { text.replace(char::is_control, " ").into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xrootd_requests_have_the_bytes_of_the_protocol() {
        let read = Request::Read { handle: [1, 2, 3, 4], offset: 1 << 33, length: 4096 };
        let expected = [0, 7, 0x0b, 0xc5, 1, 2, 3, 4, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0];
        assert_eq!(read.encode(7), expected);
        let open = Request::Open { path: "/a", refresh: true };
        let expected = [0, 1, 0x0b, 0xc2, 0, 0, 0x04, 0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, b'/', b'a'];
        assert_eq!(open.encode(1), expected);
        let login = Request::Login { process: 9, user: "a-long-name", cgi: "" };
        assert_eq!(&login.encode(0)[4..20], b"\0\0\0\x09a-long-n\0\x89\x85\0");
        let unix = Request::Authenticate { method: "unix", credentials: b"unix\0me\0" };
        assert_eq!(&unix.encode(0)[16..], b"unix\0\0\0\x08unix\0me\0");
    }

    #[test]
    fn xrootd_headers_with_a_negative_length_or_unknown_status_are_refused() {
        let header = Header::parse([0, 9, 0x0f, 0xa0, 0, 0x20, 0, 0]);
        assert_eq!(header, Some(Header { stream: 9, status: Status::Partial, length: 1 << 21 }));
        assert_eq!(Header::parse([0, 9, 0, 0, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(Header::parse([0, 9, 0, 1, 0, 0, 0, 0]), None);
    }

    #[test]
    fn xrootd_texts_may_be_of_any_bytes() {
        assert_eq!((text(b"a\0"), text(b"a"), text(b"\xff\0")), ("a".into(), "a".into(), "\u{fffd}".into()));
        assert_eq!(text(b"a\x1b[2J\nb\0c"), "a [2J b c");
        assert_eq!((number(b"\0\0\x0b\xc3text"), number(b"\0\0")), (Some((3011, &b"text"[..])), None));
    }
}
