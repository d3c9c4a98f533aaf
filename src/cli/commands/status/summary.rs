//! What `rucio status` shows.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::quota::Quota;
use crate::cli::commands::session::view::{format_duration, iso};
use crate::cli::context::Context;
use crate::cli::ui::values::{Num, member_str};
use crate::cli::ui::{Table, field, wrap, wrap_command};
use crate::config::Settings;
use crate::http::Raw;
use crate::time::{date, unix_time};
use crate::types::{RuleRow, Validation};

/// Width of the text if it is not shown at a terminal.
const WIDTH: usize = 80;
/// Column at which values begin.
const INDENT: usize = 9;
/// Maximum number of rules and of limits in the text: all fits on a terminal of 24 lines.
const RULES_SHOWN: usize = 3;
const LIMITS_SHOWN: usize = 4;

/// Account, session, rules and limits: fields for machines, [`Summary::text`] for people.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    account: String,
    identity: Option<String>,
    auth_type: &'static str,
    host: String,
    expires_at: Option<String>,
    seconds_left: Option<i64>,
    /// Number and size of the rules by state.
    rules: BTreeMap<String, RuleCount>,
    /// Rules that are STUCK or SUSPENDED.
    stuck_rules: Vec<Raw<RuleRow>>,
    quotas: Vec<Quota>,
    #[serde(skip)]
    expires: Option<i64>,
}

/// Number of rules in a state and the size of their DIDs, as far as the server stores it.
#[derive(Debug, Default, Serialize)]
struct RuleCount {
    count: u64,
    bytes: f64,
}

impl Summary {
    pub(super) fn new(settings: &Settings, said: &Validation, rules: Vec<Raw<RuleRow>>, quotas: Vec<Quota>) -> Self {
        let mut counts = BTreeMap::<String, RuleCount>::new();
        for rule in &rules {
            let state = counts.entry(rule.state.clone()).or_default();
            state.count += 1;
            state.bytes += rule.bytes.unwrap_or_default();
        }
        let expires = said.expires();
        Self {
            account: said.account.clone(),
            identity: said.identity.clone(),
            auth_type: settings.auth.name(),
            host: settings.rucio_host.clone(),
            expires_at: expires.and_then(iso),
            seconds_left: expires.map(|end| (end - unix_time()).max(0)),
            rules: counts,
            stuck_rules: rules
                .into_iter()
                .filter(|rule| ["STUCK", "SUSPENDED"].contains(&rule.state.as_str()))
                .collect(),
            quotas,
            expires,
        }
    }

    /// Returns the screen for people.
    pub(super) fn text(&self, context: &Context) -> String {
        let width = context.ui.width().unwrap_or(WIDTH);
        let (session, states) = (self.session(width), self.states(context, width));
        let parts = [Some(session), Some(states), self.stuck(context, width), Some(self.limits(context, width))];
        parts.into_iter().flatten().collect::<Vec<_>>().join("\n")
    }

    fn session(&self, width: usize) -> String {
        let identity = self.identity.as_ref().map(|identity| format!(", logged in as {identity}")).unwrap_or_default();
        let session = match (self.expires, self.seconds_left) {
            (Some(end), Some(left)) => format!("{} left (until {})", format_duration(left), date(end)),
            _ => "valid".to_owned(),
        };
        let account = format!("{}{identity} ({})", self.account, self.auth_type);
        let fields = [("Account", account.as_str()), ("Server", &self.host), ("Session", &session)];
        fields.map(|(name, value)| field(name, value, width, INDENT)).join("\n")
    }

    fn states(&self, context: &Context, width: usize) -> String {
        let state = |(state, count): (&String, &RuleCount)| {
            format!("{} {state} ({})", count.count, context.size(Some(Num::from(count.bytes))))
        };
        let states: Vec<_> = self.rules.iter().map(state).collect();
        format!("Rules    {}", if states.is_empty() { "none".to_owned() } else { joined(&states, width) })
    }

    fn stuck(&self, context: &Context, width: usize) -> Option<String> {
        let first = self.stuck_rules.first()?;
        let mut lines = vec![String::new(), "Stuck and suspended rules".to_owned()];
        for rule in self.stuck_rules.iter().take(RULES_SHOWN) {
            lines.push(wrap("  ", &format!("{} -> {}", rule.did, rule.rse_expression), width, 4));
            lines.push(wrap("    ", &format!("{} {}{}", rule.id, rule.state, reason(rule)), width, 6));
        }
        let list = self.list_command(context, "rule list --account");
        lines.extend(more(self.stuck_rules.len(), RULES_SHOWN, &list, width));
        let command = context.command(&format!("rule show --examine {}", first.id));
        lines.push(wrap_command("  To see why: ", &command, width, 4));
        Some(lines.join("\n"))
    }

    fn limits(&self, context: &Context, width: usize) -> String {
        if self.quotas.is_empty() {
            return "Quota    none".to_owned();
        }
        let mut table = Table::simple(["RSE", "USED", "LIMIT", "LEFT"]);
        for quota in self.quotas.iter().take(LIMITS_SHOWN) {
            table.row(quota.cells(context));
        }
        let list = self.list_command(context, "account limit list");
        let rest = more(self.quotas.len(), LIMITS_SHOWN, &list, width).map(|line| format!("\n{line}"));
        let table = match context.ui.width() {
            Some(width) => table.render_fitting(width, false).text,
            None => table.render(),
        };
        format!("\n{table}{}", rest.unwrap_or_default())
    }

    fn list_command(&self, context: &Context, words: &str) -> String {
        context.command(&format!("{words} {}", self.account))
    }
}

/// Joins words by commas, in lines of this width; all but the first are indented.
fn joined(words: &[String], width: usize) -> String {
    let mut text = String::new();
    let mut column = INDENT;
    for word in words {
        if !text.is_empty() && column + word.len() + 2 > width {
            text.push_str(&format!(",\n{:INDENT$}", ""));
            column = INDENT;
        } else if !text.is_empty() {
            text.push_str(", ");
            column += 2;
        }
        text.push_str(word);
        column += word.len();
    }
    text
}

/// Returns the error of a rule, if the server stores one.
fn reason(rule: &Raw<RuleRow>) -> String {
    let error = json!(rule)["error"].take();
    if matches!(&error, Value::String(text) if !text.is_empty()) {
        format!(": {}", member_str(&error))
    } else {
        String::new()
    }
}

/// Returns the line about rows that are not shown.
fn more(count: usize, shown: usize, command: &str, width: usize) -> Option<String> {
    (count > shown).then(|| wrap_command(&format!("  and {} more: ", count - shown), command, width, 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_words_wrap_at_commas() {
        let words: Vec<String> = (0..8).map(|number| format!("{number} WAITING (1.000 MB)")).collect();
        let text = format!("Rules    {}", joined(&words, WIDTH));
        assert!(text.lines().count() == 3 && text.lines().all(|line| line.len() <= WIDTH), "{text}");
        assert_eq!(text.replace(",\n         ", ", "), format!("Rules    {}", words.join(", ")));
    }
}
