//! Bytes in pieces, as a network or a disk may hand them over.

use std::io::{self, BufRead, Read};

/// How bytes are cut, and the bytes.
pub(crate) struct Cuts<'a> {
    sizes: &'a [u8],
    /// The bytes.
    pub(crate) bytes: &'a [u8],
}

impl<'a> Cuts<'a> {
    /// The first byte says how many further ones are the sizes of pieces, in turn.
    pub(crate) fn of(data: &'a [u8]) -> Self {
        let (count, rest) = data.split_first().map_or((0, data), |(count, rest)| (usize::from(*count) % 8, rest));
        let (sizes, bytes) = rest.split_at(count.min(rest.len()));
        Self { sizes, bytes }
    }

    /// The pieces; none of them is empty.
    pub(crate) fn pieces(&self) -> Vec<&'a [u8]> {
        let (mut pieces, mut rest) = (Vec::new(), self.bytes);
        let mut sizes = self.sizes.iter().map(|size| usize::from(*size).max(1)).cycle();
        while !rest.is_empty() {
            let size = sizes.next().unwrap_or(usize::MAX).min(rest.len());
            let (piece, after) = rest.split_at(size);
            pieces.push(piece);
            rest = after;
        }
        pieces
    }
}

/// Reads pieces, of which no two ever come together.
pub(crate) struct Pieces<'a>(std::vec::IntoIter<&'a [u8]>, &'a [u8]);

impl<'a> Pieces<'a> {
    pub(crate) fn new(pieces: Vec<&'a [u8]>) -> Self {
        Self(pieces.into_iter(), &[])
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(out)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Pieces<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.1.is_empty() {
            self.1 = self.0.next().unwrap_or_default();
        }
        Ok(self.1)
    }

    fn consume(&mut self, amount: usize) {
        self.1 = &self.1[amount..];
    }
}
