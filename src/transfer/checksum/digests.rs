//! Computes both checksums of the catalogue (Adler-32 and MD5) in one read.

use std::io::{self, Read};

use md5::{Digest as _, Md5};
use simd_adler32::Adler32;

use super::{BLOCK, Checksum};

/// Size and checksums of a byte sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digests {
    /// Number of bytes.
    pub bytes: u64,
    /// Adler-32.
    pub adler32: Checksum,
    /// MD5.
    pub md5: Checksum,
}

impl Digests {
    /// Reads to the end and returns size and checksums. Errors: those of the reader.
    pub fn from_reader(mut reader: impl Read) -> io::Result<Self> {
        let (mut bytes, mut adler32, mut md5, mut block) = (0, Adler32::new(), Md5::new(), vec![0; BLOCK]);
        loop {
            match reader.read(&mut block) {
                Ok(0) => break,
                Ok(read) => {
                    bytes += read as u64;
                    adler32.write(&block[..read]);
                    md5.update(&block[..read]);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let (adler32, md5) = (Checksum::Adler32(adler32.finish()), Checksum::Md5(md5.finalize().into()));
        Ok(Self { bytes, adler32, md5 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_both_come_from_one_read() {
        let digests = Digests::from_reader(&b"The quick brown fox jumps over the lazy dog"[..]).unwrap();
        assert_eq!((digests.bytes, digests.adler32.to_string().as_str()), (43, "5bdc0fda"));
        assert_eq!(digests.md5.to_string(), "9e107d9d372bb6826bd81d3542a419d6");
        let nothing = Digests::from_reader(io::empty()).unwrap();
        assert_eq!((nothing.bytes, nothing.adler32), (0, Checksum::Adler32(1)));
        assert_eq!(nothing.md5.to_string(), "d41d8cd98f00b204e9800998ecf8427e");
    }
}
