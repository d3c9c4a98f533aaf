//! The end of a transfer: a line with its result, the files that failed, and the command to run next.

use std::time::Duration;

use super::line::time_taken;
use super::quantity::{rate, size};
use super::{Progress, columns};
use crate::cli::ui::one_line;
use crate::cli::ui::text::{NO_BREAK, wrap, wrap_command};

/// Number of failed files that are listed.
const LISTED: usize = 10;

/// What is said at the end.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// What was done to the files: `Downloaded`.
    pub verb: &'static str,
    /// The first files that failed, with the reasons.
    pub failures: Vec<(String, String)>,
    /// Bytes of unfinished files that the next run does not transfer again, and the number of these files; `None` unless
    /// the transfer was interrupted.
    pub kept: Option<(u64, u64)>,
    /// The command to run next, if files are missing.
    pub next_command: Option<String>,
}

/// Numbers for the line with the result.
#[derive(Debug, Clone, Copy)]
struct Totals {
    expected: u64,
    done: u64,
    already_there: u64,
    failed: u64,
    moved: u64,
    time: Duration,
}

impl Report {
    /// Adds a failed file. Only the first ones are kept.
    pub fn add_failure(&mut self, name: &str, reason: &str) {
        if self.failures.len() < LISTED {
            self.failures.push((name.to_owned(), reason.to_owned()));
        }
    }

    fn lines(&self, totals: Totals, width: usize) -> Vec<String> {
        let mut lines = Vec::new();
        if totals.failed > 0 {
            lines.push(format!("{} of {}:", totals.failed, files(totals.expected.max(totals.failed), "failed")));
            for (name, reason) in &self.failures {
                let text = format!("{}  {}", one_line(name), one_line(reason));
                lines.push(wrap("  ", &text, width, 4));
            }
            let more = totals.failed.saturating_sub(self.failures.len() as u64);
            if more > 0 {
                lines.push(format!("  ... and {more} more"));
            }
        }
        // Numbers stay with their units.
        lines.push(wrap("", &self.result(totals), width, 2).replace(NO_BREAK, " "));
        if let Some(command) = &self.next_command {
            let word = if self.kept.is_some() { "Resume" } else { "Retry" };
            // It can be pasted as it is.
            lines.push(wrap_command(&format!("{word}: "), command, width, 4));
        }
        lines
    }

    fn result(&self, totals: Totals) -> String {
        let Totals { expected, done, already_there, moved, time, .. } = totals;
        let is_interrupted = self.kept.is_some();
        let transferred = if is_interrupted { done } else { done - already_there.min(done) };
        let mut rest = Vec::new();
        if already_there > 0 && !is_interrupted {
            rest.push(format!("{already_there} already there"));
        }
        if let Some((bytes, partial)) = self.kept
            && partial > 0
        {
            rest.push(format!("{partial} partly ({} kept)", unbroken(&size(bytes))));
        }
        let rest = rest.iter().map(|part| format!("; {part}")).collect::<String>();
        let seconds = time.as_secs_f64();
        let speed = if moved > 0 && seconds > 0.0 {
            format!(" ({})", unbroken(&rate(moved as f64 / seconds)))
        } else {
            String::new()
        };
        let amount = format!("{} in {}{speed}", unbroken(&size(moved)), time_taken(time));
        let count = if transferred == expected {
            files(expected, "")
        } else {
            format!("{transferred} of {}", files(expected, ""))
        };
        match self.kept {
            Some(_) => format!("Interrupted: {count} done, {amount}{rest}"),
            None => format!("{} {count}, {amount}{rest}", self.verb),
        }
    }
}

fn unbroken(text: &str) -> String {
    text.replace(' ', NO_BREAK)
}

fn files(number: u64, behind: &str) -> String {
    let noun = if number == 1 { "file" } else { "files" };
    format!("{number} {noun} {behind}").trim_end().to_owned()
}

impl Progress {
    /// Prints the report. Call it after [`Progress::finish`].
    pub fn print_report(&self, report: &Report) {
        let numbers = self.count.files();
        let load = |number: &std::sync::atomic::AtomicU64| number.load(std::sync::atomic::Ordering::Relaxed);
        let totals = Totals {
            expected: numbers.expected.max(numbers.done + numbers.failed),
            done: numbers.done,
            already_there: load(&self.count.already_there),
            failed: numbers.failed,
            moved: load(&self.count.moved),
            time: self.count.start.elapsed(),
        };
        for line in report.lines(totals, columns()) {
            self.print(&line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOTALS: Totals = Totals {
        expected: 10,
        done: 10,
        already_there: 0,
        failed: 0,
        moved: 92_160_000,
        time: Duration::from_millis(8_200),
    };

    fn report() -> Report {
        Report { verb: "Downloaded", ..Report::default() }
    }

    #[test]
    fn report_of_a_success_has_bytes_time_and_rate() {
        assert_eq!(report().lines(TOTALS, 79), ["Downloaded 10 files, 92.2 MB in 8.2s (11.2 MB/s)"]);
        let some = Totals { already_there: 3, ..TOTALS };
        assert_eq!(
            report().lines(some, 79),
            ["Downloaded 7 of 10 files, 92.2 MB in 8.2s (11.2 MB/s); 3 already there"]
        );
        assert_eq!(report().lines(TOTALS, 39), ["Downloaded 10 files, 92.2 MB in 8.2s\n  (11.2 MB/s)"]);
    }

    #[test]
    fn report_repeats_failures_and_names_the_next_command() {
        let mut report = report();
        (0..12)
            .for_each(|number| report.add_failure(&format!("s:f{number}"), "DAVS: the storage answered 404 Not Found"));
        report.next_command = Some("rucio download s:d".to_owned());
        let lines = report.lines(Totals { expected: 20, done: 8, failed: 12, ..TOTALS }, 79);
        assert_eq!(lines[..2], ["12 of 20 files failed:", "  s:f0  DAVS: the storage answered 404 Not Found"]);
        let end =
            ["  ... and 2 more", "Downloaded 8 of 20 files, 92.2 MB in 8.2s (11.2 MB/s)", "Retry: rucio download s:d"];
        assert_eq!(lines[11..], end);
    }

    #[test]
    fn report_of_an_interruption_has_what_is_kept() {
        let report =
            Report { kept: Some((39_900_000, 3)), next_command: Some("rucio download s:d".to_owned()), ..report() };
        let expected = [
            "Interrupted: 7 of 10 files done, 92.2 MB in 8.2s (11.2 MB/s); 3 partly (39.9 MB kept)",
            "Resume: rucio download s:d",
        ];
        let some = Totals { done: 7, already_there: 2, ..TOTALS };
        assert_eq!(report.lines(some, 99), expected);
        let lines = report.lines(some, 24);
        assert_eq!(lines.last().map(String::as_str), Some("Resume: rucio download \\\n    s:d"));
    }
}
