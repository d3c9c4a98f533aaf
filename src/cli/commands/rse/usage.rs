//! `rucio list-rse-usage`

use serde_json::Value;

use super::explained;
use crate::cli::context::Context;
use crate::cli::leaf::PrintsList;
use crate::cli::ui::Shape;
use crate::cli::ui::values::{Num, member_str};
use crate::cli::value_kind::ValueKind;
use crate::error::Result;
use crate::lists;
use crate::types::RseUsage;

const SHAPE: Shape = Shape::named(&["source"], &["rse", "source", "used", "files", "free", "total", "updated_at"]);
/// Sources of usage numbers that only repeat those of `storage`.
const DOORS: [&str; 3] = ["srm", "gsiftp", "webdav"];

/// Show the storage usage of an RSE
///
/// Example: rucio list-rse-usage --show-accounts XRD1
#[derive(Debug, clap::Args)]
#[command(add = PrintsList)]
pub(crate) struct Args {
    /// RSE name
    #[arg(add = ValueKind::Rse)]
    pub rse: String,
    /// Accepted, without effect
    #[arg(long, hide = true)]
    pub history: Option<String>,
    /// Also show the usage of each account
    #[arg(long)]
    pub show_accounts: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let usages = lists::rse_usage(context.client()?, &args.rse, args.show_accounts).await;
    let mut usages = usages.map_err(explained)?.raw();
    let mut list = context.ui.list(SHAPE);
    while let Some(usage) = usages.next().await? {
        if !DOORS.contains(&usage.source()) {
            list.record(&usage)?;
            show(context, &usage)?;
        }
    }
    list.end()?;
    context.ui.line("------")
}

fn show(context: &Context, usage: &RseUsage) -> Result<()> {
    for (key, value) in usage.fields() {
        match key.as_str() {
            "free" | "total" if usage.source() != "storage" => {}
            "files" if usage.source() != "rucio" => {}
            "used" | "free" | "total" => {
                context.ui.line(&format!("  {key}: {}", context.size(Num::from_json(value))))?;
            }
            "account_usages" => accounts(context, value.as_array().map_or(&[], Vec::as_slice))?,
            _ => context.ui.line(&format!("  {key}: {}", member_str(value)))?,
        }
    }
    Ok(())
}

fn accounts(context: &Context, accounts: &[Value]) -> Result<()> {
    if accounts.is_empty() {
        return Ok(());
    }
    context.ui.line("  per account:\n  ------")?;
    let values = accounts.iter().filter_map(Value::as_object).flat_map(|account| account.values());
    let width = 16 + values.map(|value| member_str(value).chars().count()).max().unwrap_or(0);
    for account in accounts {
        let name = format!("account: {}", member_str(&account["account"]));
        let used = format!("used: {}", context.size(Num::from_json(&account["used"])));
        let share = format!("percentage: {}", member_str(&account["percentage"]));
        context.ui.line(&format!("    {name:<width$}{used:<width$}{share:<width$}\n  ------"))?;
    }
    Ok(())
}
