//! Legacy commands on collections.

use clap::Args;

use crate::cli::commands::did::{add, content, list, update};
use crate::cli::duration;
use crate::cli::value_kind::ValueKind;
use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// Arguments of `add-dataset` and `add-container`.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// DID to create (scope:name)
    #[arg(add = ValueKind::Did)]
    did: String,
    /// Make the collection monotonic (content can only be added)
    #[arg(long)]
    monotonic: bool,
    /// Lifetime: seconds, or 2h, 14d
    #[arg(long, value_name = "DURATION", allow_negative_numbers = true, value_parser = duration::whole_seconds)]
    lifetime: Option<i64>,
}

impl Add {
    pub(super) fn into_args(self, kind: add::CollectionKind) -> add::Args {
        let Self { did, monotonic, lifetime } = self;
        add::Args { did_name: did, kind: Some(kind), monotonic, lifetime }
    }
}

/// Attach DIDs to a dataset or a container
#[derive(Debug, Args)]
pub(crate) struct Attach {
    /// Collection to attach to
    #[arg(add = ValueKind::Did)]
    todid: String,
    /// DIDs to attach
    #[arg(required = true, add = ValueKind::Did)]
    dids: Vec<String>,
    /// Read the DIDs from the file DIDS, one per line
    #[arg(short, long)]
    from_file: bool,
}

impl Attach {
    pub(super) fn translate(self) -> content::add::Args {
        content::add::Args { to_did: self.todid, from_file: self.from_file, dids: self.dids }
    }
}

/// Detach DIDs from a dataset or a container
#[derive(Debug, Args)]
pub(crate) struct Detach {
    /// Collection to detach from
    #[arg(add = ValueKind::Did)]
    fromdid: String,
    /// DIDs to detach
    #[arg(required = true, add = ValueKind::Did)]
    dids: Vec<String>,
}

impl Detach {
    pub(super) fn translate(self) -> content::remove::Args {
        content::remove::Args { from_did: self.fromdid, dids: self.dids }
    }
}

/// Arguments of `close` and `reopen`.
#[derive(Debug, Args)]
pub(crate) struct Dids {
    /// DIDs (scope:name)
    #[arg(required = true, add = ValueKind::Did)]
    dids: Vec<String>,
}

impl Dids {
    pub(super) fn closed(self) -> update::Args {
        update::Args { dids: self.dids, rse: None, touch: false, open: false, close: true }
    }

    pub(super) fn reopened(self) -> update::Args {
        update::Args { dids: self.dids, rse: None, touch: false, open: true, close: false }
    }
}

/// Update the last-access time of files or datasets
#[derive(Debug, Args)]
pub(crate) struct Touch {
    /// DIDs (scope:name)
    #[arg(required = true, add = ValueKind::Did)]
    dids: Vec<String>,
    /// Update only the replica at this RSE
    #[arg(long, add = ValueKind::Rse)]
    rse: Option<String>,
}

impl Touch {
    pub(super) fn translate(self) -> update::Args {
        update::Args { dids: self.dids, rse: self.rse, touch: true, open: false, close: false }
    }
}

/// List the datasets and containers that contain a DID
#[derive(Debug, Args)]
pub(crate) struct Parents {
    /// DID (scope:name)
    #[arg(add = ValueKind::Did)]
    did: Option<String>,
}

impl Parents {
    pub(super) fn translate(self) -> Result<list::Args> {
        let Some(did) = self.did.filter(|did| !did.is_empty()) else {
            return Err(Error::new(
                Exception::InputValidationError,
                "A DID must be provided. Use -h to list the options.",
            ));
        };
        Ok(list::Args { did_pattern: Some(did), recursive: false, filter: None, short: false, parent: true })
    }
}

/// Removed; use `list-dids`
#[derive(Debug, Args)]
pub(crate) struct Extended {}

impl Extended {
    pub(super) fn refusal() -> Error {
        let error = Error::new(
            Exception::UnsupportedOperation,
            "This command has been deprecated. Please use list_dids instead.",
        );
        error.with_hint("Use rucio list-dids, which has the same options and searches all metadata.")
    }
}
