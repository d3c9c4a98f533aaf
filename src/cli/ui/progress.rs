//! Bars for downloads and uploads: one for the whole, one for every file under way.

use super::{Ui, clean};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const WHOLE: &str = "{msg} [{bar:24}] {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta}";
const LOCKS: &str = "{prefix} [{bar:24}] {msg}";
const FILE: &str = "  {bar:16} {percent:>3}% {decimal_bytes_per_sec:>12} {wide_msg}";

/// The bars of one transfer. Where standard error is no terminal they only count.
#[derive(Debug, Clone)]
pub struct Progress {
    bars: MultiProgress,
    whole: ProgressBar,
    files: Arc<Files>,
}

#[derive(Debug, Default)]
struct Files {
    expected: AtomicU64,
    done: AtomicU64,
}

/// The bar of one file under way. Dropped unfinished, it takes its bytes back from the whole.
#[derive(Debug)]
pub struct FileBar {
    bar: ProgressBar,
    progress: Progress,
}

impl Progress {
    /// Bars among `bars`, which is [`super::Ui::bars`].
    pub fn new(bars: MultiProgress) -> Self {
        let whole = bars.add(ProgressBar::new(0).with_style(style(WHOLE)));
        if !bars.is_hidden() {
            whole.enable_steady_tick(Duration::from_millis(200));
        }
        Self { bars, whole, files: Arc::default() }
    }

    /// So many more files and bytes are going to come.
    pub fn expect(&self, files: u64, bytes: u64) {
        self.files.expected.fetch_add(files, Ordering::Relaxed);
        self.whole.inc_length(bytes);
        self.count();
    }

    /// A file is under way.
    pub fn file_started(&self, name: &str, bytes: u64) -> FileBar {
        let bar = ProgressBar::new(bytes).with_style(style(FILE)).with_message(clean(name).into_owned());
        FileBar { bar: self.bars.insert_before(&self.whole, bar), progress: self.clone() }
    }

    /// Takes all bars off the screen.
    pub fn finish(&self) {
        self.whole.finish_and_clear();
    }

    fn count(&self) {
        let done = self.files.done.load(Ordering::Relaxed);
        self.whole.set_message(format!("{done}/{} files", self.files.expected.load(Ordering::Relaxed)));
    }
}

impl FileBar {
    /// So many more bytes are here.
    pub fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
        self.progress.whole.inc(bytes);
    }

    /// So many bytes are here from earlier: they say nothing about how fast it goes now.
    pub fn resume(&self, bytes: u64) {
        self.advance(bytes);
        for bar in [&self.bar, &self.progress.whole] {
            // Makes the estimate take notice of the position, to begin there.
            bar.inc_length(0);
            bar.reset_eta();
        }
    }

    /// The file begins anew, for instance from another source.
    pub fn restart(&self) {
        self.progress.whole.dec(self.bar.position());
        self.bar.reset();
    }

    /// The file is complete.
    pub fn finish(self) {
        self.progress.files.done.fetch_add(1, Ordering::Relaxed);
        self.progress.count();
        self.bar.finish_and_clear();
    }
}

impl Drop for FileBar {
    fn drop(&mut self) {
        if !self.bar.is_finished() {
            self.restart();
            self.bar.finish_and_clear();
        }
        self.progress.bars.remove(&self.bar);
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

    #[test]
    fn bytes_and_files_add_up() {
        let progress = hidden();
        progress.expect(2, 30);
        let first = progress.file_started("a", 10);
        first.advance(4);
        first.advance(6);
        first.finish();
        assert_eq!((progress.whole.position(), progress.whole.length()), (10, Some(30)));
        assert_eq!(progress.whole.message(), "1/2 files");
    }

    #[test]
    fn what_was_there_before_does_not_count_for_the_rate() {
        let progress = hidden();
        progress.expect(1, 1_000_000);
        let bar = progress.file_started("a", 1_000_000);
        bar.resume(900_000);
        assert_eq!((bar.bar.position(), progress.whole.position()), (900_000, 900_000));
        assert_eq!((bar.bar.per_sec(), progress.whole.per_sec()), (0.0, 0.0));
    }

    #[test]
    fn a_failed_file_gives_its_bytes_back() {
        let progress = hidden();
        let bar = progress.file_started("a\x1b[2J", 10);
        assert_eq!(bar.bar.message(), "a␛[2J");
        bar.advance(4);
        bar.restart();
        assert_eq!((bar.bar.position(), progress.whole.position()), (0, 0));
        bar.advance(3);
        drop(bar);
        assert_eq!(progress.whole.position(), 0);
    }

    #[test]
    fn templates_are_valid() {
        for template in [WHOLE, FILE, LOCKS] {
            assert!(ProgressStyle::with_template(template).is_ok());
        }
    }
}
