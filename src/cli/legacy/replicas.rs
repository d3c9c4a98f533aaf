//! Legacy commands on replicas.

use clap::Args;

use crate::cli::commands::replica::{list, state};
use crate::cli::value_kind::ValueKind;

/// List suspicious replicas: those with failed transfers or downloads
///
/// Example: rucio list-suspicious-replicas --expression XRD1 --nattempts 3
#[derive(Debug, Args)]
pub(crate) struct Suspicious {
    /// List only replicas at RSEs matching this expression
    #[arg(long, value_name = "EXPRESSION", add = ValueKind::RseExpression)]
    expression: Option<String>,
    /// List only replicas reported since this time, as 2026-11-29T00:00:00 [default: ten days ago]
    #[arg(long, alias = "younger_than", value_name = "TIME")]
    younger_than: Option<String>,
    /// List only replicas reported more often than this
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
    /// RSE name
    #[arg(add = ValueKind::Rse)]
    rse: String,
    /// Also show the number of files and bytes of each dataset there
    #[arg(long)]
    long: bool,
}

impl AtRse {
    pub(super) fn translate(self) -> list::dataset::Args {
        list::dataset::Args { dids: Vec::new(), rse: Some(self.rse), long: self.long, deep: false, csv: false }
    }
}
