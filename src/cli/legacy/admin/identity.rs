//! `rucio-admin identity ...`

use crate::cli::commands::account::identity::{add, remove};
use crate::cli::commands::group;

group! {
    #[command(mut_arg("account_name", |account| account.long("account").value_name("ACCOUNT")))]
    Add(add::Args),
    #[command(mut_arg("account_name", |account| account.long("account").value_name("ACCOUNT")))]
    Delete(remove::Args),
}
