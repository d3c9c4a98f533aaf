//! Legacy commands on metadata.

use clap::Args;

use crate::cli::commands::did::metadata::{set, unset};
use crate::cli::value_kind::ValueKind;

/// Set one metadata key of a DID
#[derive(Debug, Args)]
pub(crate) struct Set {
    /// DID (scope:name)
    #[arg(long, add = ValueKind::Did)]
    did: String,
    /// Metadata key; lifetime is the time until the DID expires: seconds, or 14d
    #[arg(long, add = ValueKind::MetadataKey)]
    key: String,
    /// Value; a lifetime of None is unlimited
    #[arg(long, allow_negative_numbers = true)]
    value: String,
}

impl Set {
    pub(super) fn translate(self) -> set::Args {
        set::Args { did: self.did, key: self.key, value: self.value }
    }
}

/// Delete one metadata key of a DID
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// DID (scope:name)
    #[arg(long, add = ValueKind::Did)]
    did: String,
    /// Metadata key
    #[arg(long, add = ValueKind::MetadataKey)]
    key: String,
}

impl Delete {
    pub(super) fn translate(self) -> unset::Args {
        unset::Args { did: self.did, key: self.key }
    }
}
