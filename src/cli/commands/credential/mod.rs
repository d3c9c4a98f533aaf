//! `rucio credential ...`: commands for access to cloud storage with the server's credentials. `signed` parses signed
//! URLs; the user's own credentials belong in `crate::auth`.

mod sign_url;
mod signed;

use crate::cli::commands::group;

group! {
    SignUrl(sign_url::Args),
}
