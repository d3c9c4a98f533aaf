//! The findings at a terminal: one line per group of checks, problems last.

use console::truncate_str;

use super::report::tone;
use crate::cli::context::Context;
use crate::cli::ui::{field, terminal_width};
use crate::diagnosis::{Finding, Status};
use crate::error::Result;

/// The groups in the order of the checks, with the checks of each.
const GROUPS: [(&str, &[&str]); 6] = [
    ("Configuration", &["configuration", "environment", "settings"]),
    ("Credentials", &["credentials"]),
    ("Server", &["ca", "clock", "name", "connection", "tls", "server"]),
    ("Login", &["token", "login"]),
    ("Storages", &["storages"]),
    ("Transfers", &["transfers"]),
];
/// Width of the column with names.
const NAME_WIDTH: usize = 15;
/// Width of the column with the status.
const STATUS_WIDTH: usize = 9;

/// Findings to show at the end.
#[derive(Debug)]
pub(super) struct Screen {
    findings: Vec<(Finding, Option<String>)>,
    /// Whether every check is shown, not only its group.
    is_detailed: bool,
}

impl Screen {
    pub(super) fn new(is_detailed: bool) -> Self {
        Self { findings: Vec::new(), is_detailed }
    }

    pub(super) fn add(&mut self, finding: &Finding, hint: Option<String>) {
        self.findings.push((finding.clone(), hint));
    }

    pub(super) fn show(&self, context: &Context) -> Result<()> {
        if !context.quiet {
            for (name, checks) in self.groups() {
                let of_group: Vec<_> = self.findings.iter().map(|(finding, _)| finding).collect();
                let of_group: Vec<_> = of_group.into_iter().filter(|one| checks.contains(&one.check)).collect();
                self.show_group(context, name, &of_group)?;
            }
        }
        let problems: Vec<_> = self.findings.iter().filter(|(finding, _)| finding.status != Status::Ok).collect();
        if !problems.is_empty() && !context.quiet {
            context.ui.line("")?;
        }
        problems.into_iter().try_for_each(|(finding, hint)| show_problem(context, finding, hint.as_deref()))
    }

    /// Returns the groups, with a last one for checks that are in none.
    fn groups(&self) -> Vec<(&'static str, Vec<&'static str>)> {
        let mut groups: Vec<_> = GROUPS.iter().map(|(name, checks)| (*name, checks.to_vec())).collect();
        let is_known = |check: &str| GROUPS.iter().any(|(_, checks)| checks.contains(&check));
        let others = self.findings.iter().map(|(finding, _)| finding.check).filter(|check| !is_known(check));
        groups.push(("Other", others.collect()));
        groups
    }

    fn show_group(&self, context: &Context, name: &str, findings: &[&Finding]) -> Result<()> {
        let Some(worst) = findings.iter().map(|finding| finding.status).max_by_key(|status| rank(*status)) else {
            return Ok(());
        };
        if self.is_detailed {
            context.ui.line(name)?;
            return findings.iter().try_for_each(|finding| {
                let text = format!("{}: {}", finding.subject, finding.message);
                entry(context, &format!(" {}", finding.check), finding.status, &text)
            });
        }
        let good = findings.iter().find(|finding| finding.status == worst).copied();
        let text = good.map(|finding| format!("{}: {}", finding.subject, finding.message)).unwrap_or_default();
        let room = terminal_width().saturating_sub(NAME_WIDTH + STATUS_WIDTH);
        entry(context, name, worst, &truncate_str(&text, room, "…"))
    }
}

fn show_problem(context: &Context, finding: &Finding, hint: Option<&str>) -> Result<()> {
    let text = format!("{}: {}", finding.subject, finding.message);
    entry(context, finding.check, finding.status, &text)?;
    match hint {
        Some(hint) => {
            let start = format!("{:NAME_WIDTH$}fix:", "");
            context.ui.line(&field(&start, hint, terminal_width(), start.len() + 1))
        }
        None => Ok(()),
    }
}

/// Prints name, status and text; further lines of the text are indented.
fn entry(context: &Context, name: &str, status: Status, text: &str) -> Result<()> {
    let word = status.word();
    let name = format!("{name:<NAME_WIDTH$}");
    let text = field(&format!("{name}{word}"), text, terminal_width(), NAME_WIDTH + STATUS_WIDTH);
    let rest = text.get(name.len() + word.len()..).unwrap_or_default();
    context.ui.marked_after(&name, word, tone(status), rest)
}

fn rank(status: Status) -> u8 {
    match status {
        Status::Ok => 0,
        Status::Warning => 1,
        Status::Failed => 2,
    }
}
