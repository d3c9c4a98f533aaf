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
#[derive(Debug, clap::Args)]
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
}

/// A changed field, its new value, and the message that reports it.
pub(crate) struct Change {
    key: String,
    value: String,
    done: String,
}

impl Change {
    pub(crate) fn ban(account: &str) -> Self {
        Self::status("SUSPENDED", format!("Account {account} banned"))
    }

    pub(crate) fn unban(account: &str) -> Self {
        Self::status("ACTIVE", format!("Account {account} unbanned"))
    }

    fn status(value: &str, done: String) -> Self {
        Self { key: "status".to_owned(), value: value.to_owned(), done }
    }

    /// A new value of any field.
    pub(crate) fn field(account: &str, key: String, value: String) -> Self {
        let done = format!("{key} of account {account} changed to {value}");
        Self { key, value, done }
    }
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let Args { account_name, email, ban, unban } = args;
    let mut changes = Vec::new();
    if ban {
        changes.push(Change::ban(&account_name));
    }
    if unban {
        changes.push(Change::unban(&account_name));
    }
    if let Some(email) = email {
        changes.push(Change::field(&account_name, "email".to_owned(), email));
    }
    update(context, account_name, changes).await
}

/// Makes the changes to the account, in one request.
pub(crate) async fn update(context: &Context, account: String, changes: Vec<Change>) -> Result<()> {
    let mut fields = Attributes::new();
    let mut lines = Vec::new();
    for change in changes {
        fields.insert(change.key, change.value.into());
        lines.push(change.done);
    }
    api::accounts::update(context.client()?, &account, &fields).await?;
    fields.shift_insert(0, "account".to_owned(), account.into());
    context.ui.one(SHAPE, &fields, || lines.join("\n"))
}
