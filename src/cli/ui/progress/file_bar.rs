//! The bar of one file.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use console::Term;
use indicatif::{ProgressBar, ProgressStyle};

use super::speed::Speed;
use super::style::Style;
use super::{Count, Progress, RESERVED_LINES, TICK, done, drawn, line, rate};
use crate::cli::ui::one_line;
use crate::lock::lock;

/// Progress bar of one file. If it is dropped unfinished, its bytes are subtracted from the total.
#[derive(Debug)]
pub struct FileBar {
    bar: ProgressBar,
    progress: Progress,
    activity: Arc<Activity>,
    size: u64,
    /// Whether it has a line on the screen.
    shown: bool,
    /// Whether it is a file of the transfer, not an archive that contains some.
    is_file: bool,
    /// Whether the bytes of the current phase count towards the total.
    counts: AtomicBool,
    /// Bytes that it has added to the total.
    counted: AtomicU64,
}

/// What is happening to the file: the label of its line, and its rate.
#[derive(Debug)]
struct Activity {
    label: Mutex<String>,
    moved: AtomicU64,
    speed: Mutex<Speed>,
}

impl Activity {
    fn new(label: &str) -> Self {
        let speed = Mutex::new(Speed::new(Instant::now()));
        Self { label: Mutex::new(one_line(label).into_owned()), moved: AtomicU64::new(0), speed }
    }
}

impl FileBar {
    /// Starts a bar; if the screen is full, the file counts without one.
    pub(super) fn start(progress: &Progress, name: &str, label: &str, size: u64, is_file: bool) -> Self {
        let count = &progress.count;
        let rows = usize::from(Term::stderr().size().0);
        let shown = count.shown.load(Ordering::Relaxed) < rows.saturating_sub(RESERVED_LINES).max(1);
        let activity = Arc::new(Activity::new(label));
        let name = one_line(name).into_owned();
        count.widen(&name, label);
        let bar = if shown {
            count.shown.fetch_add(1, Ordering::Relaxed);
            let style = bar_style(name, Arc::clone(count), Arc::clone(&activity), progress.style);
            let bar = progress.bars.insert_before(&progress.whole, ProgressBar::new(size).with_style(style));
            if !progress.bars.is_hidden() {
                // Redraw it also if the file has stalled.
                bar.enable_steady_tick(TICK);
            }
            bar
        } else {
            ProgressBar::hidden()
        };
        bar.set_length(size);
        let (counts, counted) = (AtomicBool::new(is_file), AtomicU64::new(0));
        Self { bar, progress: progress.clone(), activity, size, shown, is_file, counts, counted }
    }

    /// Shows another label.
    pub fn set_label(&self, label: &str) {
        let label = one_line(label);
        self.progress.count.widen("", &label);
        *lock(&self.activity.label) = label.into_owned();
    }

    /// Starts a phase of an upload from zero. `bytes` is how many it has to process, `None` if there is no way to know
    /// how far it is; `counts` is whether they count towards the total.
    pub fn start_phase(&self, label: &str, bytes: Option<u64>, counts: bool) {
        if counts {
            // An earlier attempt to upload it.
            self.progress.whole.dec(self.counted.swap(0, Ordering::Relaxed));
        }
        self.counts.store(counts, Ordering::Relaxed);
        self.set_label(label);
        self.activity.moved.store(0, Ordering::Relaxed);
        *lock(&self.activity.speed) = Speed::new(Instant::now());
        self.bar.reset();
        match bytes {
            Some(bytes) => self.bar.set_length(bytes),
            None => self.bar.unset_length(),
        }
    }

    /// Adds transferred bytes.
    pub fn advance(&self, bytes: u64) {
        self.activity.moved.fetch_add(bytes, Ordering::Relaxed);
        if self.counts.load(Ordering::Relaxed) {
            self.progress.count.moved.fetch_add(bytes, Ordering::Relaxed);
        }
        self.resume(bytes);
    }

    /// Adds bytes that are present already; they do not count towards the rate.
    pub fn resume(&self, bytes: u64) {
        self.bar.inc(bytes);
        if self.counts.load(Ordering::Relaxed) {
            self.counted.fetch_add(bytes, Ordering::Relaxed);
            self.progress.whole.inc(bytes);
        }
    }

    /// Resets the file to zero bytes, for instance for another source.
    pub fn restart(&self) {
        self.progress.whole.dec(self.counted.swap(0, Ordering::Relaxed));
        self.bar.set_position(0);
    }

    /// Counts the file as complete and removes its bar.
    pub fn finish(self) {
        if self.is_file {
            self.progress.whole.inc(self.size.saturating_sub(self.counted.load(Ordering::Relaxed)));
            self.progress.count.done.fetch_add(1, Ordering::Relaxed);
        }
        self.bar.finish_and_clear();
    }

    #[cfg(test)]
    pub(super) fn position(&self) -> u64 {
        self.bar.position()
    }

    #[cfg(test)]
    pub(super) fn is_shown(&self) -> bool {
        self.shown
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

/// Style of a file's bar.
fn bar_style(name: String, count: Arc<Count>, activity: Arc<Activity>, style: Style) -> ProgressStyle {
    drawn(move |width, state| {
        let label = lock(&activity.label).clone();
        let done = done(state, rate(&activity.speed, &activity.moved));
        line::file(width, count.widths(), &name, &label, done, style)
    })
}
