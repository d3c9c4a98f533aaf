//! Bars for downloads and uploads: one for the whole, one for every file under way.

mod line;
mod speed;

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use super::{Ui, clean};
use line::{Done, Files};
use speed::Speed;

const LOCKS: &str = "{prefix} [{bar:24}] {msg}";
/// The bars of files leave so many lines of the screen to the whole and to what is said.
const LINES_LEFT: usize = 3;

/// The bars of one transfer. Where standard error is no terminal they only count.
#[derive(Debug, Clone)]
pub struct Progress {
    bars: MultiProgress,
    whole: ProgressBar,
    count: Arc<Count>,
}

#[derive(Debug)]
struct Count {
    expected: AtomicU64,
    done: AtomicU64,
    failed: AtomicU64,
    /// Bytes that have come, whether they stayed or not: the rate is made of them.
    moved: AtomicU64,
    speed: Mutex<Speed>,
    /// How many bars of files are on the screen.
    shown: AtomicUsize,
}

/// The bar of one file under way. Dropped unfinished, it takes its bytes back from the whole.
#[derive(Debug)]
pub struct FileBar {
    bar: ProgressBar,
    moved: Arc<AtomicU64>,
    progress: Progress,
    /// Whether it has a line of the screen.
    shown: bool,
    /// Whether its bytes are those of the whole, too.
    counts: bool,
}

impl Progress {
    /// Bars among `bars`, which is [`super::Ui::bars`].
    pub fn new(bars: MultiProgress) -> Self {
        let count = Arc::new(Count::new());
        let whole = bars.add(ProgressBar::new(0).with_style(count.clone().style()));
        if !bars.is_hidden() {
            whole.enable_steady_tick(Duration::from_millis(200));
        }
        Self { bars, whole, count }
    }

    /// So many more files and bytes are going to come.
    pub fn expect(&self, files: u64, bytes: u64) {
        self.count.expected.fetch_add(files, Ordering::Relaxed);
        self.whole.inc_length(bytes);
    }

    /// A file is under way.
    pub fn file_started(&self, name: &str, bytes: u64) -> FileBar {
        self.started(name, bytes, true)
    }

    /// An archive is under way, in which files are; only those count for the whole.
    pub fn archive_started(&self, name: &str, bytes: u64) -> FileBar {
        self.started(name, bytes, false)
    }

    /// A file of this size is where it belongs, and did not have to come.
    pub fn skipped(&self, bytes: u64) {
        self.whole.inc(bytes);
        self.count.done.fetch_add(1, Ordering::Relaxed);
    }

    /// A file of this size is not going to come.
    pub fn failed(&self, bytes: u64) {
        self.whole.dec_length(bytes);
        self.count.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes all bars off the screen.
    pub fn finish(&self) {
        self.whole.finish_and_clear();
    }

    /// Where the screen is full, a file counts without a bar.
    fn started(&self, name: &str, bytes: u64, counts: bool) -> FileBar {
        let rows = usize::from(Term::stderr().size().0);
        let shown = self.count.shown.load(Ordering::Relaxed) < rows.saturating_sub(LINES_LEFT).max(1);
        let moved = Arc::<AtomicU64>::default();
        let bar = match shown {
            true => {
                self.count.shown.fetch_add(1, Ordering::Relaxed);
                let bar = ProgressBar::new(bytes).with_style(of_file(clean(name).into_owned(), moved.clone()));
                self.bars.insert_before(&self.whole, bar)
            }
            false => ProgressBar::hidden(),
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

/// The look of a file's bar.
fn of_file(name: String, moved: Arc<AtomicU64>) -> ProgressStyle {
    let speed = Arc::new(Mutex::new(Speed::new(Instant::now())));
    drawn(move |width, state| {
        let done = Done { bytes: state.pos(), of: state.len().unwrap_or(0), rate: rate(&speed, &moved) };
        line::file(width, &name, done)
    })
}

fn rate(speed: &Mutex<Speed>, moved: &AtomicU64) -> Option<f64> {
    speed.lock().unwrap_or_else(PoisonError::into_inner).at(Instant::now(), moved.load(Ordering::Relaxed))
}

/// A line that is made anew for the width that the terminal has each time.
fn drawn(line: impl Fn(usize, &ProgressState) -> String + Clone + Send + Sync + 'static) -> ProgressStyle {
    let write = move |state: &ProgressState, out: &mut dyn Write| {
        // There is nowhere to tell that a line could not be put together.
        let _ = out.write_str(&line(usize::from(Term::stderr().size().1), state));
    };
    style("{line}").with_key("line", write)
}

impl FileBar {
    /// So many more bytes are here.
    pub fn advance(&self, bytes: u64) {
        self.moved.fetch_add(bytes, Ordering::Relaxed);
        if self.counts {
            self.progress.count.moved.fetch_add(bytes, Ordering::Relaxed);
        }
        self.resume(bytes);
    }

    /// So many bytes are here from earlier: they say nothing about how fast it goes now.
    pub fn resume(&self, bytes: u64) {
        self.bar.inc(bytes);
        if self.counts {
            self.progress.whole.inc(bytes);
        }
    }

    /// The file begins anew, for instance from another source.
    pub fn restart(&self) {
        if self.counts {
            self.progress.whole.dec(self.bar.position());
        }
        self.bar.set_position(0);
    }

    /// The file is complete.
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

/// The bar of one rule that is waited for. Dropped, it leaves the screen.
#[derive(Debug)]
pub struct LocksBar {
    bar: ProgressBar,
    bars: MultiProgress,
}

impl LocksBar {
    /// A bar with the rule's id; none where nobody would see it.
    pub fn new(ui: &Ui, id: &str) -> Option<Self> {
        let bars = ui.bars();
        let bar = ProgressBar::new(0).with_style(style(LOCKS)).with_prefix(clean(id).into_owned());
        (ui.is_terminal() && !bars.is_hidden()).then(|| Self { bar: bars.add(bar), bars })
    }

    /// The rule's state, and how many of its locks are OK, replicating and stuck.
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
    fn bytes_and_files_add_up() {
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
    fn what_was_there_before_does_not_count_for_the_rate() {
        let progress = hidden();
        progress.expect(1, 1_000_000);
        let bar = progress.file_started("a", 1_000_000);
        bar.resume(900_000);
        assert_eq!((bar.bar.position(), progress.whole.position()), (900_000, 900_000));
        assert_eq!((bar.moved.load(Ordering::Relaxed), progress.count.moved.load(Ordering::Relaxed)), (0, 0));
        // All of it was there but the name.
        bar.finish();
        assert_eq!(progress.whole.position(), 1_000_000);
    }

    #[test]
    fn a_failed_file_gives_its_bytes_back() {
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
    fn archives_are_no_part_of_the_whole() {
        let progress = hidden();
        let archive = progress.archive_started("a.zip", 100);
        archive.advance(60);
        assert_eq!((archive.bar.position(), progress.whole.position()), (60, 0));
        archive.finish();
        assert_eq!((progress.whole.position(), count(&progress)), (0, (0, 0, 0)));
    }

    #[test]
    fn a_full_screen_takes_no_more_bars() {
        let progress = hidden();
        let bars: Vec<_> = (0..100).map(|number| progress.file_started(&number.to_string(), 1)).collect();
        let shown = bars.iter().filter(|bar| bar.shown).count();
        assert_eq!((shown, progress.count.shown.load(Ordering::Relaxed)), (24 - LINES_LEFT, shown));
        drop(bars);
        assert_eq!(progress.count.shown.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn templates_are_valid() {
        for template in ["{line}", LOCKS] {
            assert!(ProgressStyle::with_template(template).is_ok());
        }
    }
}
