//! The servers, by what is special about them.

mod chains;
mod endings;
mod extensions;
mod handshakes;
mod keys;
mod names;

use anyhow::Result;

use super::case::{Case, Draft, Lab};

/// All servers.
pub(super) fn all(lab: &Lab) -> Result<Vec<Case>> {
    let areas = [keys::drafts, chains::drafts, extensions::drafts, names::drafts, handshakes::drafts, endings::drafts];
    let drafts: Vec<Vec<Draft>> = areas.iter().map(|area| area(lab)).collect::<Result<_>>()?;
    drafts.into_iter().flatten().map(Draft::build).collect()
}
