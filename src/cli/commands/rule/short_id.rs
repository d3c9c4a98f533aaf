//! Rule ids that are given shortened, as tables on narrow terminals show them.

use crate::api;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::Client;
use crate::lists;
use crate::types::RuleRow;

/// Digits of a whole id, and the minimum number of those that are looked up.
const ID: usize = 32;
const MIN_DIGITS: usize = 6;
/// Number of candidates that an error names.
const NAMED: usize = 10;

/// Returns the id of the account's rule that begins with these digits. A text that is not a shortened id, or begins no id,
/// is returned unchanged. Errors: several ids begin with it.
pub(super) async fn resolve(client: &Client, text: &str) -> Result<String> {
    Ok(find(client, text).await?.unwrap_or_else(|| text.to_owned()))
}

/// Like [`resolve`], but `None` if there is no such rule.
pub(super) async fn find(client: &Client, text: &str) -> Result<Option<String>> {
    if !is_shortened(text) {
        return Ok(None);
    }
    let account = api::accounts::own_name(client).await?;
    let mut rules = lists::rules_of_account(client, &account).await?;
    let mut found = Vec::new();
    while let Some(rule) = rules.next().await? {
        if rule.id.starts_with(&text.to_ascii_lowercase()) {
            found.push(rule);
        }
    }
    only(text, &found)
}

fn is_shortened(text: &str) -> bool {
    text.len() < ID && can_be_rule_id(text)
}

/// Whether the text can be a rule id, or the first digits of one.
pub(in crate::cli) fn can_be_rule_id(text: &str) -> bool {
    text.len() >= MIN_DIGITS && text.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// Returns the id of the only rule, if there is one. Errors: there are several.
fn only(text: &str, found: &[RuleRow]) -> Result<Option<String>> {
    match found {
        [] => Ok(None),
        [one] => Ok(Some(one.id.clone())),
        several => {
            let line = |rule: &RuleRow| format!("\n  {} {} at {}", rule.id, rule.did, rule.rse_expression);
            let named: String = several.iter().take(NAMED).map(line).collect();
            let more = several.len().saturating_sub(NAMED);
            let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
            let message =
                format!("The rule id {text} is ambiguous: {} rules begin with it:{named}{more}", several.len());
            Err(Error::new(Exception::InputValidationError, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rule(id: &str) -> RuleRow {
        let rule = json!({
            "id": id, "account": "jdoe", "scope": "s", "name": "n", "state": "OK", "rse_expression": "X",
            "locks_ok_cnt": 1, "locks_replicating_cnt": 0, "locks_stuck_cnt": 0, "copies": 1, "bytes": 1,
            "expires_at": null, "created_at": null,
        });
        serde_json::from_value(rule).unwrap()
    }

    #[test]
    fn rule_ids_are_shortened_to_hexadecimal_digits() {
        assert!(is_shortened("012345") && is_shortened("ABCDEF01"));
        for text in ["01234", "01234g", "s:abcdef", &"0".repeat(32)] {
            assert!(!is_shortened(text), "{text}");
        }
    }

    #[test]
    fn rule_id_that_several_begin_with_is_an_error_with_their_names() {
        let ids = ["abcdef01", "abcdef02"];
        assert_eq!(only("abcdef", &[]).unwrap(), None);
        assert_eq!(only("abcdef", &[rule(ids[0])]).unwrap().as_deref(), Some(ids[0]));
        let error = only("abcdef", &ids.map(rule)).unwrap_err().to_string();
        assert!(ids.iter().all(|id| error.contains(&format!("{id} s:n at X"))), "{error}");
    }
}
