//! Formats the lines of transfers for any width: bars, finished files, and the total.

use std::time::Duration;

use console::measure_text_width;

use super::quantity::{of, rate, size, time};
use super::style::{Mark, Style};
use crate::cli::ui::text::{left, right, shortened};

/// Minimum width of a bar; a narrower one is omitted.
const MIN_BAR: usize = 6;
/// Minimum columns of a name, at most half of the line: other columns are omitted first.
const MIN_NAME: usize = 28;
/// Columns of the mark of a finished file, by which the bars of active files are indented.
const MARK: usize = 5;
/// Minimum width with that indentation.
const INDENTED: usize = 60;
/// Blanks between two columns.
const GAP: &str = "  ";

/// Widths of numbers.
const PERCENT: usize = 4;
const SIZE: usize = 8;
const SIZE_OF: usize = 14;
const RATE: usize = 10;
const TIME: usize = 6;

/// Progress of one file, or of all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Done {
    /// Bytes so far.
    pub(super) bytes: u64,
    /// Total bytes; zero if unknown.
    pub(super) of: u64,
    /// Bytes per second.
    pub(super) rate: Option<f64>,
    /// Time since the start.
    pub(super) elapsed: Duration,
}

/// Numbers of files.
#[derive(Debug, Clone, Copy)]
pub(super) struct Files {
    /// Expected; zero if unknown.
    pub(super) expected: u64,
    /// Completed.
    pub(super) done: u64,
    /// Failed.
    pub(super) failed: u64,
}

/// Widths of the columns that depend on the files: the widest so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Widths {
    /// Names.
    pub(super) name: usize,
    /// RSEs, or phases of an upload.
    pub(super) label: usize,
}

/// A file that has ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended<'a> {
    pub(super) name: &'a str,
    pub(super) label: &'a str,
    /// Size, if known.
    pub(super) bytes: Option<u64>,
    /// Bytes that were transferred for it: without those of an earlier run.
    pub(super) moved: u64,
    pub(super) time: Duration,
}

impl Done {
    fn percent(self) -> Option<u64> {
        (self.of > 0 && self.bytes <= self.of).then(|| self.bytes * 100 / self.of)
    }

    fn percent_text(self) -> String {
        self.percent().map_or_else(String::new, |percent| format!("{percent}%"))
    }

    fn size_text(self) -> String {
        match self.percent() {
            Some(_) => of(self.bytes, self.of),
            None if self.bytes == 0 => String::new(),
            None => size(self.bytes),
        }
    }

    fn time_left(self) -> String {
        let left = self.of.saturating_sub(self.bytes);
        match self.rate.filter(|rate| *rate >= 1.0 && left > 0) {
            Some(rate) => time(Duration::from_secs_f64((left as f64 / rate).min(1e9).ceil())),
            None => String::new(),
        }
    }
}

/// Formats the line of an active file.
pub(super) fn file(width: usize, widths: Widths, name: &str, label: &str, done: Done, style: Style) -> String {
    let indent = if width >= INDENTED { MARK } else { 0 };
    let room = width - indent;
    let label = left(label, widths.label);
    let [percent, rate, eta] = [
        right(&done.percent_text(), PERCENT),
        right(&done.rate.map_or_else(String::new, rate), RATE),
        right(&done.time_left(), TIME),
    ];
    let size = right(&done.size_text(), SIZE_OF);
    let with_bar = [&label, &percent, &size, &rate, &eta];
    let name_room = widths.name.max(measure_text_width(name));
    let least = name_room.min(MIN_NAME).min(room / 2);
    let columns = |parts: &[&String]| parts.iter().map(|part| GAP.len() + measure_text_width(part)).sum::<usize>();
    let for_bar = room.saturating_sub(columns(&with_bar) + GAP.len());
    if for_bar >= least + MIN_BAR {
        let name_width = name_room.min(for_bar - MIN_BAR);
        let bar = style.file_bar(for_bar - name_width, done.percent(), done.elapsed);
        let name = left(&shortened(name, name_width), name_width);
        let parts = [&label, &bar, &percent, &size, &rate, &eta];
        return joined(indent, &name, &parts);
    }
    let choices: [&[&String]; 5] = [
        &[&label, &percent, &size, &rate, &eta],
        &[&label, &percent, &rate, &eta],
        &[&percent, &rate, &eta],
        &[&percent, &eta],
        &[&percent],
    ];
    let fits = |parts: &&&[&String]| columns(parts) + least <= room;
    let parts = choices.iter().find(fits).unwrap_or(&choices[4]);
    let name_width = room.saturating_sub(columns(parts)).min(name_room);
    joined(indent, &left(&shortened(name, name_width), name_width), parts)
}

fn joined(indent: usize, name: &str, parts: &[&String]) -> String {
    let line = parts.iter().fold(format!("{}{name}", " ".repeat(indent)), |line, part| line + GAP + part);
    line.trim_end().to_owned()
}

/// Formats the line of a file that was transferred.
pub(super) fn ended(width: usize, widths: Widths, file: Ended<'_>, style: Style) -> String {
    let seconds = file.time.as_secs_f64();
    let speed = if file.moved > 0 && seconds > 0.0 { rate(file.moved as f64 / seconds) } else { String::new() };
    let size = right(&file.bytes.map_or_else(String::new, size), SIZE);
    let label = left(file.label, widths.label);
    let took = right(&time_taken(file.time), TIME);
    let speed = right(&speed, RATE);
    let room = width.saturating_sub(MARK);
    let name_room = widths.name.max(measure_text_width(file.name));
    let least = name_room.min(MIN_NAME).min(room / 2);
    let choices: [&[&String]; 4] =
        [&[&size, &label, &took, &speed], &[&size, &label, &took], &[&size, &took], &[&size]];
    let columns = |parts: &[&String]| parts.iter().map(|part| GAP.len() + measure_text_width(part)).sum::<usize>();
    let parts = choices.iter().find(|parts| columns(parts) + least <= room).unwrap_or(&choices[3]);
    let name_width = room.saturating_sub(columns(parts)).min(name_room);
    let name = left(&shortened(file.name, name_width), name_width);
    format!("{}{}", style.mark(Mark::Ok, MARK), joined(0, &name, parts))
}

/// Formats the line of the total.
pub(super) fn whole(width: usize, files: Files, done: Done, style: Style) -> String {
    let count = match files.expected {
        0 => format!("{} files", files.done),
        1 => format!("{} of 1 file", files.done),
        expected => format!("{} of {expected} files", files.done),
    };
    let failed = if files.failed > 0 { format!(", {} failed", files.failed) } else { String::new() };
    let left = done.time_left();
    let left = if left.is_empty() { left } else { format!("{left} left") };
    let [percent, size] = [done.percent_text(), done.size_text()];
    let rate = done.rate.map_or_else(String::new, rate);
    let columns = count.len() + failed.len();
    let joined = |parts: &[&String]| {
        parts.iter().filter(|part| !part.is_empty()).map(|part| format!("{GAP}{part}")).collect::<String>()
    };
    let count = format!("{count}{}", style.failed(&failed));
    let long = joined(&[&size, &rate, &left]);
    let room = width.saturating_sub(columns + long.len() + GAP.len());
    if done.percent().is_some() && room >= MIN_BAR {
        return format!("{count}{GAP}{}{long}", style.whole_bar(room, done.percent()));
    }
    let choices = [long, joined(&[&percent, &rate, &left]), joined(&[&percent, &left]), joined(&[&percent])];
    let rest = choices.iter().find(|rest| columns + rest.len() <= width).unwrap_or(&choices[3]);
    format!("{count}{rest}")
}

/// Formats the duration of a transfer: tenths of a second below a minute.
pub(super) fn time_taken(taken: Duration) -> String {
    if taken < Duration::from_secs(60) { format!("{:.1}s", taken.as_secs_f64()) } else { time(taken) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Style = Style { utf8: true, colours: false };
    const HALF: Done =
        Done { bytes: 500_000_000, of: 1_000_000_000, rate: Some(12_340_000.0), elapsed: Duration::from_secs(40) };
    const FILES: Files = Files { expected: 2000, done: 1234, failed: 0 };
    const LONG: &str = "user.jdoe:analysis.of.some.very.long.name.indeed.that.goes.on.and.on._000017.root";
    const WIDTHS: Widths = Widths { name: 17, label: 4 };
    const PART: Done =
        Done { bytes: 11_000_000, of: 25_000_000, rate: Some(3_600_000.0), elapsed: Duration::from_secs(3) };

    #[test]
    fn progress_total_shows_what_fits() {
        let cases = [
            (60, "1234 of 2000 files  ━━━────  0.5/1.0 GB  12.3 MB/s  41s left"),
            (52, "1234 of 2000 files  0.5/1.0 GB  12.3 MB/s  41s left"),
            (50, "1234 of 2000 files  50%  12.3 MB/s  41s left"),
            (36, "1234 of 2000 files  50%  41s left"),
            (10, "1234 of 2000 files  50%"),
        ];
        for (width, expected) in cases {
            assert_eq!(whole(width, FILES, HALF, PLAIN), expected, "{width}");
        }
        let unknown = Done { of: 0, ..HALF };
        let files = Files { expected: 0, failed: 2, ..FILES };
        assert_eq!(whole(80, files, unknown, PLAIN), "1234 files, 2 failed  500.0 MB  12.3 MB/s");
    }
    #[test]
    fn progress_line_of_a_file_has_its_name_first_and_what_fits() {
        let line = |width, name| file(width, WIDTHS, name, "DAVS", PART, PLAIN);
        let cases = [
            (79, "     test:mixed-08.dat  DAVS  ███░░░░   44%    11.0/25.0 MB    3.6 MB/s      4s"),
            (72, "     test:mixed-08.dat  DAVS   44%    11.0/25.0 MB    3.6 MB/s      4s"),
            (49, "test:mixed-08.dat  DAVS   44%    3.6 MB/s      4s"),
            (39, "test:mixed-08.dat   44%      4s"),
            (24, "test:mixed-08.dat   44%"),
        ];
        for (width, expected) in cases {
            assert_eq!(line(width, "test:mixed-08.dat"), expected, "{width}");
        }
        for width in [1, 10, 39, 79, 120, 199] {
            let long = line(width, LONG);
            assert!(measure_text_width(&long) <= width.max(8), "{width}: {long}");
        }
        assert!(line(79, LONG).starts_with("     user.jdoe:ana…"), "{}", line(79, LONG));
    }

    #[test]
    fn progress_line_of_an_ended_file_is_aligned_with_the_bars() {
        let done = Ended {
            name: "test:mixed-06.dat",
            label: "DAVS",
            bytes: Some(5_000_000),
            moved: 5_000_000,
            time: Duration::from_millis(800),
        };
        let line = |width| ended(width, WIDTHS, done, PLAIN);
        assert_eq!(line(79), "ok   test:mixed-06.dat    5.0 MB  DAVS    0.8s    6.2 MB/s");
        assert_eq!(line(39), "ok   test:mixed-06.dat    5.0 MB");
        let resumed = Ended { moved: 800_000, ..done };
        assert!(ended(79, WIDTHS, resumed, PLAIN).ends_with("  1.0 MB/s"));
    }
}
