//! Keys of the rows of a list, so that a list that is read again returns only new rows.

use std::hash::{DefaultHasher, Hash, Hasher};

use md5::{Digest as _, Md5};

use crate::api::dids::TreeEntry;
use crate::api::rses::Rse;
use crate::http::Raw;
use crate::types::{
    AccountRow, CollectionContent, DatasetAtRse, DatasetLock, DatasetReplica, Did, FileEntry, FileMetadata, FoundDid,
    GlobalUsage, Identity, KnownFile, LocalUsage, Metadata, RseUsage, RuleEvent, RuleRow, Subscription,
};

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

one_per_did!(FileEntry, CollectionContent, FoundDid, DatasetAtRse, Metadata, FileMetadata, KnownFile);

/// Implements [`Row`] for rows that are unique by these fields.
macro_rules! one_per {
    ($($row:ty: $($field:ident)+;)*) => {
        $(impl Row for $row {
            fn key(&self) -> u64 {
                hash(($(&self.$field,)+))
            }
        })*
    };
}

one_per! {
    AccountRow: account;
    DatasetLock: rule_id rse;
    DatasetReplica: did rse;
    GlobalUsage: rse_expression;
    Identity: identity identity_type;
    LocalUsage: rse;
    Rse: rse;
    RuleEvent: rule_id created_at updated_at;
    RuleRow: id;
    TreeEntry: did parent;
}

impl Row for Did {
    fn key(&self) -> u64 {
        hash(self)
    }
}

impl Row for RseUsage {
    fn key(&self) -> u64 {
        hash(self.source())
    }
}

impl Row for Subscription {
    fn key(&self) -> u64 {
        hash((self.field("account"), self.field("name")))
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
