//! Log lines about the protocol implementation, which the official client chooses for each file.

use super::options::Args;
use crate::cli::context::Context;
use crate::error::Result;
use crate::transfer::events::FileEvent;

/// What is logged about the implementation.
pub(super) enum ImplementationLog {
    Nothing,
    /// The one that was requested.
    Requested(String),
    /// Why none is preferred.
    NotPreferred(String),
}

impl ImplementationLog {
    /// Returns what the official client logs with these options; only the request itself at a terminal.
    pub(super) fn new(context: &Context, args: &Args) -> Result<Self> {
        if args.pfn.is_some() || args.metalink.is_some() || args.aria == Some(true) {
            return Ok(Self::Nothing);
        }
        if let Some(name) = args.r#impl.as_deref().filter(|name| !name.is_empty()) {
            let class = if name.contains('.') { "" } else { ".Default" };
            return Ok(Self::Requested(format!("rucio.rse.protocols.{name}{class}")));
        }
        let config = context.config()?;
        let is_quiet = args.protocol.is_some() || !context.ui.bars().is_hidden();
        if is_quiet || config.get("download", "preferred_impl").is_some() {
            return Ok(Self::Nothing);
        }
        let missing = if config.has_section("download") {
            "No option 'preferred_impl' in section: 'download'"
        } else {
            "No section: 'download'"
        };
        Ok(Self::NotPreferred(missing.to_owned()))
    }

    /// Logs what belongs to an event of a file.
    pub(super) fn log(&self, event: &FileEvent<'_>) {
        match (self, event) {
            (Self::Requested(name), FileEvent::Trying { .. }) => tracing::info!("Using Implementation (impl): {name} "),
            (Self::NotPreferred(why), FileEvent::Started) => {
                tracing::info!("No preferred protocol impl in rucio.cfg: {why}");
            }
            _ => {}
        }
    }
}
