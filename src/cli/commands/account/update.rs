//! `rucio account update`

use clap::ArgGroup;

use super::SHAPE;
use crate::api;
use crate::cli::context::Context;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;
use crate::types::Attributes;

/// Change the email address of an account, ban it or unban it
///
/// Example: rucio account update --ban jdoe
#[derive(Debug, Default, clap::Args)]
#[command(group = ArgGroup::new("change").required(true).multiple(true))]
pub(crate) struct Args {
    /// Account to update
    #[arg(add = ValueKind::Account)]
    pub account_name: String,
    /// New email address
    #[arg(long, group = "change")]
    pub email: Option<String>,
    /// Ban the account: refuse logins
    #[arg(long, group = "change", overrides_with = "unban")]
    pub ban: bool,
    /// Unban the account: allow logins again
    #[arg(long, group = "change", overrides_with = "ban")]
    pub unban: bool,
    /// Another field and its new value, set by the legacy `rucio-admin` command
    #[arg(skip)]
    pub other: Option<(String, String)>,
}

/// A changed field, its new value, and the message that reports it.
struct Change {
    key: String,
    value: String,
    done: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let account = args.account_name.clone();
    let (mut fields, mut lines) = (Attributes::new(), Vec::new());
    for change in changes(args) {
        fields.insert(change.key, change.value.into());
        lines.push(change.done);
    }
    api::accounts::update(context.client()?, &account, &fields).await?;
    fields.shift_insert(0, "account".to_owned(), account.into());
    context.ui.one(SHAPE, &fields, || lines.join("\n"))
}

fn changes(args: Args) -> impl Iterator<Item = Change> {
    let Args { account_name, email, ban, unban, other } = args;
    let status = |value: &str, done: &str| Change {
        key: "status".to_owned(),
        value: value.to_owned(),
        done: format!("Account {account_name} {done}"),
    };
    let ban = ban.then(|| status("SUSPENDED", "banned"));
    let unban = unban.then(|| status("ACTIVE", "unbanned"));
    let field = email.map(|email| ("email".to_owned(), email)).or(other).map(|(key, value)| {
        let done = format!("{key} of account {account_name} changed to {value}");
        Change { key, value, done }
    });
    ban.into_iter().chain(unban).chain(field)
}
