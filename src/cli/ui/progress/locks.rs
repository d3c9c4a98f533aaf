//! The bar of a rule that a command waits for.

use std::time::{Duration, Instant};

use console::measure_text_width;
use indicatif::{MultiProgress, ProgressBar};

use super::quantity::time;
use super::{TICK, drawn};
use crate::cli::ui::text::{cut, left, shortened};
use crate::cli::ui::{Ui, one_line};

/// Minimum width of a bar; a narrower one is omitted.
const MIN_BAR: usize = 8;
/// Minimum columns of the DID, if the line has them.
const MIN_NAME: usize = 24;

/// Progress bar of one rule. Dropping it removes it from the screen.
#[derive(Debug)]
pub struct LocksBar {
    bar: ProgressBar,
    bars: MultiProgress,
    style: super::Style,
    start: Instant,
    end: Option<Instant>,
}

/// What the line of a rule shows.
struct RuleLine<'a> {
    name: &'a str,
    state: &'a str,
    /// Locks that are OK, replicating and stuck.
    locks: [u64; 3],
    elapsed: Duration,
    remaining: Option<Duration>,
}

impl LocksBar {
    /// Creates a bar; `None` unless output and progress bars are on a terminal. `end` is when the wait ends at the latest.
    pub fn new(ui: &Ui, end: Option<Instant>) -> Option<Self> {
        let bars = ui.bars();
        if !ui.is_terminal() || bars.is_hidden() {
            return None;
        }
        let bar = bars.add(ProgressBar::new(0));
        Some(Self { bar, bars, style: ui.style(), start: Instant::now(), end })
    }

    /// Shows the DID, the rule's state and its numbers of locks that are OK, replicating and stuck.
    pub fn show(&self, name: &str, state: &str, locks: [u64; 3]) {
        let (name, state) = (one_line(name).into_owned(), one_line(state).into_owned());
        let (start, end, style) = (self.start, self.end, self.style);
        self.bar.set_style(drawn(move |width, _| {
            let now = Instant::now();
            let remaining = end.map(|end| end.saturating_duration_since(now));
            let elapsed = now.saturating_duration_since(start);
            rule_line(width, &RuleLine { name: &name, state: &state, locks, elapsed, remaining }, style)
        }));
        self.bar.enable_steady_tick(TICK);
    }
}

fn rule_line(width: usize, rule: &RuleLine<'_>, style: super::Style) -> String {
    let [ok, replicating, stuck] = rule.locks;
    let all = ok + replicating + stuck;
    let clock = match rule.remaining {
        Some(remaining) => format!("{}, {} left", time(rule.elapsed), time(remaining)),
        None => time(rule.elapsed),
    };
    let stuck = if stuck > 0 { format!(", {stuck} stuck") } else { String::new() };
    let long = format!("{} {ok} of {all} locks ok{stuck}  {clock}", rule.state);
    let short = format!("{ok}/{all} ok{stuck}  {}", time(rule.elapsed));
    let least = measure_text_width(rule.name).min(MIN_NAME).min(width / 4);
    let percent = (all > 0).then(|| ok * 100 / all);
    for rest in [&long, &short] {
        let room = width.saturating_sub(measure_text_width(rest) + 2);
        if room >= least + MIN_BAR + 2 {
            let name_width = measure_text_width(rule.name).min(room - MIN_BAR - 2);
            let bar = style.file_bar((room - name_width - 2).min(3 * MIN_BAR), percent, rule.elapsed);
            return format!("{}  {bar}  {rest}", shortened(rule.name, name_width));
        }
        if room >= least {
            return format!("{}  {rest}", shortened(rule.name, room));
        }
    }
    cut(&left(&short, width), width).trim_end().to_owned()
}

impl Drop for LocksBar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        self.bars.remove(&self.bar);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::ui::progress::Style;

    #[test]
    fn rule_line_fits_any_width() {
        let style = Style { utf8: false, colours: false };
        let rule = RuleLine {
            name: "user.jdoe:a.dataset.of.many.files",
            state: "REPLICATING",
            locks: [30, 60, 10],
            elapsed: Duration::from_secs(75),
            remaining: Some(Duration::from_secs(20)),
        };
        let cases = [
            (
                120,
                "user.jdoe:a.dataset.of.many.files  #######.................  REPLICATING 30 of 100 locks ok, 10 stuck  1m15s, 20s left",
            ),
            (80, "user.j….of.many.files  REPLICATING 30 of 100 locks ok, 10 stuck  1m15s, 20s left"),
            (60, "user.jd….of.many.files  ##......  30/100 ok, 10 stuck  1m15s"),
            (39, "use…y.files  30/100 ok, 10 stuck  1m15s"),
        ];
        for (width, expected) in cases {
            let line = rule_line(width, &rule, style);
            assert!(measure_text_width(&line) <= width, "{width}: {line}");
            assert_eq!(line, expected, "{width}");
        }
    }
}
