//! `rucio rse protocol add`

use serde_json::{Value, json};

use crate::api::rses::protocols;
use crate::cli::commands::rse::{ACTION, explained};
use crate::cli::context::Context;
use crate::cli::value_kind::ValueKind;
use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// Add an access protocol to an RSE
///
/// Example: rucio rse protocol add XRD1 --scheme root --hostname xrd1.example.org --port 1094 --prefix //rucio/
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// RSE name
    #[arg(add = ValueKind::Rse)]
    pub rse_name: String,
    /// Host that serves the files
    #[arg(long, aliases = ["host-name", "host"])]
    pub hostname: String,
    /// URL scheme: https, davs, root, ...
    #[arg(long)]
    pub scheme: String,
    /// Path prefix of the files
    #[arg(long)]
    pub prefix: String,
    /// Port number
    #[arg(long, allow_negative_numbers = true)]
    pub port: Option<i64>,
    /// Python class that implements the protocol
    #[arg(long, default_value = "rucio.rse.protocols.gfal.Default")]
    pub r#impl: String,
    /// Priorities of operations per network domain, as JSON: '{"wan": {"read": 1, "write": 1, "delete": 1}}'
    #[arg(long, value_name = "JSON", value_parser = json)]
    pub domain_json: Option<Value>,
    /// Additional protocol attributes, as JSON
    #[arg(long, value_name = "JSON", value_parser = json)]
    pub extended_attributes_json: Option<Value>,
}

/// Add an access protocol to an RSE
///
/// Example: rucio rse protocol add XRD1 --scheme root --hostname xrd1.example.org --port 1094 --prefix //rucio/
#[derive(Debug, clap::Args)]
pub(crate) struct ArgsOfAnyRelease {
    #[command(flatten)]
    pub args: Args,
    /// Space token, for srm: before Rucio 41
    #[arg(long, hide = true)]
    pub space_token: Option<String>,
    /// Path of the web service, for srm: before Rucio 41
    #[arg(long, hide = true)]
    pub web_service_path: Option<String>,
}

pub(crate) async fn run(context: &Context, all: ArgsOfAnyRelease) -> Result<()> {
    add(context, all.args.with_srm(all.space_token, all.web_service_path)?).await
}

/// Adds the protocol.
pub(crate) async fn add(context: &Context, args: Args) -> Result<()> {
    let protocol = args.protocol();
    protocols::add(context.client()?, &args.rse_name, &args.scheme, protocol.clone()).await.map_err(explained)?;
    let mut record = json!({"rse": args.rse_name});
    if let (Some(record), Value::Object(protocol)) = (record.as_object_mut(), protocol) {
        record.extend(protocol);
    }
    context.ui.record(ACTION, &record)
}

impl Args {
    /// Adds the options for SRM, which are extended attributes since Rucio 41.
    pub(crate) fn with_srm(mut self, space_token: Option<String>, web_service_path: Option<String>) -> Result<Self> {
        let given = |option: Option<String>| option.filter(|text| !text.is_empty());
        for (key, value) in [("space_token", given(space_token)), ("web_service_path", given(web_service_path))] {
            if let Some(value) = value {
                let attributes = self.extended_attributes_json.get_or_insert_with(|| json!({}));
                let fields = attributes.as_object_mut();
                fields
                    .ok_or_else(|| invalid("--extended-attributes-json is not a JSON object."))?
                    .insert(key.to_owned(), Value::String(value));
            }
        }
        Ok(self)
    }

    /// Returns the protocol in the server's format, without empty JSON values.
    fn protocol(&self) -> Value {
        let mut protocol = json!({
            "hostname": self.hostname,
            "scheme": self.scheme,
            "port": self.port,
            "impl": self.r#impl,
            "prefix": self.prefix,
        });
        let more = [("domains", &self.domain_json), ("extended_attributes", &self.extended_attributes_json)];
        for (key, value) in more {
            if let Some(value) = value.as_ref().filter(|value| !is_empty(value)) {
                protocol[key] = value.clone();
            }
        }
        protocol
    }
}

/// Creates the error for options that do not fit together.
pub(crate) fn invalid(message: &str) -> Error {
    Error::new(Exception::InputValidationError, message)
}

/// Returns whether Python treats the value as false.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(truth) => !truth,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

/// Parses JSON from the command line.
pub(crate) fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("not valid JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocol_values_that_are_empty_are_those_false_in_python() {
        for text in ["null", "false", "0", "0.0", "\"\"", "[]", "{}"] {
            assert!(is_empty(&json(text).unwrap()), "{text}");
        }
        assert!(!is_empty(&json("[0]").unwrap()));
    }
}
