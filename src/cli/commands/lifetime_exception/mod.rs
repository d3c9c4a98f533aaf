//! `rucio lifetime-exception ...`: commands for exceptions from the lifetime model. `sort` selects the datasets that
//! need one; the REST calls are in `crate::api::lifetime_exceptions`.

pub(crate) mod add;
mod sort;

use crate::cli::commands::group;

group! {
    Add(add::Args),
}
