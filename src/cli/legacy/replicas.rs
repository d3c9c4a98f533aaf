//! Old spellings of commands on replicas.

use clap::Args;

use crate::cli::commands::replica::{list, state};

/// List the suspicious replicas: those whose transfers or downloads failed
///
/// Example: rucio list-suspicious-replicas --expression XRD1 --nattempts 3
#[derive(Debug, Args)]
pub(crate) struct Suspicious {
    /// Only at the RSEs this expression means
    #[arg(long, value_name = "EXPRESSION")]
    expression: Option<String>,
    /// Only those reported since then, as 2026-11-29T00:00:00; otherwise the last ten days
    #[arg(long, alias = "younger_than", value_name = "TIME")]
    younger_than: Option<String>,
    /// Only those reported more than that often
    #[arg(long, value_name = "NUMBER")]
    nattempts: Option<String>,
}

impl Suspicious {
    pub(super) fn translate(self) -> state::list::Which {
        state::list::Which { rses: self.expression, younger_than: self.younger_than, n_attempts: self.nattempts }
    }
}

/// List the datasets that have files at an RSE
#[derive(Debug, Args)]
pub(crate) struct AtRse {
    /// The RSE
    rse: String,
    /// Also how many files and bytes of each dataset are there
    #[arg(long)]
    long: bool,
}

impl AtRse {
    pub(super) fn translate(self) -> list::dataset::Args {
        list::dataset::Args { dids: Vec::new(), rse: Some(self.rse), long: self.long, deep: false, csv: false }
    }
}
