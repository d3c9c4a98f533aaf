//! Keys of the rows of a list, so that a list that is read again returns only new rows.

use std::hash::{DefaultHasher, Hash, Hasher};

use md5::{Digest as _, Md5};

use crate::api::dids::TreeEntry;
use crate::api::rses::Rse;
use crate::http::Raw;
use crate::types::{CollectionContent, DatasetAtRse, DatasetReplica, Did, FileEntry, FoundDid};

/// A row of a list from the server.
pub(crate) trait Row {
    /// Returns a hash that is the same for the same row. An accidental collision (64 bits) is detected, because the
    /// rows are counted, too.
    fn key(&self) -> u64;
}

fn hash(parts: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

/// Implements [`Row`] for rows that are unique per DID.
macro_rules! one_per_did {
    ($($row:ty),*) => {
        $(impl Row for $row {
            fn key(&self) -> u64 {
                hash(&self.did)
            }
        })*
    };
}

one_per_did!(FileEntry, CollectionContent, FoundDid, DatasetAtRse);

impl Row for Did {
    fn key(&self) -> u64 {
        hash(self)
    }
}

impl Row for DatasetReplica {
    fn key(&self) -> u64 {
        hash((&self.did, &self.rse))
    }
}

impl Row for TreeEntry {
    fn key(&self) -> u64 {
        hash((&self.did, &self.parent))
    }
}

impl Row for Rse {
    fn key(&self) -> u64 {
        hash(&self.rse)
    }
}

impl<T: Row> Row for Raw<T> {
    fn key(&self) -> u64 {
        T::key(self)
    }
}

/// Compact representation of a DID, to remember millions: 128 bits make collisions practically impossible.
pub(crate) type Fingerprint = [u8; 16];

/// Returns the fingerprint of a DID.
pub(crate) fn fingerprint(did: &Did) -> Fingerprint {
    Md5::digest(did.to_string()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_key_differs_by_scope_name_and_rse() {
        let row = |scope: &str, name: &str, rse: &str| DatasetReplica {
            did: Did::new(scope, name),
            rse: rse.to_owned(),
            available_length: 1.into(),
            length: 1.into(),
        };
        let one = row("s", "n", "A").key();
        assert_eq!(one, row("s", "n", "A").key());
        for other in [row("s", "n", "B"), row("s", "m", "A"), row("sn", "", "A")] {
            assert_ne!(one, other.key(), "{other:?}");
        }
        assert_ne!(fingerprint(&Did::new("s", "a")), fingerprint(&Did::new("s", "b")));
    }
}
