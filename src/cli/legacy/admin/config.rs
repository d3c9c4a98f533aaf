//! `rucio-admin config ...`

use crate::cli::commands::config::{list, unset};
use crate::cli::commands::group;

/// Unlike that of the new tree, this command does not look at the previous value.
mod set {
    pub(crate) use crate::cli::commands::config::set::{Args, set as run};
}

group! {
    #[command(mut_arg("key", |key| key.long("option").value_name("OPTION")))]
    Get(list::Args),
    #[command(mut_arg("key", |key| key.long("option").value_name("OPTION")))]
    Set(set::Args),
    #[command(mut_arg("key", |key| key.long("option").value_name("OPTION")))]
    Delete(unset::Args),
}
