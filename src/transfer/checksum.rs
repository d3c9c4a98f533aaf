//! Checksums: computed while the bytes pass by, compared by value.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use md5::{Digest as _, Md5};
use simd_adler32::Adler32;

/// How much of a local file is read at once.
const BLOCK: usize = 1024 * 1024;

/// The checksum the catalogue knows of a file. The faster one is taken where it knows two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Checksum {
    /// Adler-32.
    Adler32(u32),
    /// MD5.
    Md5([u8; 16]),
    /// None is known.
    #[default]
    Unknown,
}

impl Checksum {
    /// Reads what the catalogue says. Case and leading zeros do not matter; what is no checksum does not count.
    pub fn new(adler32: Option<&str>, md5: Option<&str>) -> Self {
        let adler32 = adler32.and_then(|text| u32::from_str_radix(text.trim(), 16).ok());
        let md5 = md5.and_then(|text| u128::from_str_radix(text.trim(), 16).ok());
        match (adler32, md5) {
            (Some(value), _) => Self::Adler32(value),
            (None, Some(value)) => Self::Md5(value.to_be_bytes()),
            (None, None) => Self::Unknown,
        }
    }

    /// Computes the same kind of checksum.
    pub fn hasher(&self) -> Hasher {
        match self {
            Self::Adler32(_) => Hasher::Adler32(Adler32::new()),
            Self::Md5(_) => Hasher::Md5(Md5::new()),
            Self::Unknown => Hasher::Unknown,
        }
    }

    /// Computes the same kind of checksum of a local file.
    pub fn of_file(&self, path: &Path) -> io::Result<Self> {
        let (mut file, mut hasher, mut block) = (File::open(path)?, self.hasher(), vec![0; BLOCK]);
        loop {
            match file.read(&mut block) {
                Ok(0) => return Ok(hasher.finish()),
                Ok(read) => hasher.update(&block[..read]),
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

/// A checksum in the making.
#[derive(Clone)]
pub enum Hasher {
    /// Adler-32.
    Adler32(Adler32),
    /// MD5.
    Md5(Md5),
    /// Nothing is computed.
    Unknown,
}

impl Hasher {
    /// Takes the next bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Adler32(hasher) => hasher.write(bytes),
            Self::Md5(hasher) => hasher.update(bytes),
            Self::Unknown => {}
        }
    }

    /// The checksum of all bytes.
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
    fn known_values_come_out() {
        let adler = Checksum::new(Some("11e60398"), None);
        assert_eq!(computed(adler, &[b"Wiki", b"", b"pedia"]), adler);
        let md5 = Checksum::new(None, Some("9e107d9d372bb6826bd81d3542a419d6"));
        assert_eq!(computed(md5, &[b"The quick brown fox ", b"jumps over the lazy dog"]), md5);
        assert_eq!(computed(Checksum::Adler32(0), &[]), Checksum::new(Some("00000001"), None));
    }

    #[test]
    fn case_and_leading_zeros_do_not_matter() {
        assert_eq!(Checksum::new(Some("0356986e"), None), Checksum::new(Some("356986E"), None));
        assert_eq!(Checksum::new(Some(" 000000356986e "), None), Checksum::Adler32(0x0356_986e));
        let padded = "00000000000000000000000000000001";
        assert_eq!(Checksum::new(None, Some("1")), Checksum::new(None, Some(padded)));
        assert_eq!(Checksum::new(None, Some(padded)).to_string(), padded);
        assert_eq!(Checksum::Adler32(1).to_string(), "00000001");
    }

    #[test]
    fn the_faster_one_is_taken_and_nonsense_does_not_count() {
        assert_eq!(Checksum::new(Some("1"), Some("2")), Checksum::Adler32(1));
        assert!(matches!(Checksum::new(Some("n/a"), Some("2")), Checksum::Md5(_)));
        for (adler32, md5) in [(None, None), (Some(""), Some("")), (Some("None"), None), (Some("123456789"), None)] {
            assert_eq!(Checksum::new(adler32, md5), Checksum::Unknown, "{adler32:?} {md5:?}");
        }
    }

    #[test]
    fn a_local_file_is_summed_in_one_pass() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let bytes: Vec<u8> = (0..BLOCK * 2 + 3).map(|i| (i % 251) as u8).collect();
        std::fs::write(file.path(), &bytes).unwrap();
        for kind in [Checksum::Adler32(0), Checksum::Md5([0; 16])] {
            assert_eq!(kind.of_file(file.path()).unwrap(), computed(kind, &[&bytes]));
        }
    }
}
