//! Keys of the rows that a list has returned, in 8 bytes each: lists have a million rows.

/// Keys of returned rows, as a multiset: a row may occur more than once in a list.
#[derive(Debug, Default)]
pub(super) struct ReturnedKeys {
    /// Those of earlier passes, sorted, followed by those of the current pass.
    keys: Vec<u64>,
    /// Number of keys of earlier passes.
    earlier: usize,
    /// A bit for each of those: whether its row has occurred in the current pass. Equal keys are marked in order.
    occurred: Vec<u64>,
}

impl ReturnedKeys {
    /// Returns the number of rows returned.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Starts the next pass, in which every row may occur again.
    pub(super) fn start_pass(&mut self) {
        self.keys.sort_unstable();
        self.earlier = self.keys.len();
        self.occurred.clear();
        self.occurred.resize(self.earlier.div_ceil(64), 0);
    }

    /// Adds the key of a row, unless earlier passes have returned the row. Returns whether it was added.
    pub(super) fn insert(&mut self, key: u64) -> bool {
        match self.first_unmarked(key) {
            Some(position) => {
                self.occurred[position / 64] |= 1 << (position % 64);
                false
            }
            None => {
                self.keys.push(key);
                true
            }
        }
    }

    /// Returns the position of the first key of earlier passes that is equal and not marked.
    fn first_unmarked(&self, key: u64) -> Option<usize> {
        let earlier = &self.keys[..self.earlier];
        let (mut low, mut high) = (earlier.partition_point(|known| *known < key), self.earlier);
        // Marked keys come first among the equal ones.
        while low < high {
            let middle = low + (high - low) / 2;
            match earlier[middle] == key && self.is_marked(middle) {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        (low < self.earlier && earlier[low] == key).then_some(low)
    }

    fn is_marked(&self, position: usize) -> bool {
        self.occurred[position / 64] & (1 << (position % 64)) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new_rows(keys: &mut ReturnedKeys, rows: &[u64]) -> Vec<u64> {
        rows.iter().copied().filter(|row| keys.insert(*row)).collect()
    }

    #[test]
    fn returned_keys_report_each_row_once_over_all_passes() {
        let mut keys = ReturnedKeys::default();
        assert_eq!(new_rows(&mut keys, &[5, 3, 9]), [5, 3, 9]);
        keys.start_pass();
        assert_eq!(new_rows(&mut keys, &[9, 4, 5, 3]), [4]);
        keys.start_pass();
        assert_eq!(new_rows(&mut keys, &[3, 4, 5, 9, 1, 10]), [1, 10]);
        assert_eq!(keys.len(), 6);
    }

    #[test]
    fn returned_keys_count_equal_rows() {
        let mut keys = ReturnedKeys::default();
        assert_eq!(new_rows(&mut keys, &[7, 7, 2, 7]), [7, 7, 2, 7]);
        keys.start_pass();
        assert!(new_rows(&mut keys, &[7, 7, 7, 2]).is_empty());
        keys.start_pass();
        assert_eq!(new_rows(&mut keys, &[2, 2, 7, 7, 7, 7, 7]), [2, 7, 7]);
    }

    #[test]
    fn returned_keys_find_many_equal_rows_quickly() {
        let mut keys = ReturnedKeys::default();
        let rows = vec![1; 300_000];
        assert_eq!(new_rows(&mut keys, &rows).len(), rows.len());
        keys.start_pass();
        assert!(new_rows(&mut keys, &rows).is_empty());
    }
}
