//! `rucio-admin config ...`

use crate::cli::commands::config::{list, set, unset};
use crate::cli::commands::group;

group! {
    #[command(mut_arg("key", |key| key.long("option").value_name("OPTION")))]
    Get(list::Args),
    #[command(mut_arg("key", |key| key.long("option").value_name("OPTION")))]
    Set(set::Args),
    #[command(mut_arg("key", |key| key.long("option").value_name("OPTION")))]
    Delete(unset::Args),
}
