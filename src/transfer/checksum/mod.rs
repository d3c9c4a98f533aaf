//! Checksums: computed while bytes are received, compared by value.
//!
//! Only the arithmetic; which checksum a file must have, and what follows from a wrong one, belongs to the callers.

pub mod digests;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use md5::{Digest as _, Md5};
use simd_adler32::Adler32;

/// Block size for reading local files, in bytes. Chosen: larger blocks leave the cache of the processor.
const BLOCK: usize = 1024 * 1024;
/// Modulus of Adler-32: the largest prime below 2^16.
const MODULUS: u64 = 65_521;

/// The checksum of a file in the catalogue. Adler-32, the faster one, is preferred if the catalogue has two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Checksum {
    /// Adler-32.
    Adler32(u32),
    /// MD5.
    Md5([u8; 16]),
    /// The catalogue has none.
    #[default]
    Unknown,
}

impl Checksum {
    /// Parses the catalogue's values, in hexadecimal. Case and leading zeros do not matter; invalid values are ignored.
    pub fn new(adler32: Option<&str>, md5: Option<&str>) -> Self {
        let adler32 = adler32.and_then(|text| u32::from_str_radix(text.trim(), 16).ok());
        let md5 = md5.and_then(|text| u128::from_str_radix(text.trim(), 16).ok());
        match (adler32, md5) {
            (Some(value), _) => Self::Adler32(value),
            (None, Some(value)) => Self::Md5(value.to_be_bytes()),
            (None, None) => Self::Unknown,
        }
    }

    /// Returns a hasher for the same kind of checksum.
    pub fn hasher(&self) -> Hasher {
        match self {
            Self::Adler32(_) => Hasher::Adler32(Adler32::new()),
            Self::Md5(_) => Hasher::Md5(Md5::new()),
            Self::Unknown => Hasher::Unknown,
        }
    }

    /// Computes the same kind of checksum of a local file. Errors: it cannot be read.
    pub fn of_file(&self, path: &Path) -> io::Result<Self> {
        self.of_file_with_progress(path, |_| ())
    }

    /// Like [`Self::of_file`]; calls `on_read` with the length of each block read.
    pub fn of_file_with_progress(&self, path: &Path, on_read: impl Fn(u64)) -> io::Result<Self> {
        let (mut file, mut hasher, mut block) = (File::open(path)?, self.hasher(), vec![0; BLOCK]);
        loop {
            match file.read(&mut block) {
                Ok(0) => return Ok(hasher.finish()),
                Ok(read) => {
                    hasher.update(&block[..read]);
                    on_read(read as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Adler32(value) => write!(f, "{value:08x}"),
            Self::Md5(value) => write!(f, "{:032x}", u128::from_be_bytes(*value)),
            Self::Unknown => f.write_str("None"),
        }
    }
}

/// Returns the Adler-32 of two concatenated byte ranges, from the checksum of each and the length of the second.
///
/// The lower half is the sum of all bytes, the upper half the sum of these sums (RFC 1950, section 8.2): the second
/// range starts at the sums of the first, not at 1 and 0.
pub fn adler32_combine(first: u32, second: u32, length: u64) -> u32 {
    let halves = |value: u32| (u64::from(value & 0xffff), u64::from(value >> 16));
    let ((low, high), (low_then, high_then)) = (halves(first), halves(second));
    let ahead = low + MODULUS - 1;
    let sum = (ahead + low_then) % MODULUS;
    let sums = (high + high_then + length % MODULUS * (ahead % MODULUS)) % MODULUS;
    // Both are below 2^16.
    (sums << 16 | sum) as u32
}

/// An incremental checksum.
#[derive(Clone)]
pub enum Hasher {
    /// Adler-32.
    Adler32(Adler32),
    /// MD5.
    Md5(Md5),
    /// Computes nothing.
    Unknown,
}

impl Hasher {
    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Adler32(hasher) => hasher.write(bytes),
            Self::Md5(hasher) => hasher.update(bytes),
            Self::Unknown => {}
        }
    }

    /// Returns the checksum of all bytes.
    pub fn finish(self) -> Checksum {
        match self {
            Self::Adler32(hasher) => Checksum::Adler32(hasher.finish()),
            Self::Md5(hasher) => Checksum::Md5(hasher.finalize().into()),
            Self::Unknown => Checksum::Unknown,
        }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn computed(kind: Checksum, pieces: &[&[u8]]) -> Checksum {
        let mut hasher = kind.hasher();
        pieces.iter().for_each(|piece| hasher.update(piece));
        hasher.finish()
    }

    #[test]
    fn checksum_of_known_texts() {
        let adler = Checksum::new(Some("11e60398"), None);
        assert_eq!(computed(adler, &[b"Wiki", b"", b"pedia"]), adler);
        let md5 = Checksum::new(None, Some("9e107d9d372bb6826bd81d3542a419d6"));
        assert_eq!(computed(md5, &[b"The quick brown fox ", b"jumps over the lazy dog"]), md5);
        assert_eq!(computed(Checksum::Adler32(0), &[]), Checksum::new(Some("00000001"), None));
    }

    #[test]
    fn checksum_comparison_ignores_case_and_leading_zeros() {
        assert_eq!(Checksum::new(Some("0356986e"), None), Checksum::new(Some("356986E"), None));
        assert_eq!(Checksum::new(Some(" 000000356986e "), None), Checksum::Adler32(0x0356_986e));
        let padded = "00000000000000000000000000000001";
        assert_eq!(Checksum::new(None, Some("1")), Checksum::new(None, Some(padded)));
        assert_eq!(Checksum::new(None, Some(padded)).to_string(), padded);
        assert_eq!(Checksum::Adler32(1).to_string(), "00000001");
    }

    #[test]
    fn checksum_kind_is_the_fastest_that_is_valid() {
        assert_eq!(Checksum::new(Some("1"), Some("2")), Checksum::Adler32(1));
        assert!(matches!(Checksum::new(Some("n/a"), Some("2")), Checksum::Md5(_)));
        for (adler32, md5) in [(None, None), (Some(""), Some("")), (Some("None"), None), (Some("123456789"), None)] {
            assert_eq!(Checksum::new(adler32, md5), Checksum::Unknown, "{adler32:?} {md5:?}");
        }
    }

    #[test]
    fn checksum_of_a_local_file_takes_one_pass() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let bytes: Vec<u8> = (0..BLOCK * 2 + 3).map(|i| (i % 251) as u8).collect();
        std::fs::write(file.path(), &bytes).unwrap();
        for kind in [Checksum::Adler32(0), Checksum::Md5([0; 16])] {
            assert_eq!(kind.of_file(file.path()).unwrap(), computed(kind, &[&bytes]));
        }
    }

    /// For any bytes, split at any offsets.
    #[test]
    fn checksum_of_the_whole_follows_from_those_of_its_parts() {
        let adler = |bytes: &[u8]| match computed(Checksum::Adler32(0), &[bytes]) {
            Checksum::Adler32(value) => value,
            _ => panic!("not the kind that was asked for"),
        };
        let mut random = crate::testing::random();
        for round in 0..300 {
            let length = random.usize(..if round % 3 == 0 { 9 } else { 200_000 });
            let bytes: Vec<u8> = match round % 4 {
                0 => vec![255; length],
                _ => (0..length).map(|_| random.u8(..)).collect(),
            };
            let mut cuts = [0, length, random.usize(..=length), random.usize(..=length), random.usize(..=length)];
            cuts.sort_unstable();
            let parts = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]);
            let whole = parts.fold(1, |sum, part| adler32_combine(sum, adler(part), part.len() as u64));
            assert_eq!(whole, adler(&bytes), "{length} bytes cut at {cuts:?}");
        }
        let (half, long) = (adler(&[255; 70_000]), 70_000);
        assert_eq!(adler32_combine(half, half, long), adler(&[255; 140_000]));
    }
}
