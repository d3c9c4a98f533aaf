//! `rucio account identity ...`: commands for the identities that can log in as an account.
//! A leaf per file; endpoints are in `api::identities` and `api::accounts`. Logging in with an identity belongs to `auth`.

pub(crate) mod add;
pub(crate) mod list;
pub(crate) mod remove;

use crate::cli::commands::group;

/// Authentication types, by the server's names.
const TYPES: [&str; 5] = ["X509", "GSS", "USERPASS", "SSH", "OIDC"];

group! {
    Add(add::Args),
    List(list::Args),
    Remove(remove::Args),
}
