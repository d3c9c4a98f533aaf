//! A set of hashes that needs little more memory than the hashes: for lists of a million rows.

/// Number of partitions: with a million keys, each has about a thousand.
const PARTITIONS: usize = 1024;

/// Set of keys whose first bytes are evenly distributed, as those of a hash are.
///
/// A hash table of the standard library needs up to four times as much while it grows, because it doubles and copies
/// itself. Here each partition is a sorted list that grows by an eighth.
#[derive(Debug, Default)]
pub(crate) struct KeySet<const N: usize> {
    partitions: Vec<Vec<[u8; N]>>,
    len: usize,
}

impl<const N: usize> KeySet<N> {
    /// Adds a key. Returns whether it is new.
    pub(crate) fn insert(&mut self, key: [u8; N]) -> bool {
        self.partitions.resize_with(PARTITIONS, Vec::new);
        let Some(partition) = self.partitions.get_mut(index(&key)) else { return false };
        let Err(position) = partition.binary_search(&key) else { return false };
        if partition.len() == partition.capacity() {
            partition.reserve_exact(partition.len() / 8 + 4);
        }
        partition.insert(position, key);
        self.len += 1;
        true
    }

    /// Returns whether the set has this key.
    pub(crate) fn contains(&self, key: &[u8; N]) -> bool {
        self.partitions.get(index(key)).is_some_and(|partition| partition.binary_search(key).is_ok())
    }

    /// Returns the number of keys.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Returns whether the set is empty.
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }
}

fn index(key: &[u8]) -> usize {
    key.iter().take(2).fold(0, |number, byte| (number << 8) | usize::from(*byte)) % PARTITIONS
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use md5::{Digest as _, Md5};

    use super::*;

    fn key(number: u32) -> [u8; 16] {
        Md5::digest(number.to_be_bytes()).into()
    }

    #[test]
    fn key_set_has_what_was_inserted() {
        let (mut set, mut expected) = (KeySet::default(), HashSet::new());
        assert!(set.is_empty() && !set.contains(&key(0)));
        for number in (0..20_000).map(|number| number * 7 % 9_000) {
            assert_eq!(set.insert(key(number)), expected.insert(number), "{number}");
        }
        assert_eq!(set.len(), expected.len());
        assert!((0..10_000).all(|number| set.contains(&key(number)) == expected.contains(&number)));
    }

    #[test]
    fn key_set_of_a_million_needs_little_more_than_its_keys() {
        let mut set = KeySet::default();
        for number in 0..1_000_000 {
            set.insert(key(number));
        }
        let capacity: usize = set.partitions.iter().map(Vec::capacity).sum();
        assert!(capacity * 16 < 18_000_000, "{capacity} keys");
    }
}
