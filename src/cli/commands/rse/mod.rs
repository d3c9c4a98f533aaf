//! `rucio rse ...`: RSEs and their settings.
//!
//! One file or folder per subcommand, with its arguments and output; the requests are in `api::rses`.

pub(crate) mod add;
pub(crate) mod attribute;
pub(crate) mod distance;
pub(crate) mod limit;
pub(crate) mod list;
pub(crate) mod protocol;
pub(crate) mod qos;
pub(crate) mod remove;
pub(crate) mod show;
pub(crate) mod update;
pub(crate) mod usage;

use crate::cli::commands::group;
use crate::cli::ui::Shape;
use crate::error::Error;
use crate::exceptions::Exception;

/// Result of an action on an RSE: named by the RSE, with all fields.
const ACTION: Shape = Shape::named(&["rse"], &[]);

group! {
    Add(add::Args),
    /// List, set and unset RSE attributes, which RSE expressions match
    #[command(subcommand)]
    Attribute(attribute::Command),
    /// Set, show and unset distances between RSEs, which rank the sources of transfers
    #[command(subcommand)]
    Distance(distance::Command),
    /// Set and unset limits of an RSE: its maximum usage and minimum free space
    #[command(subcommand)]
    Limit(limit::Command),
    List(list::Args),
    /// Add and remove protocols for access to the files of an RSE
    #[command(subcommand)]
    Protocol(protocol::Command),
    /// Add, list and remove QoS policies of an RSE
    #[command(subcommand)]
    Qos(qos::Command),
    Remove(remove::Args),
    Show(show::Args),
    Update(update::Args),
}

/// Adds a hint if the RSE does not exist or its name is invalid, for example in lower case.
fn explained(error: Error) -> Error {
    match error.class() {
        Some(Exception::RSENotFound) => error.with_hint("List the RSEs: `rucio rse list`."),
        Some(Exception::InvalidObject) => {
            error.with_hint("RSE names consist of capital letters, digits, - and _, for example CERN-PROD_DATADISK.")
        }
        _ => error,
    }
}
