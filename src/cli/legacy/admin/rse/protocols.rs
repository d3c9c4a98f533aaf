//! `rucio-admin rse add-protocol`, which has additional options for SRM.

use clap::Args;

use crate::cli::commands::rse::protocol::add;
use crate::error::Result;

/// Add an access protocol to an RSE
#[derive(Debug, Args)]
pub(crate) struct Add {
    #[command(flatten)]
    protocol: add::Args,
    /// Space token, for srm
    #[arg(long)]
    space_token: Option<String>,
    /// Path of the web service; required for srm
    #[arg(long)]
    web_service_path: Option<String>,
}

impl Add {
    pub(super) fn translate(self) -> Result<add::Args> {
        if self.protocol.scheme == "srm" && self.web_service_path.as_ref().is_none_or(String::is_empty) {
            let missing = "--web-service-path is missing.";
            return Err(add::invalid(&format!(
                "Error: space-token and web-service-path must be provided for SRM endpoints. {missing}"
            )));
        }
        self.protocol.with_srm(self.space_token, self.web_service_path)
    }
}
