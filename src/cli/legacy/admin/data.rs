//! `rucio-admin data ...`

use crate::cli::commands::data::{export, import};
use crate::cli::commands::group;

group! {
    Export(export::Args),
    Import(import::Args),
}
