//! Old spellings of commands on collections.

use clap::Args;

use crate::cli::commands::did::{add, content, update};

/// `add-dataset` and `add-container`.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The new DID
    did: String,
    /// Never allow anything to be taken out of it again
    #[arg(long)]
    monotonic: bool,
    /// Seconds until it expires
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    lifetime: Option<i64>,
}

impl Add {
    pub(super) fn of(self, kind: add::Kind) -> add::Args {
        let Self { did, monotonic, lifetime } = self;
        add::Args { did_name: did, kind: Some(kind), monotonic, lifetime }
    }
}

/// Attach DIDs to a dataset or a container
#[derive(Debug, Args)]
pub(crate) struct Attach {
    /// The collection to attach to
    todid: String,
    /// What to attach
    #[arg(required = true)]
    dids: Vec<String>,
    /// DIDS is one file with a DID on each line
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
    /// The collection to detach from
    fromdid: String,
    /// What to detach
    #[arg(required = true)]
    dids: Vec<String>,
}

impl Detach {
    pub(super) fn translate(self) -> content::remove::Args {
        content::remove::Args { from_did: self.fromdid, dids: self.dids }
    }
}

/// `close` and `reopen`.
#[derive(Debug, Args)]
pub(crate) struct Dids {
    /// The DIDs
    #[arg(required = true)]
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
