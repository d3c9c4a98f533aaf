//! `rucio rule wait`

use std::time::{Duration, Instant};

use serde_json::Value;

use super::explained;
use crate::api;
use crate::cli::context::Context;
use crate::cli::duration;
use crate::cli::ui::values::member_str;
use crate::cli::ui::{LocksBar, Shape};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::{Client, Raw};
use crate::types::Attributes;

const SHAPE: Shape = Shape::named(
    &["id"],
    &["id", "state", "locks_ok_cnt", "locks_replicating_cnt", "locks_stuck_cnt", "scope", "name", "rse_expression"],
);
/// The numbers of locks, by the server's names, in the order in which `rule list` shows them.
const LOCKS: [&str; 3] = ["locks_ok_cnt", "locks_replicating_cnt", "locks_stuck_cnt"];
/// Nobody needs to ask a server more often.
const SHORTEST: Duration = Duration::from_millis(100);

/// Wait until all replicas of rules are there
///
/// Shows each rule, as ID STATE[OK/REPLICATING/STUCK], whenever that changes; on a terminal a bar each. Ends with 0 when
/// all rules are OK, with 1 when one is STUCK or SUSPENDED, is not there, or is deleted meanwhile, and with 124 when the
/// time is over. A server that does not answer for a while is asked on.
///
/// Example: rucio rule wait --timeout 2h $(rucio rule add --copies 1 --rses CERN user.jdoe:analysis.1 -o name)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The ids of the rules
    #[arg(required = true, value_name = "RULE_ID")]
    pub rule_ids: Vec<String>,
    /// How long to wait at most: seconds, or 30s, 10m, 2h, 1d; 0 looks once. Without it, there is no end
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub timeout: Option<Duration>,
    /// How long to wait between two looks
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "10s")]
    pub interval: Duration,
    /// Go on when a rule is STUCK or SUSPENDED: the server tries stuck transfers again
    #[arg(long)]
    pub keep_waiting: bool,
}

/// A rule that is waited for.
struct Waited {
    id: String,
    /// As the server showed it last.
    rule: Option<Raw<Attributes>>,
    shown: String,
    bar: Option<LocksBar>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    let end = args.timeout.map(|timeout| Instant::now() + timeout);
    let mut rules: Vec<Waited> = Vec::new();
    for id in &args.rule_ids {
        if !rules.iter().any(|known| known.id == *id) {
            rules.push(Waited::new(context, id));
        }
    }
    let outcome = loop {
        if let Some(outcome) = look(context, client, &mut rules, args.keep_waiting).await {
            break outcome;
        }
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            break Err(late(&rules));
        }
        let pause = args.interval.max(SHORTEST);
        tokio::time::sleep(left.map_or(pause, |left| left.min(pause))).await;
    };
    rules.iter_mut().for_each(|rule| rule.bar = None);
    let mut list = context.ui.list(SHAPE);
    for rule in rules.iter().filter_map(|rule| rule.rule.as_ref()) {
        list.record(rule)?;
    }
    list.end()?;
    outcome
}

/// Asks for every rule that is not there yet. Gives how the waiting ends, if it does.
async fn look(context: &Context, client: &Client, rules: &mut [Waited], keep_waiting: bool) -> Option<Result<()>> {
    for rule in rules.iter_mut().filter(|rule| !rule.is("OK")) {
        match api::rules::get::<Raw<Attributes>>(client, &rule.id).await {
            Ok(seen) => {
                if let Err(error) = rule.see(context, seen) {
                    return Some(Err(error));
                }
            }
            // One that answered before will answer again.
            Err(error) if rule.rule.is_some() && may_pass(&error) => tracing::warn!("{error}"),
            Err(error) => return Some(Err(explained(error))),
        }
    }
    let stopped = rules.iter().find(|rule| rule.is("STUCK") || rule.is("SUSPENDED"));
    match stopped {
        Some(rule) if !keep_waiting => Some(Err(rule.failure(context))),
        _ => rules.iter().all(|rule| rule.is("OK")).then_some(Ok(())),
    }
}

/// Whether the server, or what stands before it, may be better the next time.
fn may_pass(error: &Error) -> bool {
    match error {
        Error::Rucio(refusal) => {
            refusal.class == Exception::ServerConnectionException || refusal.status.is_some_and(|status| status >= 500)
        }
        _ => false,
    }
}

fn late(rules: &[Waited]) -> Error {
    let missing = rules.iter().filter(|rule| !rule.is("OK")).count();
    Error::Late(format!("The time is over: {missing} of {} rule(s) are not OK.", rules.len()))
}

impl Waited {
    fn new(context: &Context, id: &str) -> Self {
        Self { id: id.to_owned(), rule: None, shown: String::new(), bar: LocksBar::new(&context.ui, id) }
    }

    fn is(&self, state: &str) -> bool {
        self.rule.as_ref().and_then(|rule| rule.get("state")).and_then(Value::as_str) == Some(state)
    }

    /// Takes in how the rule is now, and shows it if that is news.
    fn see(&mut self, context: &Context, rule: Raw<Attributes>) -> Result<()> {
        let field = |key: &str| rule.get(key).cloned().unwrap_or_default();
        let locks = LOCKS.map(|key| field(key).as_u64().unwrap_or(0));
        let state = member_str(&field("state"));
        let line = format!("{} {state}[{}/{}/{}]", self.id, locks[0], locks[1], locks[2]);
        self.rule = Some(rule);
        let ended = !matches!(state.as_str(), "REPLICATING" | "WAITING_APPROVAL" | "INJECT");
        if let Some(bar) = self.bar.take_if(|_| ended) {
            drop(bar);
        } else if let Some(bar) = &self.bar {
            bar.show(&state, locks);
            return Ok(());
        }
        if line == self.shown {
            return Ok(());
        }
        context.ui.line(&line)?;
        self.shown = line;
        // Whoever reads a pipe wants to know now, not at the end.
        context.ui.flush()
    }

    fn failure(&self, context: &Context) -> Error {
        let field = |key: &str| self.rule.as_ref().and_then(|rule| rule.get(key)).map(member_str);
        let state = field("state").unwrap_or_default();
        let why = field("error").filter(|text| text != "None").map(|text| format!(": {text}")).unwrap_or_default();
        Error::new(Exception::RucioException, format!("Rule {} is {state}{why}", self.id)).with_hint(format!(
            "{} tells why; with --keep-waiting it is waited for nevertheless.",
            context.command(&format!("rule show --examine {}", self.id))
        ))
    }
}
