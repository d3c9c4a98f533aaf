//! `rucio auth ...`: commands that ask the server about tokens. `login`, `logout`, `session` and `token` are separate
//! commands; how tokens are obtained and saved belongs in `crate::auth`.

mod validate;

use crate::cli::commands::group;

group! {
    Validate(validate::Args),
}
