//! What happens during an upload, for whoever draws bars or writes a log.

use super::Outcome;
use super::local::Local;
use crate::types::Did;

/// Where a file was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum There {
    /// At the RSE.
    AtRse,
    /// At the RSE, under the PFN that was asked for.
    AtPfn,
    /// At the RSE and in the catalogue.
    Registered,
}

/// What happens to one file.
#[derive(Debug)]
pub enum UploadEvent<'a> {
    /// Its turn has come.
    Started,
    /// The account does not own the scope.
    ForeignScope,
    /// The dataset has been made.
    DatasetMade(&'a Did),
    /// The dataset was there.
    DatasetKnown(&'a Did),
    /// The catalogue knows the file.
    Known,
    /// The catalogue has a new replica.
    Registered,
    /// The catalogue has a new rule.
    RuleMade,
    /// A protocol's turn has come.
    Trying {
        /// Its scheme.
        scheme: &'a str,
        /// The RSE.
        rse: &'a str,
    },
    /// So many bytes have been handed over by now.
    Sent(u64),
    /// It has been written and verified, but does not have its name yet.
    Written {
        /// The name it has.
        pfn: &'a str,
    },
    /// The storage tells no checksum: only the size was compared.
    Unverified,
    /// A file that nobody knows lies in its place.
    Overwriting,
    /// It lies there complete; only the catalogue has to be told.
    Complete,
    /// It is there already.
    AlreadyThere(There),
    /// A protocol failed.
    AttemptFailed {
        /// Why.
        reason: &'a str,
    },
    /// The replica could not be declared available.
    StateFailed,
    /// The file is in its dataset now.
    Attached(&'a Did),
    /// The file could not be attached to its dataset.
    AttachFailed,
    /// It failed.
    Failed {
        /// Why.
        reason: &'a str,
    },
    /// It is at the storage and in the catalogue.
    Done,
    /// This is how it ended, whatever was told before; nothing more happens to it.
    Ended(&'a Outcome),
}

/// Whoever wants to know what happens. It is called from the tasks that work, so it must be quick.
pub trait Observer: Send + Sync {
    /// Something happened to a file.
    fn file(&self, file: &Local, event: UploadEvent<'_>);
}
