//! The received byte ranges of a file.

use crate::storage::ByteRange;
use crate::transfer::checksum::adler32_combine;

/// A received range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ReceivedRange {
    pub(super) range: ByteRange,
    /// Adler-32 of its bytes.
    pub(super) adler32: u32,
}

/// The received ranges, in order. Adjacent ranges are merged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RangeMap(Vec<ReceivedRange>);

impl RangeMap {
    /// Adds a range. Ranges that it overlaps are dropped as a whole.
    pub(super) fn add(&mut self, received: ReceivedRange) {
        if received.range.is_empty() {
            return;
        }
        self.0.retain(|known| !known.range.overlaps(received.range));
        let index = self.0.partition_point(|known| known.range.start < received.range.start);
        self.0.insert(index, received);
        self.join(index);
        if index > 0 {
            self.join(index - 1);
        }
    }

    /// Merges the range at this index with the next one, if they are adjacent.
    fn join(&mut self, index: usize) {
        let (Some(one), Some(two)) = (self.0.get(index), self.0.get(index + 1)) else { return };
        if one.range.end == two.range.start {
            let adler32 = adler32_combine(one.adler32, two.adler32, two.range.len());
            self.0[index] = ReceivedRange { range: ByteRange::new(one.range.start, two.range.end), adler32 };
            self.0.remove(index + 1);
        }
    }

    /// Returns the received ranges.
    pub(super) fn ranges(&self) -> &[ReceivedRange] {
        &self.0
    }

    /// Returns the number of bytes received.
    pub(super) fn bytes(&self) -> u64 {
        self.0.iter().map(|received| received.range.len()).sum()
    }

    /// Returns the missing ranges of a file of this size.
    pub(super) fn missing_ranges(&self, whole: u64) -> Vec<ByteRange> {
        let starts = std::iter::once(0).chain(self.0.iter().map(|received| received.range.end));
        let ends = self.0.iter().map(|received| received.range.start).chain([whole]);
        starts.zip(ends).map(|(start, end)| ByteRange::new(start, end)).filter(|range| !range.is_empty()).collect()
    }

    /// Returns the received range at the beginning of the file, which may be empty.
    pub(super) fn first_range(&self) -> ReceivedRange {
        let nothing = ReceivedRange { range: ByteRange::new(0, 0), adler32: 1 };
        self.0.first().filter(|received| received.range.start == 0).copied().unwrap_or(nothing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::checksum::Checksum;

    fn checksum_of_range(bytes: &[u8]) -> u32 {
        let mut hasher = Checksum::Adler32(0).hasher();
        hasher.update(bytes);
        match hasher.finish() {
            Checksum::Adler32(value) => value,
            _ => panic!("another kind"),
        }
    }

    fn received(bytes: &[u8], start: usize, end: usize) -> ReceivedRange {
        let range = ByteRange::new(start as u64, end as u64);
        ReceivedRange { range, adler32: checksum_of_range(&bytes[start..end]) }
    }

    #[test]
    fn adjacent_ranges_are_merged_and_the_rest_is_missing() {
        let bytes: Vec<u8> = (0..100).collect();
        let mut map = RangeMap::default();
        assert_eq!(
            (map.bytes(), map.missing_ranges(100), map.first_range().range.end),
            (0, vec![ByteRange::new(0, 100)], 0)
        );
        map.add(received(&bytes, 50, 60));
        map.add(received(&bytes, 0, 10));
        map.add(received(&bytes, 60, 60));
        let missing_ranges = [(10, 50), (60, 100)].map(|(start, end)| ByteRange::new(start, end));
        assert_eq!(
            (map.missing_ranges(100), map.bytes(), map.first_range()),
            (missing_ranges.to_vec(), 20, received(&bytes, 0, 10))
        );
        map.add(received(&bytes, 60, 100));
        map.add(received(&bytes, 10, 50));
        assert_eq!(map.ranges(), [received(&bytes, 0, 100)]);
        assert!(map.missing_ranges(100).is_empty());
    }

    #[test]
    fn overwritten_ranges_are_dropped() {
        let bytes: Vec<u8> = (0..100).collect();
        let mut map = RangeMap::default();
        map.add(received(&bytes, 0, 30));
        map.add(received(&bytes, 40, 50));
        map.add(received(&bytes, 20, 35));
        assert_eq!(map.ranges(), [received(&bytes, 20, 35), received(&bytes, 40, 50)]);
    }

    /// In any order, split at any offsets.
    #[test]
    fn ranges_in_any_order_have_the_checksum_of_the_whole() {
        let mut random = crate::testing::random();
        for _ in 0..200 {
            let bytes: Vec<u8> = (0..random.usize(1..=5000)).map(|_| random.u8(..)).collect();
            let mut cuts: Vec<_> =
                (0..random.usize(..40)).map(|_| random.usize(..bytes.len())).chain([0, bytes.len()]).collect();
            cuts.sort_unstable();
            let mut ranges: Vec<_> = cuts.windows(2).map(|cut| received(&bytes, cut[0], cut[1])).collect();
            let mut map = RangeMap::default();
            while !ranges.is_empty() {
                map.add(ranges.swap_remove(random.usize(..ranges.len())));
                let missing: u64 = map.missing_ranges(bytes.len() as u64).iter().map(|range| range.len()).sum();
                assert_eq!(map.bytes() + missing, bytes.len() as u64);
            }
            assert_eq!(map.ranges(), [received(&bytes, 0, bytes.len())]);
        }
    }
}
