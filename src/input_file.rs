//! Reads files that the user names, up to a size limit: a device such as /dev/zero has no end.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// Maximum size of a file that is read as a whole, in bytes: that of a response.
const LONGEST: u64 = 64 << 20;

/// Reads a file, or a pipe.
///
/// # Errors
/// `FileTooLarge` if it exceeds 64 MiB.
pub(crate) fn read(path: impl AsRef<Path>) -> Result<Vec<u8>> {
    read_all(File::open(path)?)
}

/// Reads a file, or a pipe, as text.
///
/// # Errors
/// `FileTooLarge` if it exceeds 64 MiB, `InvalidData` if it is not UTF-8.
pub(crate) fn read_to_string(path: impl AsRef<Path>) -> Result<String> {
    text_from(File::open(path)?)
}

/// Reads an open file, or standard input, as text.
///
/// # Errors
/// Those of [`read_to_string`].
pub(crate) fn text_from(input: impl Read) -> Result<String> {
    let text = String::from_utf8(read_all(input)?);
    text.map_err(|_| Error::new(ErrorKind::InvalidData, "stream did not contain valid UTF-8"))
}

fn read_all(input: impl Read) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    limited(input).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns a reader that fails beyond 64 MiB.
pub(crate) fn limited<R: Read>(input: R) -> Limited<R> {
    Limited { input, left: LONGEST }
}

/// A reader that fails beyond 64 MiB.
pub(crate) struct Limited<R> {
    input: R,
    left: u64,
}

impl<R> Limited<R> {
    /// Allows another 64 MiB.
    pub(crate) fn renew(&mut self) {
        self.left = LONGEST;
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let length = self.input.read(buffer)?;
        self.left = self
            .left
            .checked_sub(length as u64)
            .ok_or_else(|| Error::new(ErrorKind::FileTooLarge, format!("it has more than {} MiB", LONGEST >> 20)))?;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_is_read_up_to_the_limit() {
        assert_eq!(read_all(std::io::repeat(0).take(LONGEST)).unwrap().len() as u64, LONGEST);
        assert_eq!(read_all(std::io::repeat(0)).unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert_eq!(text_from(&b"\xc3\xa9"[..]).unwrap(), "é");
        assert_eq!(text_from(&b"\xe9"[..]).unwrap_err().kind(), ErrorKind::InvalidData);
    }
}
