//! Output of the findings, and the exit status of the command.

use serde::Serialize;

use super::screen::Screen;
use crate::cli::context::Context;
use crate::cli::ui::{Listing, Severity, Shape};
use crate::diagnosis::{Finding, Status};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::Hint;

const SHAPE: Shape = Shape { name: &["check", "subject"], columns: &["check", "status", "subject", "message", "hint"] };

/// A finding as a record.
#[derive(Serialize)]
struct Row<'a> {
    check: &'a str,
    status: Status,
    subject: &'a str,
    message: &'a str,
    hint: Option<&'a str>,
}

impl<'a> Row<'a> {
    fn new(finding: &'a Finding, hint: Option<&'a str>) -> Self {
        let Finding { check, status, subject, message, .. } = finding;
        Self { check, status: *status, subject, message, hint }
    }
}

/// Prints findings as they arrive, and counts them for the last line and the exit status.
pub(in crate::cli::commands) struct Report<'a> {
    context: &'a Context,
    list: Listing<'a>,
    failed: usize,
    /// Hints of findings that fail only because a login is missing.
    logins: Vec<Hint>,
    warnings: usize,
    /// What is shown at the end, at a terminal.
    screen: Option<Screen>,
}

impl<'a> Report<'a> {
    pub(in crate::cli::commands) fn new(context: &'a Context) -> Self {
        let screen = context.ui.is_terminal().then(|| Screen::new(context.verbose));
        Self { context, list: context.ui.list(SHAPE), failed: 0, logins: Vec::new(), warnings: 0, screen }
    }

    pub(in crate::cli::commands) fn add(&mut self, findings: Vec<Finding>) -> Result<()> {
        findings.iter().try_for_each(|finding| self.show(finding))
    }

    /// Adds findings, and returns whether one of them failed.
    pub(in crate::cli::commands) fn add_any_failed(&mut self, findings: Vec<Finding>) -> Result<bool> {
        let failed = findings.iter().any(|finding| finding.status == Status::Failed);
        self.add(findings).map(|()| failed)
    }

    fn show(&mut self, finding: &Finding) -> Result<()> {
        match finding.status {
            Status::Ok => {}
            Status::Warning => self.warnings += 1,
            Status::Failed if finding.requires_login => self.logins.extend(finding.hints.clone()),
            Status::Failed => self.failed += 1,
        }
        let hint = self.context.finding_hint(&finding.hints);
        self.list.record(&Row::new(finding, hint.as_deref()))?;
        if let Some(screen) = &mut self.screen {
            screen.add(finding, hint);
            return Ok(());
        }
        if self.context.quiet && finding.status == Status::Ok {
            return Ok(());
        }
        let word = finding.status.word();
        let tone = tone(finding.status);
        let rest = format!(
            "{:width$} {:<13} {}: {}",
            "",
            finding.check,
            finding.subject,
            finding.message,
            width = 7 - word.len()
        );
        self.context.ui.marked(word, tone, &rest)?;
        match hint {
            Some(hint) => self.context.ui.line(&format!("{:22}{hint}", "")),
            None => Ok(()),
        }
    }

    /// Ends the list. Errors: a check failed (exit status 1), or only a login is missing (4).
    pub(in crate::cli::commands) fn end(self) -> Result<()> {
        self.list.end()?;
        if let Some(screen) = &self.screen {
            screen.show(self.context)?;
        }
        match (self.failed, self.logins.into_iter().next(), self.warnings) {
            (0, None, 0) => self.context.ui.line("All checks passed."),
            (0, None, warnings) => self.context.ui.line(&format!("No check failed; {}.", count(warnings, "warning"))),
            (0, Some(login), _) => {
                let text = "Not logged in; everything else is fine.";
                Err(Error::new(Exception::CannotAuthenticate, text).with_hint(login))
            }
            (failed, ..) => Err(Error::value(format!("{} failed.", count(failed, "check")))),
        }
    }
}

fn count(number: usize, what: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {what}{ending}")
}

pub(super) fn tone(status: Status) -> Severity {
    match status {
        Status::Ok => Severity::Ok,
        Status::Warning => Severity::Warning,
        Status::Failed => Severity::Error,
    }
}
