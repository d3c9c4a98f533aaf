//! Events of an upload, for progress bars and logs.

use super::UploadOutcome;
use super::local::LocalFile;
use crate::types::Did;

/// Location at which the file already exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExistingAt {
    /// At the RSE.
    AtRse,
    /// At the RSE, under the given PFN.
    AtPfn,
    /// At the RSE and in the catalogue.
    Registered,
}

/// An event of one file.
#[derive(Debug)]
pub enum UploadEvent<'a> {
    /// The upload of the file started.
    Started,
    /// The account does not own the scope.
    ForeignScope {
        /// The account.
        account: &'a str,
    },
    /// The dataset was created.
    DatasetMade(&'a Did),
    /// The dataset already exists.
    DatasetKnown(&'a Did),
    /// The file is already registered.
    Known,
    /// The replica was registered at this RSE.
    Registered(&'a str),
    /// A rule for this RSE was added.
    RuleMade(&'a str),
    /// Number of bytes read so far for size and checksum. The first such event has 0.
    Measured(u64),
    /// The catalogue is asked and changed.
    Registering,
    /// The upload with a protocol started.
    Trying {
        /// Its scheme.
        scheme: &'a str,
        /// The RSE.
        rse: &'a str,
    },
    /// Number of bytes sent so far.
    Sent(u64),
    /// The written file is being verified.
    Verifying,
    /// The file was written and verified under this name: the temporary one, or the final one if it is not renamed.
    Written {
        /// PFN under which it was written.
        pfn: &'a str,
    },
    /// The storage reports no checksum: only the size was compared.
    Unverified,
    /// Replacing an existing file that is not in the catalogue.
    Overwriting,
    /// The file is complete at the storage and only has to be registered.
    Complete,
    /// Nothing to upload: the file already exists.
    AlreadyThere(ExistingAt),
    /// An attempt to upload failed.
    AttemptFailed {
        /// Reason.
        reason: &'a str,
    },
    /// Setting the replica to available failed.
    StateFailed {
        /// Whether the account may not do that.
        denied: bool,
    },
    /// The file was attached to its dataset.
    Attached(&'a Did),
    /// Attaching the file to its dataset failed.
    AttachFailed,
    /// The upload of the file failed.
    Failed {
        /// Reason.
        reason: &'a str,
    },
    /// The file is uploaded and registered.
    Done,
    /// The final outcome, which overrides earlier events; no event of this file follows.
    Ended(&'a UploadOutcome),
}

/// Receives the events. Called from the worker tasks, so it must return quickly.
pub trait UploadObserver: Send + Sync {
    /// Called for each event of a file.
    fn file(&self, file: &LocalFile, event: UploadEvent<'_>);
}
