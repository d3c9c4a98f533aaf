//! `rucio replica remove`

use crate::api;
use crate::cli::context::Context;
use crate::cli::tree::Tree;
use crate::cli::ui::Shape;
use crate::cli::ui::values::str_repr;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;
use crate::types::Replica;

const SHAPE: Shape = Shape::did(&["scope", "name", "rse"]);

/// Delete replicas once no rule protects them
///
/// Sets a tombstone; the reaper daemon deletes the replicas.
///
/// Example: rucio replica remove --rse XRD1 user.jdoe:file1 user.jdoe:file2
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// File DIDs (scope:name)
    #[arg(add = ValueKind::Did)]
    pub dids: Vec<String>,
    /// RSE of the replicas to delete
    #[arg(long, alias = "rse-name", add = ValueKind::Rse)]
    pub rse: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let dids = context.dids(&args.dids)?;
    let replicas: Vec<_> = dids.into_iter().map(|did| Replica { did, rse: args.rse.clone() }).collect();
    api::replicas::set_tombstones(context.client()?, &replicas).await?;
    let is_tuple = context.tree == Tree::Commands && context.is_for_scripts();
    let names = if is_tuple { python_tuple(&args.dids) } else { args.dids.join(",") };
    tracing::info!("Set tombstone successfully on: {names}");
    let mut list = context.ui.list(SHAPE);
    replicas.iter().try_for_each(|replica| list.record(replica))?;
    list.end()
}

/// Writes texts as Python prints a tuple of them.
fn python_tuple(texts: &[String]) -> String {
    let parts: Vec<_> = texts.iter().map(|text| str_repr(text)).collect();
    match parts.as_slice() {
        [one] => format!("({one},)"),
        parts => format!("({})", parts.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tombstone_names_are_logged_as_a_python_tuple() {
        for (texts, expected) in [(&[][..], "()"), (&["s:f"], "('s:f',)"), (&["s:f", "s:'"], "('s:f', \"s:'\")")] {
            assert_eq!(python_tuple(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()), expected);
        }
    }
}
