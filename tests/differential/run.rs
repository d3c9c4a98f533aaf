//! All cases, two at a time: first those that only read, then those that change the server; then the report.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::case::Case;
use super::check::{Checked, NotHere, Verdict, check};
use super::{messages, say};
use crate::support::{Rucio, Testbed, var};

const WORKERS: usize = 2;
const PROGRESS: usize = 20;

/// Run them, report every failure, and fail if there was one.
pub(super) fn all(cases: &[Case]) -> Result<()> {
    let is_of_other_release = !Testbed::get()?.has_current_servers();
    let caches = tempfile::tempdir()?;
    let summary = Summary { total: cases.len(), is_of_other_release, ..Summary::default() };
    // Cases that change the server touch only what they created, so they may run concurrently, but not with listings.
    let (reading, changing): (Vec<&Case>, Vec<&Case>) = cases.iter().partition(|case| case.reads_only());
    for phase in [reading, changing] {
        let next = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..WORKERS {
                scope.spawn(|| {
                    while let Some(case) = phase.get(next.fetch_add(1, Ordering::Relaxed)) {
                        summary.one(case, caches.path());
                    }
                });
            }
        });
    }
    remove_rses()?;
    summary.finish()
}

/// Removes the RSEs that the cases created: all later listings of RSEs would show them.
fn remove_rses() -> Result<()> {
    let listed = Rucio::ours().config("root")?.args(["rse", "list"]).run()?;
    for rse in listed.stdout.lines().filter(|rse| rse.starts_with("DIFF")) {
        // One that cannot be removed is no fault of the clients.
        Rucio::ours().config("root")?.args(["rse", "remove", rse]).run()?;
    }
    Ok(())
}

#[derive(Default)]
struct Summary {
    total: usize,
    is_of_other_release: bool,
    done: AtomicUsize,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    identical: usize,
    known: usize,
    inapplicable: usize,
    failed: Vec<String>,
    traced: usize,
    /// Lines of the official client's stderr, and those that ours lacks: without a reason, and by the reason's name.
    lines: usize,
    missing: usize,
    explained: BTreeMap<String, usize>,
    official: Duration,
    ours: Duration,
}

impl Summary {
    /// Run a case and count how it ended.
    fn one(&self, case: &Case, caches: &Path) {
        let checked = check(case, caches);
        let mut counts = self.counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match checked {
            Ok(checked) => counts.add(case, checked),
            Err(error) if error.is::<NotHere>() => counts.inapplicable(case, &format!("{error:#}\n")),
            Err(error) => counts.fail(case, &format!("{error:#}\n")),
        }
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(PROGRESS) {
            say(&format!("differential: {done} of {}, {} failed", self.total, counts.failed.len()));
        }
    }

    fn finish(self) -> Result<()> {
        let counts = self.counts.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Counts { identical, known, inapplicable, failed, traced, lines, missing, explained, official, ours } =
            counts;
        let seen = identical + known + inapplicable + failed.len();
        ensure!(seen == self.total, "{seen} of {} cases were run", self.total);
        say(&format!("time: official client {official:.1?}, ours {ours:.1?}; traces in {traced} cases"));
        say(&messages::report(lines, missing, &explained));
        ensure!(
            traced > 0 || var("RUCIO_DIFF").is_some(),
            "no case sent a trace: the clients do not know their servers"
        );
        let mut line =
            format!("{seen} cases, {identical} identical, {known} known differences, {} failed", failed.len());
        if self.is_of_other_release {
            line = format!("{line}, {inapplicable} inapplicable to servers of this version");
        }
        say(&line);
        ensure!(failed.is_empty(), "{line}:\n  {}", failed.join("\n  "));
        if var("RUCIO_DIFF").is_none() && !self.is_of_other_release {
            let unused: Vec<_> = messages::differences().filter(|id| !explained.contains_key(*id)).collect();
            ensure!(unused.is_empty(), "these differences of stderr explain no line any more: {unused:?}");
        }
        Ok(())
    }
}

impl Counts {
    fn add(&mut self, case: &Case, checked: Checked) {
        self.official += checked.official.took;
        self.ours += checked.ours;
        self.traced += usize::from(checked.traced);
        self.lines += checked.messages.official;
        self.missing += checked.messages.missing.len();
        for (id, number) in &checked.messages.explained {
            *self.explained.entry(id.clone()).or_default() += number;
        }
        if var("RUCIO_DIFF_ALL").is_some() {
            let outcome = &checked.official;
            say(&format!("{} => {}\n{}{}", case.title(), outcome.code, outcome.stdout, outcome.stderr));
        }
        match checked.verdict {
            Verdict::Identical => self.identical += 1,
            Verdict::Known => self.known += 1,
            Verdict::Inapplicable(reason) => self.inapplicable(case, &reason),
            Verdict::Failed(report) => self.fail(case, &report),
        }
    }

    fn inapplicable(&mut self, case: &Case, reason: &str) {
        say(&format!("inapplicable: {}\n{reason}", case.title()));
        self.inapplicable += 1;
    }

    fn fail(&mut self, case: &Case, report: &str) {
        say(&format!("\n==== {}\n{report}", case.title()));
        self.failed.push(case.title());
    }
}
