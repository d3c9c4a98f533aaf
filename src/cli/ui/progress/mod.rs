//! What a transfer shows at a terminal: a bar for each active file and for the total, a line for each file that ended, and
//! a closing report. `line` lays out the lines, `style` has their characters and colours, `quantity` sizes and times,
//! `report` the end, `speed` computes rates, `echo` hides the typed ^C. What is transferred is reported by events.

mod echo;
mod file_bar;
mod line;
mod locks;
mod quantity;
mod report;
mod speed;
mod style;

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use console::{Term, measure_text_width};
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use super::text::wrap;
use super::{Ui, one_line};
use crate::lock::lock;
use echo::Echo;
pub use file_bar::FileBar;
use line::{Done, Ended, Files, Widths};
pub use locks::LocksBar;
pub use report::Report;
use speed::Speed;
pub use style::{Mark, Style};

/// Lines of the screen that file bars leave free for the total and for lines above.
const RESERVED_LINES: usize = 3;
/// Interval at which bars are redrawn without progress.
const TICK: Duration = Duration::from_millis(250);
/// Columns of a mark and the blanks behind it.
const MARK: usize = 5;

/// The screen of one transfer.
#[derive(Debug, Clone)]
pub struct Progress {
    bars: MultiProgress,
    whole: ProgressBar,
    count: Arc<Count>,
    echo: Arc<Mutex<Option<Echo>>>,
    style: Style,
}

#[derive(Debug)]
struct Count {
    start: Instant,
    expected: AtomicU64,
    done: AtomicU64,
    already_there: AtomicU64,
    failed: AtomicU64,
    /// Bytes transferred, also if they were discarded later; the rate is computed from them.
    moved: AtomicU64,
    speed: Mutex<Speed>,
    /// Number of file bars on the screen.
    shown: AtomicUsize,
    /// Widths of the columns.
    name_width: AtomicUsize,
    label_width: AtomicUsize,
}

impl Progress {
    /// Creates the screen of a transfer. `None` if nothing is drawn.
    pub fn new(ui: &Ui) -> Option<Self> {
        let bars = ui.bars();
        (!bars.is_hidden()).then(|| Self { echo: Arc::new(Mutex::new(Echo::off())), ..Self::on(bars, ui.style()) })
    }

    fn on(bars: MultiProgress, style: Style) -> Self {
        let count = Arc::new(Count::new());
        let whole = bars.add(ProgressBar::new(0).with_style(Arc::clone(&count).total_style(style)));
        if !bars.is_hidden() {
            whole.enable_steady_tick(TICK);
        }
        Self { bars, whole, count, echo: Arc::default(), style }
    }

    /// Adds expected files and bytes to the total.
    pub fn expect(&self, files: u64, bytes: u64) {
        self.count.expected.fetch_add(files, Ordering::Relaxed);
        self.whole.inc_length(bytes);
    }

    /// Starts the bar of a file. `label` is its RSE, or the phase of an upload.
    pub fn file_started(&self, name: &str, label: &str, bytes: u64) -> FileBar {
        FileBar::start(self, name, label, bytes, true)
    }

    /// Starts the bar of an archive that contains files; only the files count towards the total.
    pub fn archive_started(&self, name: &str, label: &str, bytes: u64) -> FileBar {
        FileBar::start(self, name, label, bytes, false)
    }

    /// Counts a file of this size as there before.
    pub fn already_there(&self, bytes: u64) {
        self.whole.inc(bytes);
        self.count.done.fetch_add(1, Ordering::Relaxed);
        self.count.already_there.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a file of this size as complete although it had no bar.
    pub fn done_without_bar(&self, bytes: u64) {
        self.whole.inc(bytes);
        self.count.done.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a file of this size as failed.
    pub fn failed(&self, bytes: u64) {
        self.whole.dec_length(bytes);
        self.count.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// Prints the line of a file that was transferred, above the bars. `moved` is how many of its bytes were transferred
    /// in `time`.
    pub fn print_ended(&self, name: &str, label: &str, bytes: Option<u64>, moved: u64, time: Duration) {
        let (name, label) = (one_line(name), one_line(label));
        self.count.widen(&name, &label);
        let file = Ended { name: &name, label: &label, bytes, moved, time };
        self.print(&line::ended(columns(), self.count.widths(), file, self.style));
    }

    /// Prints what happened to a file, above the bars.
    pub fn print_note(&self, mark: Mark, name: &str, text: &str) {
        let text = format!("{}  {}", one_line(name), one_line(text));
        self.print(&wrap(&self.style.mark(mark, MARK), &text, columns().max(2 * MARK), MARK + 2));
    }

    /// Prints lines above the bars.
    pub fn print(&self, text: &str) {
        // An error could only be reported on standard error.
        let _ = self.bars.suspend(|| writeln!(io::stderr(), "{text}"));
    }

    /// Removes all bars from the screen.
    pub fn finish(&self) {
        self.whole.finish_and_clear();
        drop(lock(&self.echo).take());
    }
}

/// Returns the usable columns of the terminal: without the last one.
fn columns() -> usize {
    usize::from(Term::stderr().size().1).saturating_sub(1)
}

impl Count {
    fn new() -> Self {
        let zero = || AtomicU64::new(0);
        let start = Instant::now();
        Self {
            start,
            expected: zero(),
            done: zero(),
            already_there: zero(),
            failed: zero(),
            moved: zero(),
            speed: Mutex::new(Speed::new(start)),
            shown: AtomicUsize::new(0),
            name_width: AtomicUsize::new(0),
            label_width: AtomicUsize::new(0),
        }
    }

    fn files(&self) -> Files {
        let [expected, done, failed] =
            [&self.expected, &self.done, &self.failed].map(|number| number.load(Ordering::Relaxed));
        Files { expected, done, failed }
    }

    /// Widens the columns for a file.
    fn widen(&self, name: &str, label: &str) {
        self.name_width.fetch_max(measure_text_width(name), Ordering::Relaxed);
        self.label_width.fetch_max(measure_text_width(label), Ordering::Relaxed);
    }

    fn widths(&self) -> Widths {
        let [name, label] = [&self.name_width, &self.label_width].map(|width| width.load(Ordering::Relaxed));
        Widths { name, label }
    }

    fn total_style(self: Arc<Self>, style: Style) -> ProgressStyle {
        drawn(move |width, state| {
            let rate = rate(&self.speed, &self.moved);
            let done = done(state, rate);
            line::whole(width, self.files(), done, style)
        })
    }
}

fn done(state: &ProgressState, rate: Option<f64>) -> Done {
    Done { bytes: state.pos(), of: state.len().unwrap_or(0), rate, elapsed: state.elapsed() }
}

fn rate(speed: &Mutex<Speed>, moved: &AtomicU64) -> Option<f64> {
    lock(speed).at(Instant::now(), moved.load(Ordering::Relaxed))
}

/// Style whose line is formatted for the terminal's current width at every redraw.
fn drawn(line: impl Fn(usize, &ProgressState) -> String + Clone + Send + Sync + 'static) -> ProgressStyle {
    let write = move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        // An error cannot be reported from here.
        let _ = out.write_str(&line(columns(), state));
    };
    let style = ProgressStyle::with_template("{line}").unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("line", write)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::ui::screen;

    pub(super) fn hidden() -> Progress {
        Progress::on(screen::bars(false), Style { utf8: true, colours: false })
    }

    fn count(progress: &Progress) -> (u64, u64, u64) {
        let files = progress.count.files();
        (files.expected, files.done, files.failed)
    }

    #[test]
    fn progress_sums_bytes_and_files() {
        let progress = hidden();
        progress.expect(3, 40);
        let first = progress.file_started("a", "X", 10);
        first.advance(4);
        first.advance(6);
        first.finish();
        progress.already_there(20);
        progress.failed(10);
        assert_eq!((progress.whole.position(), progress.whole.length()), (30, Some(30)));
        assert_eq!(count(&progress), (3, 2, 1));
    }

    #[test]
    fn progress_rate_leaves_out_what_was_resumed() {
        let progress = hidden();
        progress.expect(1, 1_000_000);
        let bar = progress.file_started("a", "X", 1_000_000);
        bar.resume(900_000);
        assert_eq!((bar.position(), progress.whole.position()), (900_000, 900_000));
        assert_eq!(progress.count.moved.load(Ordering::Relaxed), 0);
        // `finish` adds the bytes that were not reported.
        bar.finish();
        assert_eq!(progress.whole.position(), 1_000_000);
    }

    #[test]
    fn progress_subtracts_the_bytes_of_a_failed_file() {
        let progress = hidden();
        let bar = progress.file_started("a", "X", 10);
        bar.advance(4);
        bar.restart();
        assert_eq!((bar.position(), progress.whole.position()), (0, 0));
        bar.advance(3);
        drop(bar);
        assert_eq!(progress.whole.position(), 0);
    }

    #[test]
    fn progress_total_leaves_out_archives() {
        let progress = hidden();
        let archive = progress.archive_started("a.zip", "X", 100);
        archive.advance(60);
        assert_eq!((archive.position(), progress.whole.position()), (60, 0));
        archive.finish();
        assert_eq!((progress.whole.position(), count(&progress)), (0, (0, 0, 0)));
    }

    #[test]
    fn progress_total_counts_only_the_upload_among_the_phases() {
        let progress = hidden();
        progress.expect(1, 10);
        let bar = progress.file_started("a", "checksum", 10);
        bar.start_phase("checksum", Some(10), false);
        bar.advance(10);
        assert_eq!((bar.position(), progress.whole.position()), (10, 0));
        bar.start_phase("upload", Some(10), true);
        bar.advance(7);
        assert_eq!((bar.position(), progress.whole.position()), (7, 7));
        bar.advance(3);
        bar.start_phase("verify", None, false);
        assert_eq!((bar.position(), progress.whole.position()), (0, 10));
        bar.finish();
        assert_eq!((progress.whole.position(), count(&progress)), (10, (1, 1, 0)));
    }

    #[test]
    fn progress_bars_stop_at_a_full_screen() {
        let progress = hidden();
        let bars: Vec<_> = (0..100).map(|number| progress.file_started(&number.to_string(), "X", 1)).collect();
        let shown = bars.iter().filter(|bar| bar.is_shown()).count();
        assert_eq!((shown, progress.count.shown.load(Ordering::Relaxed)), (24 - RESERVED_LINES, shown));
        drop(bars);
        assert_eq!(progress.count.shown.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn progress_template_is_valid() {
        assert!(ProgressStyle::with_template("{line}").is_ok());
    }
}
