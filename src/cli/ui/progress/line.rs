//! Formats the lines of progress bars for any width.

use std::time::Duration;

use console::measure_text_width;
use indicatif::DecimalBytes;

/// Width of a file's bar and maximum width of the total's bar, if they fit.
const FILE_BAR: usize = 16;
const WHOLE_BAR: usize = 24;
/// Minimum width of the total's bar; a narrower one is omitted.
const MIN_BAR: usize = 6;
/// Minimum columns of a file's name; bar and rate are omitted first.
const MIN_NAME: usize = 20;

/// Progress of one file, or of all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Done {
    /// Bytes so far.
    pub(super) bytes: u64,
    /// Total bytes; zero if unknown.
    pub(super) of: u64,
    /// Bytes per second.
    pub(super) rate: Option<f64>,
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

impl Done {
    fn percent(self) -> Option<u64> {
        (self.of > 0 && self.bytes <= self.of).then(|| self.bytes * 100 / self.of)
    }

    fn rate(self) -> String {
        self.rate.map_or_else(String::new, |rate| format!("{}/s", DecimalBytes(rate as u64)))
    }

    fn time_left(self) -> String {
        let left = self.of.saturating_sub(self.bytes);
        match self.rate.filter(|rate| *rate >= 1.0 && left > 0) {
            Some(rate) => time(Duration::from_secs_f64((left as f64 / rate).min(1e9).ceil())),
            None => String::new(),
        }
    }

    fn bar(self, width: usize) -> String {
        let filled = (width as u64 * self.percent().unwrap_or(0) / 100) as usize;
        let head = if filled < width { ">" } else { "" };
        format!("[{:width$}]", format!("{}{head}", "=".repeat(filled)))
    }
}

/// Formats the line of a file.
pub(super) fn file(width: usize, name: &str, done: Done) -> String {
    let far = match done.percent() {
        Some(percent) => format!("{percent:>3}%"),
        None => format!("{:>9}", DecimalBytes(done.bytes).to_string()),
    };
    let start = [
        format!("  {} {far} {:>11} ", done.bar(FILE_BAR), done.rate()),
        format!("  {far} {:>11} ", done.rate()),
        format!("{far} "),
    ];
    let fits = |start: &&String| measure_text_width(start) + MIN_NAME.min(measure_text_width(name)) <= width;
    let start = start.iter().find(fits).unwrap_or(&start[2]);
    cut(format!("{start}{}", shortened(name, width.saturating_sub(measure_text_width(start)))), width)
}

/// Formats the line of the total.
pub(super) fn whole(width: usize, files: Files, done: Done) -> String {
    let count = match files.expected {
        0 => format!("{} files", files.done),
        expected => format!("{}/{expected} files", files.done),
    };
    let count = match files.failed {
        0 => count,
        failed => format!("{count}, {failed} failed"),
    };
    let bytes = DecimalBytes(done.bytes).to_string();
    let of = DecimalBytes(done.of);
    let (far, short) = match done.percent() {
        Some(percent) => (format!("{bytes}/{of}"), format!("{percent}%")),
        None => (bytes.clone(), bytes),
    };
    let rest = |far: &str| {
        let parts = [far.to_owned(), done.rate(), done.time_left()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    };
    let long = rest(&far);
    let short = rest(&short);
    let room = width.saturating_sub(count.len() + long.len() + " [] ".len()).min(WHOLE_BAR);
    match done.percent() {
        Some(_) if room >= MIN_BAR => format!("{count} {} {long}", done.bar(room)),
        _ if count.len() + 1 + long.len() <= width => format!("{count} {long}"),
        _ => cut(format!("{count} {short}"), width),
    }
}

/// `5s`, `2m03s`, `1h02m`, `3d04h`.
fn time(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..86400 => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86400, seconds / 3600 % 24),
    }
}

/// Shortens a name in the middle: the start of a file name says what it is, and names differ at the end.
fn shortened(name: &str, width: usize) -> String {
    if measure_text_width(name) <= width {
        return name.to_owned();
    }
    let Some(kept) = width.checked_sub(1) else { return String::new() };
    let head = cut(name.to_owned(), kept / 3);
    let backwards: String = name.chars().rev().collect();
    let tail: String = cut(backwards, kept - measure_text_width(&head)).chars().rev().collect();
    format!("{head}…{tail}")
}

/// Cuts text to a number of columns.
fn cut(text: String, width: usize) -> String {
    if measure_text_width(&text) <= width {
        return text;
    }
    let mut end = 0;
    for (start, letter) in text.char_indices() {
        let next = start + letter.len_utf8();
        if measure_text_width(&text[..next]) > width {
            break;
        }
        end = next;
    }
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: Done = Done { bytes: 500_000_000, of: 1_000_000_000, rate: Some(12_340_000.0) };
    const FILES: Files = Files { expected: 2000, done: 1234, failed: 0 };
    const LONG: &str = "user.jdoe:analysis.of.some.very.long.name.indeed.that.goes.on.and.on._000017.root";

    #[test]
    fn progress_total_shows_what_fits() {
        let cases = [
            (120, "1234/2000 files [============>           ] 500.00 MB/1.00 GB 12.34 MB/s 41s"),
            (70, "1234/2000 files [=========>         ] 500.00 MB/1.00 GB 12.34 MB/s 41s"),
            (55, "1234/2000 files 500.00 MB/1.00 GB 12.34 MB/s 41s"),
            (40, "1234/2000 files 50% 12.34 MB/s 41s"),
            (10, "1234/2000 "),
        ];
        for (width, expected) in cases {
            assert_eq!(whole(width, FILES, HALF), expected, "{width}");
        }
        let unknown = Done { of: 0, ..HALF };
        assert_eq!(
            whole(80, Files { expected: 0, failed: 2, ..FILES }, unknown),
            "1234 files, 2 failed 500.00 MB 12.34 MB/s"
        );
        let begun = Done { bytes: 0, rate: None, ..HALF };
        assert_eq!(whole(50, FILES, begun), "1234/2000 files [>                   ] 0 B/1.00 GB");
    }

    #[test]
    fn progress_bar_of_a_file_shows_its_name_first() {
        let cases = [
            (120, format!("  [========>       ]  50%  12.34 MB/s {LONG}")),
            (60, "  [========>       ]  50%  12.34 MB/s user.jd…n._000017.root".to_owned()),
            (40, "   50%  12.34 MB/s user.j…n._000017.root".to_owned()),
            (30, " 50% user.jdo….on._000017.root".to_owned()),
            (6, " 50% …".to_owned()),
            (3, " 50".to_owned()),
        ];
        for (width, expected) in cases {
            let line = file(width, LONG, HALF);
            assert!(measure_text_width(&line) <= width, "{line}");
            assert_eq!(line, expected, "{width}");
        }
        assert_eq!(file(40, "s:f", Done { of: 0, ..HALF }), "  500.00 MB  12.34 MB/s s:f");
        let wide = file(30, "s:日本語の名前がとても長いファイル.root", HALF);
        assert!(measure_text_width(&wide) <= 30 && wide.ends_with("ル.root"), "{wide}");
    }

    #[test]
    fn progress_times_are_short() {
        let cases = [(5, "5s"), (123, "2m03s"), (3720, "1h02m"), (273_600, "3d04h")];
        assert!(cases.iter().all(|(seconds, text)| time(Duration::from_secs(*seconds)) == *text));
        assert_eq!(Done { rate: Some(0.0), ..HALF }.time_left(), "");
    }
}
