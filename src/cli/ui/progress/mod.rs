//! Progress bars of downloads and uploads: one for the total, one for each active file.
//! `line` lays out a bar, `speed` computes rates, `echo` hides the typed ^C. What is transferred is reported by events.

mod echo;
mod line;
mod speed;

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use super::{Ui, clean};
use echo::Echo;
use line::{Done, Files};
use speed::Speed;

use crate::lock::lock;

const LOCKS: &str = "{prefix} [{bar:24}] {msg}";
/// Lines of the screen that file bars leave free for the total and for log lines.
const RESERVED_LINES: usize = 3;
/// Interval at which bars are redrawn without progress.
const TICK: Duration = Duration::from_millis(250);

/// Progress bars of one transfer. They only count if standard error is not a terminal.
#[derive(Debug, Clone)]
pub struct Progress {
    bars: MultiProgress,
    whole: ProgressBar,
    count: Arc<Count>,
    echo: Arc<Mutex<Option<Echo>>>,
}

#[derive(Debug)]
struct Count {
    expected: AtomicU64,
    done: AtomicU64,
    failed: AtomicU64,
    /// Bytes transferred, also if they were discarded later; the rate is computed from them.
    moved: AtomicU64,
    speed: Mutex<Speed>,
    /// Number of file bars on the screen.
    shown: AtomicUsize,
}

/// Progress bar of one file. If it is dropped unfinished, its bytes are subtracted from the total.
#[derive(Debug)]
pub struct FileBar {
    bar: ProgressBar,
    moved: Arc<AtomicU64>,
    progress: Progress,
    /// Whether it has a line on the screen.
    shown: bool,
    /// Whether its bytes count towards the total.
    counts: bool,
}

impl Progress {
    /// Creates the bars of a transfer among `bars`, which is [`super::Ui::bars`].
    pub fn new(bars: MultiProgress) -> Self {
        let count = Arc::new(Count::new());
        let whole = bars.add(ProgressBar::new(0).with_style(count.clone().style()));
        if bars.is_hidden() {
            return Self { bars, whole, count, echo: Arc::default() };
        }
        whole.enable_steady_tick(TICK);
        Self { bars, whole, count, echo: Arc::new(Mutex::new(Echo::off())) }
    }

    /// Adds expected files and bytes to the total.
    pub fn expect(&self, files: u64, bytes: u64) {
        self.count.expected.fetch_add(files, Ordering::Relaxed);
        self.whole.inc_length(bytes);
    }

    /// Starts the bar of a file.
    pub fn file_started(&self, name: &str, bytes: u64) -> FileBar {
        self.started(name, bytes, true)
    }

    /// Starts the bar of an archive that contains files; only the files count towards the total.
    pub fn archive_started(&self, name: &str, bytes: u64) -> FileBar {
        self.started(name, bytes, false)
    }

    /// Counts a file of this size as complete without a transfer.
    pub fn skipped(&self, bytes: u64) {
        self.whole.inc(bytes);
        self.count.done.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a file of this size as failed.
    pub fn failed(&self, bytes: u64) {
        self.whole.dec_length(bytes);
        self.count.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// Removes all bars from the screen.
    pub fn finish(&self) {
        self.whole.finish_and_clear();
        drop(lock(&self.echo).take());
    }

    /// Starts a bar; if the screen is full, the file counts without one.
    fn started(&self, name: &str, bytes: u64, counts: bool) -> FileBar {
        let rows = usize::from(Term::stderr().size().0);
        let shown = self.count.shown.load(Ordering::Relaxed) < rows.saturating_sub(RESERVED_LINES).max(1);
        let moved = Arc::<AtomicU64>::default();
        let bar = if shown {
            self.count.shown.fetch_add(1, Ordering::Relaxed);
            let bar = ProgressBar::new(bytes).with_style(of_file(clean(name).into_owned(), moved.clone()));
            let bar = self.bars.insert_before(&self.whole, bar);
            if !self.bars.is_hidden() {
                // Redraw it also if the file has stalled.
                bar.enable_steady_tick(TICK);
            }
            bar
        } else {
            ProgressBar::hidden()
        };
        bar.set_length(bytes);
        FileBar { bar, moved, progress: self.clone(), shown, counts }
    }
}

impl Count {
    fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            expected: zero(),
            done: zero(),
            failed: zero(),
            moved: zero(),
            speed: Mutex::new(Speed::new(Instant::now())),
            shown: AtomicUsize::new(0),
        }
    }

    fn files(&self) -> Files {
        let [expected, done, failed] =
            [&self.expected, &self.done, &self.failed].map(|number| number.load(Ordering::Relaxed));
        Files { expected, done, failed }
    }

    fn style(self: Arc<Self>) -> ProgressStyle {
        drawn(move |width, state| {
            let rate = rate(&self.speed, &self.moved);
            let done = Done { bytes: state.pos(), of: state.len().unwrap_or(0), rate };
            line::whole(width, self.files(), done)
        })
    }
}

/// Style of a file's bar.
fn of_file(name: String, moved: Arc<AtomicU64>) -> ProgressStyle {
    let speed = Arc::new(Mutex::new(Speed::new(Instant::now())));
    drawn(move |width, state| {
        let done = Done { bytes: state.pos(), of: state.len().unwrap_or(0), rate: rate(&speed, &moved) };
        line::file(width, &name, done)
    })
}

fn rate(speed: &Mutex<Speed>, moved: &AtomicU64) -> Option<f64> {
    lock(speed).at(Instant::now(), moved.load(Ordering::Relaxed))
}

/// Style whose line is formatted for the terminal's current width at every redraw.
fn drawn(line: impl Fn(usize, &ProgressState) -> String + Clone + Send + Sync + 'static) -> ProgressStyle {
    let write = move |state: &ProgressState, out: &mut dyn Write| {
        // An error cannot be reported from here.
        let _ = out.write_str(&line(usize::from(Term::stderr().size().1), state));
    };
    style("{line}").with_key("line", write)
}

impl FileBar {
    /// Adds transferred bytes.
    pub fn advance(&self, bytes: u64) {
        self.moved.fetch_add(bytes, Ordering::Relaxed);
        if self.counts {
            self.progress.count.moved.fetch_add(bytes, Ordering::Relaxed);
        }
        self.resume(bytes);
    }

    /// Adds bytes that are present already; they do not count towards the rate.
    pub fn resume(&self, bytes: u64) {
        self.bar.inc(bytes);
        if self.counts {
            self.progress.whole.inc(bytes);
        }
    }

    /// Resets the file to zero bytes, for instance for another source.
    pub fn restart(&self) {
        if self.counts {
            self.progress.whole.dec(self.bar.position());
        }
        self.bar.set_position(0);
    }

    /// Counts the file as complete and removes its bar.
    pub fn finish(self) {
        if self.counts {
            let missing = self.bar.length().unwrap_or(0).saturating_sub(self.bar.position());
            self.progress.whole.inc(missing);
            self.progress.count.done.fetch_add(1, Ordering::Relaxed);
        }
        self.bar.finish_and_clear();
    }
}

impl Drop for FileBar {
    fn drop(&mut self) {
        if !self.bar.is_finished() {
            self.restart();
            self.bar.finish_and_clear();
        }
        if self.shown {
            self.progress.bars.remove(&self.bar);
            self.progress.count.shown.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Progress bar of one rule that the command waits for. Dropping it removes it from the screen.
#[derive(Debug)]
pub struct LocksBar {
    bar: ProgressBar,
    bars: MultiProgress,
}

impl LocksBar {
    /// Creates a bar with the rule's id; `None` unless output and progress bars are on a terminal.
    pub fn new(ui: &Ui, id: &str) -> Option<Self> {
        let bars = ui.bars();
        let bar = ProgressBar::new(0).with_style(style(LOCKS)).with_prefix(clean(id).into_owned());
        (ui.is_terminal() && !bars.is_hidden()).then(|| Self { bar: bars.add(bar), bars })
    }

    /// Shows the rule's state and its numbers of locks that are OK, replicating and stuck.
    pub fn show(&self, state: &str, [ok, replicating, stuck]: [u64; 3]) {
        self.bar.set_length(ok + replicating + stuck);
        self.bar.set_position(ok);
        let state = clean(state);
        self.bar.set_message(format!("{state}: {ok} ok, {replicating} replicating, {stuck} stuck"));
    }
}

impl Drop for LocksBar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        self.bars.remove(&self.bar);
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::ui::screen;

    fn hidden() -> Progress {
        Progress::new(screen::bars(false))
    }

    fn count(progress: &Progress) -> (u64, u64, u64) {
        let files = progress.count.files();
        (files.expected, files.done, files.failed)
    }

    #[test]
    fn progress_sums_bytes_and_files() {
        let progress = hidden();
        progress.expect(3, 40);
        let first = progress.file_started("a", 10);
        first.advance(4);
        first.advance(6);
        first.finish();
        progress.skipped(20);
        progress.failed(10);
        assert_eq!((progress.whole.position(), progress.whole.length()), (30, Some(30)));
        assert_eq!(count(&progress), (3, 2, 1));
    }

    #[test]
    fn progress_rate_leaves_out_what_was_resumed() {
        let progress = hidden();
        progress.expect(1, 1_000_000);
        let bar = progress.file_started("a", 1_000_000);
        bar.resume(900_000);
        assert_eq!((bar.bar.position(), progress.whole.position()), (900_000, 900_000));
        assert_eq!((bar.moved.load(Ordering::Relaxed), progress.count.moved.load(Ordering::Relaxed)), (0, 0));
        // `finish` adds the bytes that were not reported.
        bar.finish();
        assert_eq!(progress.whole.position(), 1_000_000);
    }

    #[test]
    fn progress_subtracts_the_bytes_of_a_failed_file() {
        let progress = hidden();
        let bar = progress.file_started("a", 10);
        bar.advance(4);
        bar.restart();
        assert_eq!((bar.bar.position(), progress.whole.position()), (0, 0));
        bar.advance(3);
        drop(bar);
        assert_eq!(progress.whole.position(), 0);
    }

    #[test]
    fn progress_total_leaves_out_archives() {
        let progress = hidden();
        let archive = progress.archive_started("a.zip", 100);
        archive.advance(60);
        assert_eq!((archive.bar.position(), progress.whole.position()), (60, 0));
        archive.finish();
        assert_eq!((progress.whole.position(), count(&progress)), (0, (0, 0, 0)));
    }

    #[test]
    fn progress_bars_stop_at_a_full_screen() {
        let progress = hidden();
        let bars: Vec<_> = (0..100).map(|number| progress.file_started(&number.to_string(), 1)).collect();
        let shown = bars.iter().filter(|bar| bar.shown).count();
        assert_eq!((shown, progress.count.shown.load(Ordering::Relaxed)), (24 - RESERVED_LINES, shown));
        drop(bars);
        assert_eq!(progress.count.shown.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn progress_templates_are_valid() {
        for template in ["{line}", LOCKS] {
            assert!(ProgressStyle::with_template(template).is_ok());
        }
    }
}
