//! A range of bytes of a file.

use std::fmt;

/// Bytes of a file from `start` up to, but excluding, `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// Offset of the first byte.
    pub start: u64,
    /// Offset after the last byte.
    pub end: u64,
}

impl ByteRange {
    /// Creates a range; empty if `end` is not after `start`.
    pub fn new(start: u64, end: u64) -> Self {
        Self { start, end }
    }

    /// Returns the number of bytes.
    pub fn len(self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Whether the range has no bytes.
    pub fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// Whether both ranges have a byte in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// Splits the range into the bytes before this offset and the others, one of which may be empty.
    pub fn split_at(self, offset: u64) -> (Self, Self) {
        let offset = offset.clamp(self.start, self.end.max(self.start));
        (Self::new(self.start, offset), Self::new(offset, self.end))
    }
}

impl fmt::Display for ByteRange {
    /// Formats as in HTTP (RFC 9110, section 14.1.2): with the offset of the last byte.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start, self.end.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_range_splits_inside_only() {
        let range = ByteRange::new(10, 20);
        for (offset, first, second) in [(5, (10, 10), (10, 20)), (13, (10, 13), (13, 20)), (25, (10, 20), (20, 20))] {
            let expected = (ByteRange::new(first.0, first.1), ByteRange::new(second.0, second.1));
            assert_eq!(range.split_at(offset), expected, "at {offset}");
        }
    }

    #[test]
    fn byte_range_overlaps_only_with_common_bytes() {
        let range = ByteRange::new(10, 20);
        for (start, end, expected) in [(0, 10, false), (0, 11, true), (12, 13, true), (19, 30, true), (20, 30, false)] {
            assert_eq!(range.overlaps(ByteRange::new(start, end)), expected, "{start} to {end}");
        }
    }

    #[test]
    fn byte_range_is_written_as_in_http() {
        let range = ByteRange::new(4, 10);
        assert_eq!((range.to_string().as_str(), range.len(), range.is_empty()), ("4-9", 6, false));
        assert_eq!((ByteRange::new(4, 4).len(), ByteRange::new(4, 4).is_empty()), (0, true));
    }
}
