//! Signed requests: a server may ask for a signature before certain requests (`XrdSecProtect.cc`).
//!
//! A signature is the SHA-256 of a number that increases, the request's header and its data, encrypted with the key of
//! the session. Only gsi has one; without it requests are not signed, and the server refuses those that have to be.

use std::sync::Mutex;

use sha2::{Digest, Sha256};

use super::auth::SessionKey;
use super::wire::{REQUEST_HEADER, Request};
use crate::lock::lock;

/// Number of the first request; the tables begin with it.
const FIRST: u16 = 3000;
/// Options of a server: the bytes of files are signed, too; sign also without a key.
const WITH_DATA: u8 = 1;
const IS_FORCED: u8 = 2;
/// Levels of requirements, each including those before it.
const COMPATIBLE: u8 = 1;
const STANDARD: u8 = 2;
const INTENSE: u8 = 3;
const PEDANTIC: u8 = 4;
/// In an exception of a server: sign such a request never, if it changes something, or always.
const NEVER: u8 = 0;
const IF_IT_MODIFIES: u8 = 1;

/// Which requests a server wants to be signed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Requirements {
    level: u8,
    options: u8,
    /// Requests with a requirement of their own.
    exceptions: Vec<(u16, u8)>,
}

impl Requirements {
    /// Parses `S`, 0, version, options, level, number of exceptions, and the exceptions: two bytes each. Anything else
    /// has no requirements.
    pub(super) fn parse(block: &[u8]) -> Self {
        let Some((&[b'S', _, _, options, level, count], rest)) = block.split_first_chunk() else {
            return Self::default();
        };
        let exceptions = rest.chunks_exact(2).take(usize::from(count));
        let exceptions = exceptions.map(|one| (FIRST + u16::from(one[0]), one[1])).collect();
        Self { level, options, exceptions }
    }

    /// Returns whether this request has to be signed.
    fn includes(&self, request: &Request<'_>) -> bool {
        let (number, modifies) = (request.number(), request.modifies());
        if self.level == 0 {
            return false;
        }
        match self.exceptions.iter().find(|(one, _)| *one == number) {
            Some((_, NEVER)) => false,
            Some((_, IF_IT_MODIFIES)) => modifies,
            Some(_) => true,
            None => level_of(number, modifies).is_some_and(|level| level <= self.level),
        }
    }
}

/// Returns the lowest level at which a request is signed; `None` if it never is.
fn level_of(number: u16, modifies: bool) -> Option<u8> {
    match number {
        // auth, protocol, login, ping, sigver.
        3000 | 3006 | 3007 | 3011 | 3029 => None,
        // chmod, mv, rm, rmdir, fattr, truncate.
        3002 | 3009 | 3014 | 3015 | 3020 | 3028 => Some(COMPATIBLE),
        // open.
        3010 if modifies => Some(COMPATIBLE),
        // mkdir, open.
        3008 | 3010 => Some(STANDARD),
        // query, set.
        3001 | 3018 if modifies => Some(INTENSE),
        // close, write, endsess, bind, pgwrite, pgread.
        3003 | 3019 | 3023 | 3024 | 3026 | 3030 => Some(INTENSE),
        _ => Some(PEDANTIC),
    }
}

/// Signs the requests of a session.
#[derive(Debug)]
pub(super) struct Signer {
    requirements: Requirements,
    key: Option<SessionKey>,
    /// The number of the last signature.
    last: Mutex<u64>,
}

impl Signer {
    /// Creates it. `None` if nothing is to be signed, or nothing can be.
    pub(super) fn new(requirements: Requirements, key: Option<SessionKey>) -> Option<Self> {
        let can_sign = key.is_some() || requirements.options & IS_FORCED != 0;
        (can_sign && requirements.level > 0).then(|| Self { requirements, key, last: Mutex::default() })
    }

    /// Passes the frame on, after its signature if it needs one: the server wants increasing numbers.
    pub(super) fn sign(&self, request: &Request<'_>, frame: Vec<u8>, pass: impl FnOnce(Vec<u8>)) {
        if !self.requirements.includes(request) {
            return pass(frame);
        }
        let mut last = lock(&self.last);
        *last += 1;
        pass([self.signature(request, &frame, *last), frame].concat());
    }

    /// Returns the frame of the signature, for the same stream id.
    fn signature(&self, request: &Request<'_>, frame: &[u8], number: u64) -> Vec<u8> {
        let omits_data = request.has_file_data() && self.requirements.options & WITH_DATA == 0;
        let signed = if omits_data { &frame[..REQUEST_HEADER.min(frame.len())] } else { frame };
        let hash = Sha256::new().chain_update(number.to_be_bytes()).chain_update(signed).finalize();
        let encrypted = self.key.as_ref().and_then(|key| key.encrypt(&hash).ok());
        let signature = encrypted.unwrap_or_else(|| hash.to_vec());
        let stream = frame.first_chunk().copied().map(u16::from_be_bytes).unwrap_or_default();
        Request::Sign { request: request.number(), omits_data, number, signature: &signature }.encode(stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(modifies: bool) -> Request<'static> {
        if modifies {
            Request::Create { path: "/a", replaces: true }
        } else {
            Request::Open { path: "/a", refresh: false }
        }
    }

    #[test]
    fn xrootd_levels_of_signing_include_those_below() {
        let close = Request::Close { handle: [0; 4] };
        let read = Request::Read { handle: [0; 4], offset: 0, length: 1 };
        for (level, expected) in [
            (0, [false, false, false, false]),
            (COMPATIBLE, [true, false, false, false]),
            (STANDARD, [true, true, false, false]),
            (INTENSE, [true, true, true, false]),
            (PEDANTIC, [true, true, true, true]),
        ] {
            let requirements = Requirements::parse(&[b'S', 0, 0, 0, level, 0]);
            let found = [&open(true), &open(false), &close, &read].map(|request| requirements.includes(request));
            assert_eq!(found, expected, "level {level}");
        }
    }

    #[test]
    fn xrootd_server_names_exceptions_from_its_level() {
        let (open_number, read_number) = (10, 13);
        let requirements = Requirements::parse(&[b'S', 0, 0, 0, STANDARD, 2, open_number, 1, read_number, 2]);
        assert!(requirements.includes(&open(true)) && !requirements.includes(&open(false)));
        assert!(requirements.includes(&Request::Read { handle: [0; 4], offset: 0, length: 1 }));
        for cut in [&b""[..], b"S", b"S\0\0\0\x02", b"B\0\0\0\x02\0"] {
            assert_eq!(Requirements::parse(cut), Requirements::default(), "{cut:?}");
        }
    }

    /// Without a key, a server may still ask for the hash alone.
    #[test]
    fn xrootd_signature_precedes_its_request() {
        let requirements = Requirements::parse(&[b'S', 0, 0, IS_FORCED, COMPATIBLE, 0]);
        let signer = Signer::new(requirements, None).unwrap();
        let frame = open(true).encode(7);
        let mut sent = Vec::new();
        signer.sign(&open(true), frame.clone(), |bytes| sent = bytes);
        let mut expected = vec![0, 7, 0x0b, 0xd5, 0x0b, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 32];
        expected.extend(Sha256::digest([&1_u64.to_be_bytes()[..], &frame].concat()));
        expected.extend(&frame);
        assert_eq!(sent, expected);
        signer.sign(&open(false), b"as it is".to_vec(), |bytes| sent = bytes);
        assert_eq!(sent, b"as it is");
        assert!(Signer::new(Requirements::parse(b"S\0\0\0\x04\0"), None).is_none(), "nothing to sign with");
    }
}
