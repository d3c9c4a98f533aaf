//! `rucio account list`

use std::collections::BTreeMap;

use super::TYPES;
use crate::cli::context::Context;
use crate::cli::leaf::PrintsList;
use crate::cli::ui::Shape;
use crate::error::{Error, Result};
use crate::lists;

const SHAPE: Shape = Shape::named(&["account"], &["account", "type", "email"]);

/// List active accounts
///
/// Example: rucio account list --type USER --filter country=ch
#[derive(Debug, clap::Args)]
#[command(add = PrintsList)]
pub(crate) struct Args {
    /// List only accounts of this type
    #[arg(long = "type", value_parser = TYPES)]
    pub account_type: Option<String>,
    /// List only accounts that this identity can log in as
    #[arg(long, value_name = "IDENTITY")]
    pub id: Option<String>,
    /// List only accounts with these attributes: key=value, separated by commas
    #[arg(long, value_name = "CONDITIONS")]
    pub filter: Option<String>,
    /// Print all names in one line, separated by commas
    #[arg(long)]
    pub csv: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let csv = args.csv;
    let filters = filters(args)?;
    let mut accounts = lists::accounts(context.client()?, filters).await?.raw();
    let mut list = context.ui.list(SHAPE);
    let mut names = Vec::new();
    while let Some(account) = accounts.next().await? {
        if csv {
            names.push(account.account.clone());
            list.record(&account)?;
        } else {
            list.line(&account, || account.account.clone())?;
        }
    }
    list.end()?;
    if csv { context.ui.line(&names.join(",")) } else { Ok(()) }
}

/// Returns the query filters; conditions of `--filter` override the equivalent options.
fn filters(args: Args) -> Result<BTreeMap<String, String>> {
    let options = [("account_type", args.account_type), ("identity", args.id)];
    let mut filters: BTreeMap<_, _> = options
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value.filter(|value| !value.is_empty())?)))
        .collect();
    for condition in args.filter.iter().filter(|filter| !filter.is_empty()).flat_map(|filter| filter.split(',')) {
        let (key, value) = condition
            .split_once('=')
            .ok_or_else(|| Error::value(format!("{condition:?} is not a condition: use key=value,key=value")))?;
        filters.insert(key.to_owned(), value.to_owned());
    }
    Ok(filters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filters_of(filter: &str) -> Result<BTreeMap<String, String>> {
        let account_type = Some("USER".to_owned());
        filters(Args { account_type, id: Some(String::new()), filter: Some(filter.to_owned()), csv: false })
    }

    #[test]
    fn account_conditions_join_the_options() {
        let cases = [
            ("", "account_type=USER"),
            ("a=1,b=x=y", "a=1&account_type=USER&b=x=y"),
            ("a=1,a=", "a=&account_type=USER"),
            ("account_type=GROUP", "account_type=GROUP"),
        ];
        for (filter, expected) in cases {
            let found: Vec<_> =
                filters_of(filter).unwrap().iter().map(|(key, value)| format!("{key}={value}")).collect();
            assert_eq!(found.join("&"), expected, "{filter}");
        }
        assert!(filters_of("a=1,").is_err());
    }
}
