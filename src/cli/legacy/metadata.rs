//! Old spellings of commands on metadata.

use clap::Args;

use crate::cli::commands::did::metadata::{set, unset};

/// Set one key of a DID's metadata
#[derive(Debug, Args)]
pub(crate) struct Set {
    /// The DID
    #[arg(long)]
    did: String,
    /// The key; lifetime stands for the seconds until the DID expires
    #[arg(long)]
    key: String,
    /// The value; a lifetime of None means for ever
    #[arg(long, allow_negative_numbers = true)]
    value: String,
}

impl Set {
    pub(super) fn translate(self) -> set::Args {
        set::Args { did: self.did, key: self.key, value: self.value }
    }
}

/// Take one key out of a DID's metadata
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// The DID
    #[arg(long)]
    did: String,
    /// The key
    #[arg(long)]
    key: String,
}

impl Delete {
    pub(super) fn translate(self) -> unset::Args {
        unset::Args { did: self.did, key: self.key }
    }
}
