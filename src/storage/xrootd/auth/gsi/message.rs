//! Messages of gsi: a step and buckets, which have a type each (`XrdSutBuffer.cc`, `XrdSutAux.hh`).

/// The beginning of every message.
const NAME: &[u8] = b"gsi\0";
/// Maximum number of buckets of a message; servers send eight.
const MAX_BUCKETS: usize = 32;

/// Types of buckets.
pub(super) mod kind {
    /// The crypto module: `ssl`.
    pub(in super::super) const MODULE: i32 = 3000;
    /// A message inside the message.
    pub(in super::super) const MAIN: i32 = 3001;
    /// A Diffie-Hellman value that is not signed; from the client since 10400: its public key.
    pub(in super::super) const PUBLIC_KEY: i32 = 3004;
    /// A Diffie-Hellman value, signed.
    pub(in super::super) const SIGNED_SHARE: i32 = 3005;
    /// A challenge, and the signed challenge of the other side.
    pub(in super::super) const CHALLENGE: i32 = 3006;
    pub(in super::super) const SIGNED_CHALLENGE: i32 = 3007;
    pub(in super::super) const VERSION: i32 = 3014;
    pub(in super::super) const OPTIONS: i32 = 3019;
    /// Certificates in PEM form.
    pub(in super::super) const CERTIFICATES: i32 = 3022;
    /// Hashes of the names of CAs.
    pub(in super::super) const ISSUERS: i32 = 3023;
    pub(in super::super) const CIPHERS: i32 = 3025;
    pub(in super::super) const DIGESTS: i32 = 3026;
}

/// A message that was received.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Message<'a> {
    pub(super) step: i32,
    buckets: Vec<(i32, &'a [u8])>,
}

impl<'a> Message<'a> {
    /// Parses a message; `None` if it is malformed or its end is missing.
    pub(in super::super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (step, mut rest) = integer(bytes.strip_prefix(NAME)?)?;
        let mut buckets = Vec::new();
        loop {
            let (kind, after) = integer(rest)?;
            if kind == 0 {
                return Some(Self { step, buckets });
            }
            let (length, after) = integer(after)?;
            let (content, after) = after.split_at_checked(usize::try_from(length).ok()?)?;
            if buckets.len() == MAX_BUCKETS {
                return None;
            }
            buckets.push((kind, content));
            rest = after;
        }
    }

    /// Returns the content of the first bucket of this type.
    pub(in super::super) fn bucket(&self, kind: i32) -> Option<&'a [u8]> {
        self.buckets.iter().find(|(one, _)| *one == kind).map(|(_, content)| *content)
    }

    /// Returns the content as text, without the NUL at its end; `None` if it is not text.
    pub(super) fn text(&self, kind: i32) -> Option<&'a str> {
        let content = self.bucket(kind)?;
        std::str::from_utf8(content.strip_suffix(b"\0").unwrap_or(content)).ok()
    }
}

fn integer(bytes: &[u8]) -> Option<(i32, &[u8])> {
    super::super::super::wire::number(bytes)
}

/// A message that is written.
#[derive(Debug)]
pub(in super::super) struct MessageWriter(Vec<u8>);

impl MessageWriter {
    pub(in super::super) fn new(step: i32) -> Self {
        Self([NAME, &step.to_be_bytes()].concat())
    }

    /// Adds a bucket.
    pub(in super::super) fn with(mut self, kind: i32, content: &[u8]) -> Self {
        self.0.extend(kind.to_be_bytes());
        self.0.extend((content.len() as u32).to_be_bytes());
        self.0.extend(content);
        self
    }

    /// Returns the message.
    pub(in super::super) fn finish(mut self) -> Vec<u8> {
        self.0.extend(0_i32.to_be_bytes());
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gsi_messages_are_read_back() {
        let bytes = MessageWriter::new(1000).with(kind::MODULE, b"ssl").with(kind::MAIN, b"").finish();
        assert_eq!(bytes, b"gsi\0\0\0\x03\xe8\0\0\x0b\xb8\0\0\0\x03ssl\0\0\x0b\xb9\0\0\0\0\0\0\0\0");
        let message = Message::parse(&bytes).unwrap();
        assert_eq!((message.step, message.bucket(kind::MODULE)), (1000, Some(&b"ssl"[..])));
        assert_eq!((message.bucket(kind::MAIN), message.bucket(kind::VERSION)), (Some(&b""[..]), None));
    }

    #[test]
    fn gsi_messages_that_are_cut_or_too_long_are_refused() {
        let whole = MessageWriter::new(2001).with(kind::MODULE, b"ssl").finish();
        for length in 0..whole.len() {
            assert_eq!(Message::parse(&whole[..length]), None, "{length} bytes");
        }
        let negative = [NAME, &[0, 0, 0, 1, 0, 0, 0, 9, 0xff, 0xff, 0xff, 0xff]].concat();
        assert_eq!(Message::parse(&negative), None);
        let many = (0..100).fold(MessageWriter::new(1), |message, _| message.with(9, b"")).finish();
        assert_eq!(Message::parse(&many), None);
    }
}
