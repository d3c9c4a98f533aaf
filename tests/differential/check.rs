//! One case: run it through both clients, compare.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::case::{Case, Differs, Line, TracesDiffer};
use super::messages::{self, Messages};
use super::placeholders::Placeholders;
use super::traces::{self, TraceServer};
use crate::support::{Outcome, Rucio, Testbed, Tree, unified, unique};

/// How a case ended.
#[derive(Debug)]
pub(super) enum Verdict {
    Identical,
    /// Different as documented.
    Known,
    /// The servers are of another Rucio version, where the official client does something else than the case says: the reason.
    Inapplicable(String),
    /// The report.
    Failed(String),
}

/// A case's verdict and what the runs took.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) verdict: Verdict,
    pub(super) official: Outcome,
    pub(super) ours: Duration,
    /// Whether the official client sent traces.
    pub(super) traced: bool,
    pub(super) messages: Messages,
}

impl Checked {
    fn new(verdict: Verdict, official: Seen, ours: Duration, messages: Messages) -> Self {
        Self { verdict, traced: !official.traces.is_empty(), official: official.outcome, ours, messages }
    }
}

/// Who runs the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Official,
    Ours,
}

/// All that is compared of one run, with the rules applied.
#[derive(Debug)]
struct Seen {
    outcome: Outcome,
    stdout: String,
    stderr: String,
    files: String,
    traces: String,
    /// The state of the server afterwards.
    after: String,
}

impl Seen {
    fn same_as(&self, other: &Self) -> bool {
        self.same_but_traces(other) && self.traces == other.traces
    }

    fn same_but_traces(&self, other: &Self) -> bool {
        self.outcome.code == other.outcome.code
            && (&self.stdout, &self.files, &self.after) == (&other.stdout, &other.files, &other.after)
    }
}

/// The error of a case that cannot be prepared with servers of this release. Holds the reason.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NotHere(String);

/// Whether the servers are of another release and refuse this preparation to the official client, too.
fn refuses_all(case: &Case, line: &Line, places: &Placeholders, caches: &Path) -> Result<bool> {
    let is_current = Testbed::get()?.has_current_servers();
    Ok(!is_current && run(case, line, Who::Official, places, &caches.join("official"))?.code != 0)
}

/// How often a case is tried whose own changes the server may show in another order, or that lacks a line of stderr.
const TRIES: u32 = 3;
/// Maximum number of runs of a case that was disturbed by changes of other tests.
const BUSY_TRIES: u32 = 8;

/// In the hint that ours gives if a server of another release has no such call. What a documented difference expects cannot be
/// seen there.
const LACKS_CALL: &str = "this needs Rucio";

/// Run the case. `caches` holds the tokens that cases share.
pub(super) fn check(case: &Case, caches: &Path) -> Result<Checked> {
    let mut official = see(case, &case.line, Who::Official, caches)?;
    let mut took = Duration::ZERO;
    let is_current = Testbed::get()?.has_current_servers();
    for attempt in 1..=BUSY_TRIES {
        if let Some(complaint) = wrong_premise(case, &official) {
            let report = format!("{complaint}stderr: {}\n", short(&official));
            let verdict = if is_current { Verdict::Failed(report) } else { Verdict::Inapplicable(report) };
            return Ok(Checked::new(verdict, official, took, Messages::default()));
        }
        let ours = see(case, &case.line, Who::Ours, caches)?;
        took += ours.outcome.took;
        let verdict = match judge(case, &official, &ours, caches)? {
            Verdict::Failed(report) if !is_current && ours.outcome.stderr.contains(LACKS_CALL) => {
                Verdict::Inapplicable(report)
            }
            verdict => verdict,
        };
        let differs = matches!(verdict, Verdict::Failed(_));
        // Servers of other releases word their messages differently.
        let messages = Messages::compare(&official.stderr, &ours.stderr, case.stderr_difference())?;
        let verdict = match (verdict, messages.complaint(case.stderr_differs.as_deref()).filter(|_| is_current)) {
            (Verdict::Failed(report), Some(complaint)) => Verdict::Failed(report + &complaint),
            (_, Some(complaint)) => Verdict::Failed(complaint + &streams(&official, &ours)),
            (verdict, None) => verdict,
        };
        // Someone else may have changed the server between the two: then the official client disagrees with itself.
        let failed = matches!(verdict, Verdict::Failed(_));
        if failed && case.reads_only() {
            let again = see(case, &case.line, Who::Official, caches)?;
            if !again.same_as(&official) {
                thread::sleep(Duration::from_secs(attempt.into()));
                official = see(case, &case.line, Who::Official, caches)?;
                continue;
            }
        }
        // The server may list what was created for each client in another order, and messages may depend on time: a real
        // difference occurs every time.
        if failed && attempt < TRIES && !(differs && case.reads_only()) {
            official = see(case, &case.line, Who::Official, caches)?;
            continue;
        }
        messages::record(case, &official.outcome, &ours.outcome, &messages)?;
        return Ok(Checked::new(verdict, official, took, messages));
    }
    bail!(
        "the official client's answer changed {BUSY_TRIES} times in a row: a rule is missing, or the server is in use"
    )
}

fn judge(case: &Case, official: &Seen, ours: &Seen, caches: &Path) -> Result<Verdict> {
    let complaint = match (case.differences().next(), official.same_as(ours)) {
        (None, true) => return Ok(Verdict::Identical),
        (None, false) => Some(differences(official, ours)),
        (Some(id), true) => Some(format!("no difference left that docs/differences.md calls {id}\n")),
        (Some(_), false) => match &case.differs {
            Some(differs) => {
                not_as_documented(case, differs, ours, caches)?.or_else(|| stray_traces(case, official, ours))
            }
            None if official.same_but_traces(ours) => stray_traces(case, official, ours),
            None => Some(differences(official, ours)),
        },
    };
    Ok(match complaint {
        Some(text) => Verdict::Failed(text + &streams(official, ours)),
        None => Verdict::Known,
    })
}

/// Expectations of the case that the official client does not meet.
fn wrong_premise(case: &Case, official: &Seen) -> Option<String> {
    if official.outcome.code != case.exit {
        return Some(format!("the official client ends with {}, the case says {}\n", official.outcome.code, case.exit));
    }
    let missing = case.shows.iter().find(|pattern| !pattern.is_match(&official.stdout))?;
    Some(format!("the official client does not show {missing}\n"))
}

/// Expectations of the case that our client does not meet.
fn not_as_documented(case: &Case, differs: &Differs, ours: &Seen, caches: &Path) -> Result<Option<String>> {
    if let Some(line) = &differs.same_as {
        let model = see(case, line, Who::Official, caches)?;
        if !model.same_as(ours) {
            return Ok(Some(format!(
                "our output differs from the official client's for {}\n{}",
                line.text,
                differences(&model, ours)
            )));
        }
    }
    if let Some(code) = differs.exit.filter(|code| *code != ours.outcome.code) {
        return Ok(Some(format!("ours ends with {}, the case says {code}\n", ours.outcome.code)));
    }
    let missing = differs.shows.iter().find(|pattern| !pattern.is_match(&ours.stdout));
    Ok(missing.map(|pattern| format!("ours does not show {pattern}\n")))
}

/// If both clients download the same files, their output is the same, except for the traces that the case names.
fn stray_traces(case: &Case, official: &Seen, ours: &Seen) -> Option<String> {
    let none = TracesDiffer { id: String::new(), fields: Vec::new() };
    let differ = case.traces_differ.as_ref().unwrap_or(&none);
    let rest = |seen: &Seen| traces::without(&seen.traces, &differ.fields);
    let anything_goes = case.traces_differ.is_some() && differ.fields.is_empty();
    let as_told = anything_goes || official.files != ours.files || rest(official) == rest(ours);
    (!as_told).then(|| differences(official, ours))
}

/// A prepared environment to run a case in.
struct Stage {
    scratch: tempfile::TempDir,
    places: Placeholders,
}

impl Stage {
    /// A working folder, a unique name, and the preparations of the case.
    fn set(case: &Case, caches: &Path) -> Result<Self> {
        let scratch = tempfile::tempdir()?;
        let work = scratch.path().join("work");
        fs::create_dir_all(&work)?;
        let mut places = Placeholders::new(&unique("diff"), &work)?;
        for step in &case.before {
            let outcome = aside(case, &step.line, &places, caches)?;
            let Outcome { code, stderr, .. } = &outcome;
            if *code != 0 {
                let report = format!("preparation {:?} ends with {code}: {stderr}", step.line.text);
                ensure!(refuses_all(case, &step.line, &places, caches)?, report);
                bail!(NotHere(report));
            }
            if let Some(name) = &step.capture {
                places.capture(name, &outcome.stdout)?;
            }
        }
        Ok(Self { scratch, places })
    }

    fn work(&self) -> std::path::PathBuf {
        self.scratch.path().join("work")
    }

    fn run(&self, case: &Case, line: &Line, who: Who, caches: &Path) -> Result<Outcome> {
        let cache = match who {
            _ if case.options.fresh => self.scratch.path().join("home"),
            Who::Official => caches.join("official"),
            Who::Ours => caches.join("ours"),
        };
        run(case, line, who, &self.places, &cache)
    }

    /// Runs it with a trace server of its own, if it moves data and has a configuration of the testbed.
    fn run_traced(&self, case: &Case, line: &Line, who: Who, caches: &Path) -> Result<(Outcome, String)> {
        let config = line.config.as_ref().unwrap_or(&case.options.config);
        let sets = |name| case.options.env.iter().chain(&line.env).any(|(variable, _)| variable == name);
        let moves = line.words.iter().any(|word| ["download", "get", "upload"].contains(&word.as_str()));
        if !moves || config == "nocfg" || sets("RUCIO_CONFIG") {
            return Ok((self.run(case, line, who, caches)?, String::new()));
        }
        let server = TraceServer::open()?;
        let copy = server.configuration(&Testbed::get()?.config(config)?, self.scratch.path().join("traced.cfg"))?;
        let mut line = line.clone();
        line.env.push(("RUCIO_CONFIG".to_owned(), copy.to_string_lossy().into_owned()));
        if !sets("SITE_NAME") {
            line.env.push(("SITE_NAME".to_owned(), "{new}".to_owned()));
        }
        let outcome = self.run(case, &line, who, caches)?;
        let traces = server.close(files_there(&outcome.stdout), &self.places.fill("{new}")?)?;
        let listing = self.places.take_out(&traces::listing(traces)?);
        // If files are chosen at random, the traces name different ones.
        let chance = ["filename", "filesize"].map(str::to_owned);
        let fields: &[String] = if case.options.count_files { &chance } else { &[] };
        Ok((outcome, traces::without(&listing, fields)))
    }
}

/// Our result for the case, prepared as always, with these options before the command.
pub(super) fn ours_with(case: &Case, options: &[&str], caches: &Path) -> Result<Outcome> {
    let mut line = case.line.clone();
    line.words.splice(0..0, options.iter().map(ToString::to_string));
    Stage::set(case, caches)?.run(case, &line, Who::Ours, caches)
}

/// Prepare, run, look.
fn see(case: &Case, line: &Line, who: Who, caches: &Path) -> Result<Seen> {
    let stage = Stage::set(case, caches)?;
    let places = &stage.places;
    let prepared = Tree::read(&stage.work())?;
    let (outcome, traces) = stage.run_traced(case, line, who, caches)?;
    let tree = Tree::read(&stage.work())?.since(prepared).renamed(|name| places.take_out(name));
    let files = if case.options.count_files { tree.counted() } else { tree.listing() };
    let mut after = String::new();
    for check in &case.after {
        let outcome = aside(case, check, places, caches)?;
        let stdout = normal(case, places, &outcome.stdout);
        writeln!(after, "$ {} => {}\n{stdout}", check.text, outcome.code)?;
    }
    let stdout = normal(case, places, &outcome.stdout);
    let steady = places.take_out(&messages::steady(&outcome.stderr)?);
    let stderr = case.options.rules.iter().filter(|rule| !rule.sorts()).fold(steady, |text, rule| rule.apply(&text));
    Ok(Seen { stdout, stderr, outcome, files, traces, after })
}

/// Prepare or look at the server: for both clients alike by ours, which is fast.
fn aside(case: &Case, line: &Line, places: &Placeholders, caches: &Path) -> Result<Outcome> {
    run(case, line, Who::Ours, places, &caches.join("ours"))
}

fn normal(case: &Case, places: &Placeholders, stdout: &str) -> String {
    case.options.rules.iter().fold(places.take_out(stdout), |text, rule| rule.apply(&text))
}

/// Errors of the server when its database would have to wait for a row that another case has locked, or when another case
/// creates the same replica at that moment. (The second is its answer to any failed statement on a rule.)
const LOCKED: [&str; 3] = [
    "An unknown Database Exception has occurred",
    "Badly formatted rule id",
    "violates unique constraint \"REPLICAS_PK\"",
];

/// Run one line; again, if a row was locked.
fn run(case: &Case, line: &Line, who: Who, places: &Placeholders, cache: &Path) -> Result<Outcome> {
    let mut outcome = run_once(case, line, who, places, cache)?;
    for _ in 1..TRIES {
        if outcome.code == 0 || !LOCKED.iter().any(|text| outcome.stderr.contains(text)) {
            break;
        }
        std::thread::sleep(Duration::from_millis(500));
        outcome = run_once(case, line, who, places, cache)?;
    }
    Ok(outcome)
}

/// Each configuration has its own token folder, as token files are named only after the account.
fn run_once(case: &Case, line: &Line, who: Who, places: &Placeholders, cache: &Path) -> Result<Outcome> {
    let config = line.config.as_ref().unwrap_or(&case.options.config);
    let mut command = match (line.program.as_str(), who) {
        ("rucio", Who::Ours) => Rucio::ours(),
        ("rucio-admin", Who::Ours) => Rucio::ours().args(["admin"]),
        (program @ ("rucio" | "rucio-admin"), Who::Official) => Rucio::official(program)?,
        (program, _) => Rucio::program(program),
    };
    command = command.config(config)?.home(&cache.join(config)).limit(case.options.limit);
    command = command.folder(Path::new(&places.fill("{work}")?));
    for (name, value) in case.options.env.iter().chain(&line.env) {
        command = command.env(name, &places.fill(value)?);
    }
    let words: Vec<String> = line.words.iter().map(|word| places.fill(word)).collect::<Result<_>>()?;
    command.args(words).run().with_context(|| line.text.clone())
}

/// Number of files that a download reports as present.
fn files_there(stdout: &str) -> usize {
    let found = stdout.lines().filter_map(|line| line.strip_prefix("Files already found locally:"));
    found.filter_map(|number| number.trim().parse::<usize>().ok()).sum()
}

fn differences(official: &Seen, ours: &Seen) -> String {
    let mut text = format!("exit: official {}, ours {}\n", official.outcome.code, ours.outcome.code);
    let parts = [
        ("stdout", &official.stdout, &ours.stdout),
        ("files", &official.files, &ours.files),
        ("traces", &official.traces, &ours.traces),
        ("afterwards", &official.after, &ours.after),
    ];
    for (name, left, right) in parts {
        if left != right {
            let _ = write!(text, "--- {name} of the official client\n+++ {name} of ours\n{}", unified(left, right));
        }
    }
    text
}

/// stderr of both, shortened.
fn streams(official: &Seen, ours: &Seen) -> String {
    format!("stderr of the official client:\n{}\nstderr of ours:\n{}\n", short(official), short(ours))
}

fn short(seen: &Seen) -> String {
    seen.outcome.stderr.trim_end().chars().take(1_500).collect()
}
