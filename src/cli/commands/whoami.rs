//! `rucio whoami`

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::api;
use crate::cli::commands::account::{DESCRIPTION, show};
use crate::cli::context::Context;
use crate::error::Result;
use crate::http::{Client, Raw};
use crate::lists;
use crate::types::{Attributes, Identity};

/// Show the account you are logged in as
///
/// Example: rucio whoami --linked-identities
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Also show the identities linked to this account, and the other accounts you may log in as
    #[arg(long)]
    linked_identities: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    let mut whoami = api::accounts::whoami(client).await?;
    if !args.linked_identities {
        return context.ui.one(DESCRIPTION, &whoami, || show::text(&whoami));
    }
    let account = whoami.get("account").and_then(Value::as_str).unwrap_or_default().to_owned();
    let links = Links::ask(client, &account).await?;
    let account = show::text(&whoami);
    whoami.extend(links.record());
    context.ui.one(DESCRIPTION, &whoami, || format!("{account}\n{}", links.text()))
}

/// Identities linked to an account, and other accounts linked to the current identity.
struct Links {
    /// `None` if the server does not store the identity of the token; then `accounts` is empty.
    identity: Option<String>,
    identities: Vec<Raw<Identity>>,
    accounts: BTreeSet<String>,
}

impl Links {
    /// Requests the identities of this account, and the other accounts of the current identity.
    async fn ask(client: &Client, account: &str) -> Result<Self> {
        let said = api::auth::validate(client.transport(), &client.token().await?).await?;
        let identity_type = match client.settings().auth.name() {
            "x509_proxy" => "X509".to_owned(),
            way => way.to_uppercase(),
        };
        let mut accounts = match &said.identity {
            Some(identity) => BTreeSet::from_iter(api::identities::accounts(client, identity, &identity_type).await?),
            None => BTreeSet::new(),
        };
        accounts.remove(account);
        let mut stream = lists::identities(client, account).await?.raw();
        let mut identities = Vec::new();
        while let Some(identity) = stream.next().await? {
            identities.push(identity);
        }
        Ok(Self { identity: said.identity.clone(), identities, accounts })
    }

    fn record(&self) -> Attributes {
        let fields = [
            ("identity", json!(self.identity)),
            ("linked_identities", json!(self.identities)),
            ("linked_accounts", json!(self.accounts)),
        ];
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn text(&self) -> String {
        let own = self.identity.iter().map(|identity| format!("{:<10} : {identity}", "identity"));
        let linked = self
            .identities
            .iter()
            .map(|found| format!("{:<10} : {} ({})", "linked", found.identity, found.identity_type));
        let others = self.accounts.iter().map(|account| format!("{:<10} : {account}", "may act as"));
        own.chain(linked).chain(others).collect::<Vec<_>>().join("\n")
    }
}
