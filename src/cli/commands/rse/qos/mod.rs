//! `rucio rse qos ...`: quality-of-service (QoS) policies of an RSE.
//!
//! The requests are in `api::rses::qos`.

pub(crate) mod add;
pub(crate) mod list;
pub(crate) mod remove;

use crate::cli::commands::group;

group! {
    Add(add::Args),
    List(list::Args),
    Remove(remove::Args),
}
