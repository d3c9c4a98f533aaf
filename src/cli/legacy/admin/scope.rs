//! `rucio-admin scope ...`

use crate::cli::commands::group;
use crate::cli::commands::scope::{add, list};

group! {
    #[command(mut_arg("scope_name", |scope| scope.long("scope").value_name("SCOPE")))]
    Add(add::Args),
    List(list::Args),
}
