//! Looks up values for completion on the server, within a time limit.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use clap_complete::engine::CompletionCandidate;
use futures_util::{StreamExt, stream};
use serde_json::json;

use super::cache::CompletionCache;
use crate::api;
use crate::auth::Login;
use crate::cli::commands::settings::setting_name;
use crate::cli::ui::values::to_str;
use crate::cli::value_kind::ValueKind;
use crate::config::{Config, Overrides, Settings};
use crate::diagnosis::known;
use crate::env_vars::Env;
use crate::error::Result;
use crate::http::Client;

/// Time limit of one completion.
const LOOKUP_TIMEOUT: Duration = Duration::from_millis(300);
/// Maximum number of DIDs to request.
const MAX_DIDS: u64 = 500;
/// Concurrent requests for the attributes of RSEs.
const CONCURRENT_LOOKUPS: usize = 8;

/// A value and its description.
type Entry = (String, String);
/// RSE -> its attributes.
type Attributes = BTreeMap<String, BTreeMap<String, String>>;

/// Looks up values in the cache, then on the server. Never prompts and never logs in.
pub(super) struct Catalogue {
    options: Overrides,
    env: Env,
    limit: Duration,
}

impl Catalogue {
    pub(super) fn new(options: Overrides, env: Env) -> Self {
        Self { options, env, limit: LOOKUP_TIMEOUT }
    }

    /// Sets the time limit.
    pub(super) fn with_limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Returns the values that begin with `current`.
    pub(super) fn values(&self, kind: ValueKind, current: &str) -> Vec<CompletionCandidate> {
        let found = match kind {
            ValueKind::Profile => self.profiles(),
            ValueKind::Setting => settings(),
            kind => self.open().map(|site| site.values(kind, current)).unwrap_or_default(),
        };
        // A newline or an escape sequence would corrupt the list of candidates, or the terminal.
        let harmless = |(value, about): &Entry| !value.contains(char::is_control) && !about.contains(char::is_control);
        let fitting = found.into_iter().filter(|entry| entry.0.starts_with(current) && harmless(entry));
        fitting
            .map(|(value, about)| CompletionCandidate::new(value).help((!about.is_empty()).then(|| about.into())))
            .collect()
    }

    /// Returns the profiles of the configuration; this needs no request.
    fn profiles(&self) -> Vec<Entry> {
        let config = Config::load(self.options.config.as_deref(), &self.env);
        config.map(|config| plain(config.profiles().into_iter().map(str::to_owned).collect())).unwrap_or_default()
    }

    fn open(&self) -> Option<CatalogueLookup> {
        let config = Config::for_client(&self.options, &self.env).ok()?;
        let settings = Settings::resolve(&self.options, &self.env, &config).ok()?;
        let memory = CompletionCache::new(&settings, &self.env);
        let client = Login::cached_only(settings, "rucio::complete").client();
        Some(CatalogueLookup { memory, client, end: Instant::now() + self.limit })
    }
}

/// Returns the options of the configuration, as `rucio settings` names them.
fn settings() -> Vec<Entry> {
    let of_section = |section: &'static str| {
        let options = known::options_of(section).unwrap_or_default();
        options.iter().map(move |option| setting_name(section, option))
    };
    plain(known::SECTIONS.into_iter().flat_map(of_section).collect())
}

/// One server and its cached values.
struct CatalogueLookup {
    memory: CompletionCache,
    client: Client,
    /// Deadline of the completion.
    end: Instant,
}

impl CatalogueLookup {
    /// Returns the values of a kind; `current` restricts only DIDs and RSE expressions.
    fn values(&self, kind: ValueKind, current: &str) -> Vec<Entry> {
        match kind {
            ValueKind::Did => self.dids(current),
            ValueKind::RseExpression => self.expression(current),
            ValueKind::RseAttribute => self.attribute_names(),
            ValueKind::RuleOrDid if current.contains(':') => self.dids(current),
            ValueKind::RuleOrDid => self.list(ValueKind::Rule),
            simple => self.list(simple),
        }
    }

    /// Returns the cached value of this name, else the server's if its response arrives in time.
    fn lookup(&self, name: &str, ask: impl Future<Output = Result<Vec<Entry>>>) -> Vec<Entry> {
        if let Some(known) = self.memory.load(name) {
            return known;
        }
        let answer = self.with_timeout(ask).and_then(Result::ok);
        if let Some(answer) = &answer {
            self.memory.save(name, answer);
        }
        answer.unwrap_or_default()
    }

    fn list(&self, kind: ValueKind) -> Vec<Entry> {
        self.lookup(&format!("{kind:?}"), async {
            let client = &self.client;
            let account = client.account().unwrap_or_default();
            Ok(match kind {
                ValueKind::Account => plain(api::accounts::names(client).await?),
                ValueKind::Scope => plain(api::scopes::list(client).await?),
                ValueKind::MetadataKey => plain(api::dids::metadata_keys(client).await?),
                ValueKind::Rse => {
                    let rses = api::rses::list(client, None).await?.collect().await?;
                    plain(rses.into_iter().map(|rse| rse.rse).collect())
                }
                ValueKind::Rule => {
                    let rules = api::accounts::rules(client, account).await?.collect().await?;
                    rules
                        .into_iter()
                        .map(|rule| (rule.id, format!("{} at {}", rule.did, rule.rse_expression)))
                        .collect()
                }
                ValueKind::Subscription => {
                    let found = api::subscriptions::list(client, Some(account), None).await?.collect().await?;
                    plain(found.iter().map(|found| found.field("name").to_owned()).collect())
                }
                _ => Vec::new(),
            })
        })
    }

    /// Completes scopes up to the colon, names after it.
    fn dids(&self, current: &str) -> Vec<Entry> {
        let Some((scope, name)) = current.split_once(':') else {
            return self
                .list(ValueKind::Scope)
                .into_iter()
                .map(|(scope, about)| (format!("{scope}:"), about))
                .collect();
        };
        self.lookup(current, async {
            let filters = json!([{"name": format!("{name}*")}]);
            let search = api::dids::Search { scope, filters, did_type: "all", recursive: false, limit: Some(MAX_DIDS) };
            let found = api::dids::search(&self.client, &search).await?.collect().await?;
            Ok(found.into_iter().map(|found| (found.did.to_string(), found.did_type.unwrap_or_default())).collect())
        })
    }

    /// Completes the end of an RSE expression: an RSE or an attribute after the last operator, a value after
    /// `attribute=`.
    fn expression(&self, current: &str) -> Vec<Entry> {
        let start = current.rfind(['&', '|', '\\', '(', ')']).map_or(0, |at| at + 1);
        let (before, last) = current.split_at(start);
        let found = match last.split_once('=') {
            Some((key, _)) => self.attribute_values(key),
            None => {
                let keys = self.attribute_names().into_iter().map(|(key, about)| (format!("{key}="), about));
                self.list(ValueKind::Rse).into_iter().chain(keys).collect()
            }
        };
        found.into_iter().map(|(value, about)| (format!("{before}{value}"), about)).collect()
    }

    fn attribute_names(&self) -> Vec<Entry> {
        let attributes = self.attributes();
        let mut names: Vec<_> =
            attributes.iter().flat_map(|(rse, has)| has.keys().filter(move |key| *key != rse)).collect();
        names.sort();
        names.dedup();
        names.into_iter().map(|name| (name.clone(), "attribute".to_owned())).collect()
    }

    fn attribute_values(&self, key: &str) -> Vec<Entry> {
        let attributes = self.attributes();
        let mut values: Vec<_> = attributes.values().filter_map(|has| has.get(key)).collect();
        values.sort();
        values.dedup();
        values.into_iter().map(|value| (format!("{key}={value}"), String::new())).collect()
    }

    /// Returns the attributes of all RSEs. The server has one request per RSE: responses are cached, and those that do
    /// not arrive in time are requested again by the next completion.
    fn attributes(&self) -> Attributes {
        const NAME: &str = "attributes";
        let mut known: Attributes = self.memory.load(NAME).unwrap_or_default();
        let rses = self.list(ValueKind::Rse).into_iter().map(|(rse, _)| rse);
        let missing: Vec<_> = rses.filter(|rse| !known.contains_key(rse)).collect();
        if missing.is_empty() {
            return known;
        }
        self.with_timeout(async {
            let ask = |rse: String| async { (api::rses::attributes(&self.client, &rse).await, rse) };
            let mut answers = stream::iter(missing).map(ask).buffer_unordered(CONCURRENT_LOOKUPS);
            while let Some((answer, rse)) = answers.next().await {
                if let Ok(has) = answer {
                    known.insert(rse, has.into_iter().map(|(key, value)| (key, to_str(&value))).collect());
                }
            }
        });
        self.memory.save(NAME, &known);
        known
    }

    fn with_timeout<T>(&self, ask: impl Future<Output = T>) -> Option<T> {
        let runtime = crate::cli::runtime::start().ok()?;
        let left = self.end.saturating_duration_since(Instant::now());
        let answer = runtime.block_on(async { tokio::time::timeout(left, ask).await.ok() });
        runtime.shutdown_background();
        answer
    }
}

fn plain(values: Vec<String>) -> Vec<Entry> {
    values.into_iter().map(|value| (value, String::new())).collect()
}
