//! `rucio rse show`

use std::fmt::Write;

use serde_json::{Value, json};

use super::explained;
use crate::api::rses;
use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::cli::ui::values::{json_dumps, member_str, to_str};
use crate::cli::value_kind::ValueKind;
use crate::error::Result;
use crate::lists;
use crate::types::{Attributes, RseUsage};

const SHAPE: Shape = Shape::named(
    &["rse"],
    &["rse", "rse_type", "deterministic", "volatile", "availability_read", "availability_write", "availability_delete"],
);

/// Show an RSE: settings, attributes, protocols, usage and limits
///
/// Example: rucio rse show XRD1
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// RSE name
    #[arg(add = ValueKind::Rse)]
    pub rse_name: String,
}

/// The data shown for an RSE.
struct Rse {
    settings: Attributes,
    attributes: Attributes,
    usage: Vec<RseUsage>,
    limits: Attributes,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    let name = &args.rse_name;
    let rse = Rse {
        settings: rses::get(client, name).await.map_err(explained)?,
        attributes: rses::attributes(client, name).await?,
        usage: lists::rse_usage(client, name, false).await?.collect().await?,
        limits: rses::limits::get(client, name).await?,
    };
    context.ui.one(SHAPE, &rse.record(), || rse.text().trim_end_matches('\n').to_owned())
}

impl Rse {
    fn record(&self) -> Value {
        let mut record = self.settings.clone();
        record.insert("attributes".to_owned(), self.attributes.clone().into());
        record.insert("usage".to_owned(), json!(self.usage));
        record.insert("limits".to_owned(), self.limits.clone().into());
        record.into()
    }

    fn text(&self) -> String {
        let mut text = String::new();
        heading(&mut text, "Settings:");
        let settings = sorted(&self.settings).into_iter().filter(|(key, _)| *key != "protocols");
        fields(&mut text, 2, settings, to_str);
        heading(&mut text, "Attributes:");
        fields(&mut text, 2, sorted(&self.attributes), to_str);
        heading(&mut text, "Protocols:");
        self.protocols().into_iter().for_each(|protocol| protocol_text(&mut text, protocol));
        heading(&mut text, "Usage:");
        let mut usage: Vec<_> = self.usage.iter().collect();
        usage.sort_by_key(|usage| usage.source());
        for usage in usage {
            line(&mut text, 2, usage.source());
            fields(&mut text, 4, sorted(usage.fields()), member_str);
        }
        heading(&mut text, "RSE limits:");
        fields(&mut text, 2, &self.limits, |limit| format!("{} B", to_str(limit)));
        text
    }

    fn protocols(&self) -> Vec<&Attributes> {
        let protocols = self.settings.get("protocols").and_then(Value::as_array);
        let mut protocols: Vec<_> = protocols.into_iter().flatten().filter_map(Value::as_object).collect();
        protocols.sort_by_key(|protocol| scheme(protocol));
        protocols
    }
}

fn scheme(protocol: &Attributes) -> &str {
    protocol.get("scheme").and_then(Value::as_str).unwrap_or_default()
}

fn protocol_text(text: &mut String, protocol: &Attributes) {
    line(text, 2, scheme(protocol));
    for (key, value) in sorted(protocol) {
        let value = if key == "domains" { format!("'{}'", json_dumps(value)) } else { to_str(value) };
        line(text, 4, &format!("{key}: {value}"));
    }
}

fn heading(text: &mut String, title: &str) {
    line(text, 0, title);
    line(text, 0, &"=".repeat(title.len()));
}

fn fields<'a>(
    text: &mut String,
    indent: usize,
    fields: impl IntoIterator<Item = (&'a String, &'a Value)>,
    show: impl Fn(&Value) -> String,
) {
    fields.into_iter().for_each(|(key, value)| line(text, indent, &format!("{key}: {}", show(value))));
}

fn line(text: &mut String, indent: usize, content: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{:indent$}{content}", "");
}

fn sorted(fields: &Attributes) -> Vec<(&String, &Value)> {
    let mut fields: Vec<_> = fields.iter().collect();
    fields.sort_by_key(|(key, _)| *key);
    fields
}
