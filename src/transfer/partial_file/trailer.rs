//! Footer behind a partial file with missing byte ranges, so that a later process can resume it: a magic string, the
//! size of the file, the received ranges with their checksums, and a checksum (CRC-32) of all this. Any other content
//! means starting over.

use super::range_map::{RangeMap, ReceivedRange};
use crate::storage::ByteRange;

/// Magic string at the beginning of a footer.
const MARK: &[u8; 16] = b"rucio-part-map-1";
/// Maximum number of ranges read: a download has a few dozen. Limits the memory for a false footer.
const MAX_RANGES: usize = 4096;
/// Length of the header: magic string, file size, number of ranges.
const HEAD: usize = MARK.len() + 16;
/// Length of an entry: start, end and checksum of a range.
const ENTRY: usize = 20;
/// Maximum length of a footer in bytes.
pub(super) const LONGEST: usize = HEAD + MAX_RANGES * ENTRY + 4;

/// Encodes the footer of a file of this size.
pub(super) fn encode(map: &RangeMap, whole: u64) -> Vec<u8> {
    let mut bytes = MARK.to_vec();
    bytes.extend(whole.to_le_bytes());
    bytes.extend((map.ranges().len() as u64).to_le_bytes());
    for ReceivedRange { range, adler32 } in map.ranges() {
        bytes.extend(range.start.to_le_bytes());
        bytes.extend(range.end.to_le_bytes());
        bytes.extend(adler32.to_le_bytes());
    }
    let sum = checksum(&bytes);
    bytes.extend(sum.to_le_bytes());
    bytes
}

/// Decodes a footer; `None` if it is not a valid footer for a file of this size. Bytes after it are ignored: an earlier
/// footer may have been longer.
pub(super) fn decode(bytes: &[u8], whole: u64) -> Option<Vec<ReceivedRange>> {
    let (head, rest) = bytes.split_at_checked(HEAD)?;
    let (mark, numbers) = head.split_at_checked(MARK.len())?;
    let count = usize::try_from(number(numbers.get(8..)?)?).ok().filter(|count| *count <= MAX_RANGES)?;
    if mark != MARK || number(numbers)? != whole {
        return None;
    }
    let (entries, rest) = rest.split_at_checked(count * ENTRY)?;
    let sum = u32::from_le_bytes(rest.get(..4)?.try_into().ok()?);
    let ranges: Vec<_> = entries.chunks_exact(ENTRY).map(parse_entry).collect::<Option<_>>()?;
    let previous_ends = std::iter::once(0).chain(ranges.iter().map(|received| received.range.end));
    let in_order = previous_ends.zip(&ranges).all(|(end, next)| end <= next.range.start && !next.range.is_empty());
    let fits = ranges.last().is_none_or(|last| last.range.end <= whole);
    (in_order && fits && checksum(&bytes[..HEAD + entries.len()]) == sum).then_some(ranges)
}

fn parse_entry(entry: &[u8]) -> Option<ReceivedRange> {
    let range = ByteRange::new(number(entry)?, number(entry.get(8..)?)?);
    Some(ReceivedRange { range, adler32: u32::from_le_bytes(entry.get(16..)?.try_into().ok()?) })
}

fn number(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?))
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(bytes);
    sum.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(ranges: &[(u64, u64)]) -> RangeMap {
        let mut map = RangeMap::default();
        for (start, end) in ranges {
            map.add(ReceivedRange { range: ByteRange::new(*start, *end), adler32: 7 });
        }
        map
    }

    #[test]
    fn footer_is_read_whatever_follows() {
        for ranges in [&[][..], &[(0, 10)], &[(0, 10), (20, 30), (99, 100)]] {
            let map = map(ranges);
            let mut bytes = encode(&map, 100);
            assert_eq!(decode(&bytes, 100).as_deref(), Some(map.ranges()));
            bytes.extend(b"older");
            assert_eq!(decode(&bytes, 100).as_deref(), Some(map.ranges()));
            assert_eq!(decode(&bytes, 101), None);
        }
    }

    /// Flips each bit, and truncates to each length.
    #[test]
    fn footer_with_any_error_is_rejected() {
        let bytes = encode(&map(&[(0, 10), (20, 30)]), 100);
        for length in 0..bytes.len() {
            assert_eq!(decode(&bytes[..length], 100), None, "{length} bytes");
        }
        for bit in 0..bytes.len() * 8 {
            let mut false_bytes = bytes.clone();
            false_bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&false_bytes, 100), None, "bit {bit}");
        }
        for ranges in [&[(5, 5)][..], &[(5, 4)], &[(0, 101)], &[(10, 20), (19, 30)], &[(10, 20), (0, 5)]] {
            let mut bytes = MARK.to_vec();
            bytes.extend(100_u64.to_le_bytes());
            bytes.extend((ranges.len() as u64).to_le_bytes());
            for (start, end) in ranges {
                bytes.extend([u64::to_le_bytes(*start), u64::to_le_bytes(*end)].concat());
                bytes.extend(7_u32.to_le_bytes());
            }
            bytes.extend(checksum(&bytes).to_le_bytes());
            assert_eq!(decode(&bytes, 100), None, "{ranges:?}");
        }
    }
}
