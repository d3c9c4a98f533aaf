//! `--lfn`: declares the replicas of files in one scope bad at one RSE.

use serde_json::json;

use super::{Args, CHUNK, SHAPE, each, lines_of, missing, refuse, the_file};
use crate::api::replicas::states;
use crate::cli::compat::CompatOptions;
use crate::cli::context::Context;
use crate::error::Result;

pub(super) async fn declare(context: &Context, args: &Args, compat: CompatOptions) -> Result<()> {
    let given = |option: &Option<String>| option.clone().filter(|text| !text.is_empty());
    let scope = given(&args.scope).ok_or_else(|| missing(context, "--scope"))?;
    let rse = given(&args.rse).ok_or_else(|| missing(context, "--rse"))?;
    let names = lines_of(the_file(&args.replicas, "of LFN list")?)?;
    let client = context.client()?;
    let mut list = context.ui.list(SHAPE);
    for chunk in names.chunks(CHUNK) {
        let replica = |name| json!({"scope": scope, "rse": rse, "name": name});
        let replicas: Vec<_> = chunk.iter().map(replica).collect();
        let refused = states::declare_bad(client, &replicas, &args.reason).await?;
        replicas.iter().try_for_each(|replica| list.record(replica))?;
        for (rse, what) in each(&refused) {
            print_message(context, &format!("{rse} : replica cannot be declared: {what}"), compat.print_refused)?;
            refuse(&mut list, rse, what)?;
        }
    }
    list.end()
}

fn print_message(context: &Context, text: &str, to_stdout: bool) -> Result<()> {
    if to_stdout {
        return context.ui.line(text);
    }
    tracing::warn!("{text}");
    Ok(())
}
