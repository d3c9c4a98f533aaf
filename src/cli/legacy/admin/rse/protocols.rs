//! `rucio-admin rse add-protocol`, which has additional options for SRM.

use clap::Args;
use serde_json::{Value, json};

use crate::cli::commands::rse::protocol::add;
use crate::error::{Error, Result};
use crate::exceptions::Exception;

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
        let given = |option: Option<String>| option.filter(|text| !text.is_empty());
        let space_token = given(self.space_token);
        let path = given(self.web_service_path);
        if self.protocol.scheme == "srm" && path.is_none() {
            return Err(invalid("srm requires --web-service-path, and usually --space-token."));
        }
        let mut protocol = self.protocol;
        for (key, value) in [("space_token", space_token), ("web_service_path", path)] {
            if let Some(value) = value {
                let attributes = protocol.extended_attributes_json.get_or_insert_with(|| json!({}));
                let fields = attributes.as_object_mut();
                fields
                    .ok_or_else(|| invalid("--extended-attributes-json is not a JSON object."))?
                    .insert(key.to_owned(), Value::String(value));
            }
        }
        Ok(protocol)
    }
}

fn invalid(message: &str) -> Error {
    Error::new(Exception::InputValidationError, message)
}
