//! `rucio rse protocol ...`: access protocols of an RSE.
//!
//! Only the entries in the catalogue; the protocols themselves are implemented in `crate::storage`.

pub(crate) mod add;
pub(crate) mod remove;

use crate::cli::commands::group;

group! {
    Add(add::ArgsOfAnyRelease),
    Remove(remove::Args),
}
