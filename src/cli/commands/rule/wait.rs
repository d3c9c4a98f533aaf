//! `rucio rule wait`

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{explained, short_id};
use crate::api;
use crate::cli::context::Context;
use crate::cli::duration;
use crate::cli::ui::values::member_str;
use crate::cli::ui::{LocksBar, Shape};
use crate::cli::value_kind::ValueKind;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::{Client, Raw};
use crate::retry::{Backoff, Retryable};
use crate::types::Attributes;

const SHAPE: Shape = Shape::named(
    &["id"],
    &["id", "state", "locks_ok_cnt", "locks_replicating_cnt", "locks_stuck_cnt", "scope", "name", "rse_expression"],
);
/// Lock counters, by the server's names, in the order of `rule list`.
const LOCKS: [&str; 3] = ["locks_ok_cnt", "locks_replicating_cnt", "locks_stuck_cnt"];
/// Minimum polling interval, to limit the load on the server.
const MIN_INTERVAL: Duration = Duration::from_millis(100);
/// Maximum pause while the server fails, unless the interval is longer.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// Wait until rules are OK: all their replicas are available
///
/// Prints each rule as ID STATE[OK/REPLICATING/STUCK] whenever it changes; a terminal shows a progress bar for each.
/// Exits with 0 when all rules are OK, with 1 when one is STUCK or SUSPENDED, does not exist, or is deleted while
/// waiting, and with 124 on timeout. Temporary server failures are retried.
///
/// Example: rucio rule wait --timeout 2h $(rucio rule add --copies 1 --rses CERN user.jdoe:analysis.1 -o name)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Rule IDs, or their first digits
    #[arg(required = true, value_name = "RULE_ID", add = ValueKind::Rule)]
    pub rule_ids: Vec<String>,
    /// Maximum time to wait: seconds, or 30s, 10m, 2h, 1d; 0 checks once [default: no limit]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub timeout: Option<Duration>,
    /// Time between two checks
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "10s")]
    pub interval: Duration,
    /// Keep waiting when a rule is STUCK or SUSPENDED: the server retries stuck transfers
    #[arg(long)]
    pub keep_waiting: bool,
}

/// A rule to wait for.
struct WatchedRule {
    id: String,
    /// The rule in the server's last response.
    rule: Option<Raw<Attributes>>,
    /// Number of failed checks since then.
    failures: u32,
    /// The line of its current state, and the one that was printed last.
    line: String,
    shown: String,
    bar: Option<LocksBar>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    let end = args.timeout.map(|timeout| Instant::now() + timeout);
    let interval = args.interval.max(MIN_INTERVAL);
    let backoff = Backoff { first: interval, factor: 2, max: interval.max(MAX_PAUSE), jitter: 0.25 };
    let mut rules: Vec<WatchedRule> = Vec::new();
    for id in &args.rule_ids {
        let id = short_id::resolve(client, id).await?;
        if !rules.iter().any(|known| known.id == id) {
            rules.push(WatchedRule::new(context, &id, end));
        }
    }
    let outcome = loop {
        if let Some(outcome) = poll_rules(context, client, &mut rules, args.keep_waiting).await {
            break outcome;
        }
        let remaining = end.map(|end| end.saturating_duration_since(Instant::now()));
        if remaining == Some(Duration::ZERO) {
            break Err(timeout_error(&rules));
        }
        let failures = rules.iter().map(|rule| rule.failures).max().unwrap_or(0);
        let pause = if failures == 0 { interval } else { backoff.pause(failures) };
        tokio::time::sleep(remaining.map_or(pause, |remaining| remaining.min(pause))).await;
    };
    let has_bars = rules.iter().any(|rule| rule.bar.is_some());
    rules.iter_mut().for_each(|rule| rule.bar = None);
    if has_bars {
        // The bars are gone; the states that they showed last stay.
        rules.iter().filter(|rule| rule.line != rule.shown).try_for_each(|rule| context.ui.line(&rule.line))?;
    }
    let mut list = context.ui.list(SHAPE);
    for rule in rules.iter().filter_map(|rule| rule.rule.as_ref()) {
        list.record(rule)?;
    }
    list.end()?;
    outcome
}

/// Polls every rule that is not OK yet. Returns the final outcome, or `None` to keep waiting.
async fn poll_rules(
    context: &Context,
    client: &Client,
    rules: &mut [WatchedRule],
    keep_waiting: bool,
) -> Option<Result<()>> {
    for rule in rules.iter_mut().filter(|rule| !rule.is_in_state("OK")) {
        match api::rules::poll::<Raw<Attributes>>(client, &rule.id).await {
            Ok(seen) => {
                if let Err(error) = rule.update(context, seen) {
                    return Some(Err(error));
                }
            }
            // Retry: the server has shown this rule before.
            Err(error) if rule.rule.is_some() && is_server_failure(&error) => {
                tracing::warn!("{error}");
                rule.failures += 1;
            }
            Err(error) => return Some(Err(explained(error))),
        }
    }
    let stopped = rules.iter().find(|rule| rule.is_in_state("STUCK") || rule.is_in_state("SUSPENDED"));
    match stopped {
        Some(rule) if !keep_waiting => Some(Err(rule.failure(context))),
        _ => rules.iter().all(|rule| rule.is_in_state("OK")).then_some(Ok(())),
    }
}

/// Returns whether the next check may succeed: after a temporary failure, or any status 5xx of the server.
fn is_server_failure(error: &Error) -> bool {
    let is_failure = error.status().is_some_and(|status| status >= 500) && !error.is_before_start();
    error.is_retryable() || is_failure
}

fn timeout_error(rules: &[WatchedRule]) -> Error {
    let missing = rules.iter().filter(|rule| !rule.is_in_state("OK")).count();
    Error::timeout(format!("Timed out: {missing} of {} rule(s) are not OK.", rules.len()))
}

impl WatchedRule {
    fn new(context: &Context, id: &str, end: Option<Instant>) -> Self {
        let bar = LocksBar::new(&context.ui, end);
        Self { id: id.to_owned(), rule: None, failures: 0, line: String::new(), shown: String::new(), bar }
    }

    fn is_in_state(&self, state: &str) -> bool {
        self.rule.as_ref().and_then(|rule| rule.get("state")).and_then(Value::as_str) == Some(state)
    }

    /// Saves the current rule, and prints it if it changed.
    fn update(&mut self, context: &Context, rule: Raw<Attributes>) -> Result<()> {
        let field = |key: &str| rule.get(key).cloned().unwrap_or_default();
        let locks = LOCKS.map(|key| field(key).as_u64().unwrap_or(0));
        let state = member_str(&field("state"));
        let name = format!("{}:{}", member_str(&field("scope")), member_str(&field("name")));
        self.line = format!("{} {state}[{}/{}/{}]", self.id, locks[0], locks[1], locks[2]);
        self.rule = Some(rule);
        self.failures = 0;
        let ended = !matches!(state.as_str(), "REPLICATING" | "WAITING_APPROVAL" | "INJECT");
        if let Some(bar) = self.bar.take_if(|_| ended) {
            drop(bar);
        } else if let Some(bar) = &self.bar {
            bar.show(&name, &state, locks);
            return Ok(());
        }
        if self.line == self.shown {
            return Ok(());
        }
        context.ui.line(&self.line)?;
        self.shown.clone_from(&self.line);
        // A program that reads a pipe needs the line now, not at the end.
        context.ui.flush()
    }

    fn failure(&self, context: &Context) -> Error {
        let field = |key: &str| self.rule.as_ref().and_then(|rule| rule.get(key)).map(member_str);
        let state = field("state").unwrap_or_default();
        let why = field("error").filter(|text| text != "None").map(|text| format!(": {text}")).unwrap_or_default();
        Error::new(Exception::RucioException, format!("Rule {} is {state}{why}", self.id)).with_hint(format!(
            "To see why, run `{}`; to wait nevertheless, use --keep-waiting.",
            context.command(&format!("rule show --examine {}", self.id))
        ))
    }
}
