//! Progress bars on the terminal, which they share with log lines and output.

use std::fmt::{Debug, Write as _};
use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;

use console::{Term, measure_text_width, truncate_str};
use indicatif::{MultiProgress, ProgressDrawTarget, TermLike};

use crate::env_vars::{self, Env};
use crate::lock::lock;

/// Maximum redraws per second: more are not visible and slow down remote terminals.
const MAX_REDRAWS_PER_SECOND: u8 = 10;

/// Returns whether standard error is a terminal on which bars can be drawn. A dumb one shows escape sequences as text, and
/// the log of a CI job, which often looks like a terminal, keeps every redraw.
pub(in crate::cli) fn can_draw(env: &Env) -> bool {
    io::stderr().is_terminal() && is_drawable(env)
}

fn is_drawable(env: &Env) -> bool {
    let understands_escapes = env.get(env_vars::TERM).is_some_and(|term| term != "dumb");
    let is_ci = env.get(env_vars::CI).is_some_and(|value| !["false", "0"].contains(&value.as_str()));
    understands_escapes && !is_ci
}

/// Creates the bars on standard error; hidden ones if they must not be `drawn`.
pub(super) fn bars(drawn: bool) -> MultiProgress {
    MultiProgress::with_draw_target(if drawn {
        ProgressDrawTarget::term_like_with_hz(Box::new(BarTerminal::new(io::stderr())), MAX_REDRAWS_PER_SECOND)
    } else {
        ProgressDrawTarget::hidden()
    })
}

/// A terminal that shows the bars as one frame after the other.
///
/// indicatif clears as many rows as its lines took when it drew them, and fills each line with blanks to the end of the
/// row. When the window is made narrower, terminals wrap such lines, and the upper ones would stay. This ends lines
/// without blanks and computes at each redraw how many rows the previous frame takes now. In a low window the first lines and
/// the last one, the total, are shown. Errors are ignored: the terminal may disappear.
#[derive(Debug)]
struct BarTerminal<W> {
    out: Mutex<W>,
    frame: Mutex<Frame>,
}

/// The lines of the next frame, and the widths of those on the screen.
#[derive(Debug, Default)]
struct Frame {
    lines: Vec<String>,
    /// Whether indicatif writes the blanks behind a line next.
    has_filler_next: bool,
    shown: Vec<usize>,
}

impl<W> BarTerminal<W> {
    fn new(out: W) -> Self {
        Self { out: Mutex::new(out), frame: Mutex::default() }
    }
}

impl Frame {
    /// Takes the lines as the frame on the screen. Returns the text that replaces the previous one.
    fn redraw(&mut self, rows: usize, columns: usize) -> String {
        let lines = fitting(std::mem::take(&mut self.lines), rows.max(1), columns.max(2));
        let height: usize = self.shown.iter().map(|width| width.div_ceil(columns.max(2)).max(1)).sum();
        // What is above the window has been scrolled out of it.
        let height = height.min(rows.max(1));
        self.shown = lines.iter().map(|line| measure_text_width(line)).collect();
        let mut text = String::new();
        if height > 0 {
            text.push('\r');
        }
        if height > 1 {
            // Writing to a String cannot fail.
            let _ = write!(text, "\x1b[{}A", height - 1);
        }
        // Rows are cleared one by one: where the top row is among them, some terminals would move all at once into their history.
        let rows = height.max(lines.len());
        for row in 0..rows {
            text.push_str(if row > 0 { "\r\n\x1b[K" } else { "\x1b[K" });
            text.push_str(lines.get(row).map_or("", String::as_str));
        }
        let below = rows - lines.len().max(1).min(rows);
        if below > 0 {
            let _ = write!(text, "\x1b[{below}A\r");
            if let Some(width) = self.shown.last().filter(|width| **width > 0) {
                let _ = write!(text, "\x1b[{width}C");
            }
        }
        text
    }
}

/// Returns the lines that the window has room for, cut to its width. The last column stays free: behind a full row,
/// terminals differ in where the cursor is.
fn fitting(mut lines: Vec<String>, rows: usize, columns: usize) -> Vec<String> {
    if lines.len() > rows {
        lines.drain(rows - 1..lines.len() - 1);
    }
    lines.iter().map(|line| truncate_str(line, columns - 1, "").into_owned()).collect()
}

impl<W: Write + Debug + Send> TermLike for BarTerminal<W> {
    fn width(&self) -> u16 {
        Term::stderr().size().1
    }

    /// indicatif draws no more lines than this, from the top. `fitting` cuts instead, because the total is last.
    fn height(&self) -> u16 {
        u16::MAX
    }

    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        let mut frame = lock(&self.frame);
        if !frame.has_filler_next {
            frame.lines.push(text.to_owned());
        }
        frame.has_filler_next = !frame.has_filler_next;
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let (rows, columns) = Term::stderr().size();
        let mut frame = lock(&self.frame);
        frame.has_filler_next = false;
        let text = frame.redraw(rows.into(), columns.into());
        let mut out = lock(&self.out);
        // indicatif would panic.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use indicatif::ProgressBar;

    /// A terminal that has been closed.
    #[derive(Debug)]
    struct Gone;

    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    #[test]
    fn screen_survives_a_terminal_that_went_away() {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::term_like(Box::new(BarTerminal::new(Gone))));
        let bar = bars.add(ProgressBar::new(3));
        bar.tick();
        assert_eq!(bars.suspend(|| 7), 7);
        bar.finish();
    }

    fn next(frame: &mut Frame, lines: &[&str], rows: usize, columns: usize) -> String {
        frame.lines = lines.iter().map(|line| (*line).to_owned()).collect();
        frame.redraw(rows, columns)
    }

    #[test]
    fn screen_frame_replaces_the_previous_one_in_any_width() {
        let mut frame = Frame::default();
        assert_eq!(next(&mut frame, &[], 24, 80), "");
        assert_eq!(
            next(&mut frame, &["a".repeat(70).as_str(), "total"], 24, 80),
            format!("\x1b[K{}\r\n\x1b[Ktotal", "a".repeat(70))
        );
        // The first line takes two rows of a narrower window.
        assert_eq!(
            next(&mut frame, &["b", "total"], 24, 50),
            "\r\x1b[2A\x1b[Kb\r\n\x1b[Ktotal\r\n\x1b[K\x1b[1A\r\x1b[5C"
        );
        assert_eq!(next(&mut frame, &["c", "total"], 24, 50), "\r\x1b[1A\x1b[Kc\r\n\x1b[Ktotal");
        assert_eq!(next(&mut frame, &[], 24, 50), "\r\x1b[1A\x1b[K\r\n\x1b[K\x1b[1A\r");
        assert_eq!(next(&mut frame, &[], 24, 50), "");
        // Of four lines, three are shown in a low window, and no row below it is cleared.
        next(&mut frame, &["1", "2", "3", "total"], 24, 50);
        let low = next(&mut frame, &["1", "2", "3", "total"], 3, 50);
        assert_eq!(low, "\r\x1b[2A\x1b[K1\r\n\x1b[K2\r\n\x1b[Ktotal");
    }

    #[test]
    fn screen_frame_fits_a_small_window_with_the_total() {
        let lines = ["first", "second", "third", "the total of all"];
        let shown = fitting(lines.map(str::to_owned).into(), 3, 10);
        assert_eq!(shown, ["first", "second", "the total"]);
        let coloured = fitting(vec!["\x1b[32mabcdef\x1b[0m".to_owned()], 3, 4);
        assert_eq!((measure_text_width(&coloured[0]), coloured[0].starts_with("\x1b[32mabc")), (3, true));
    }

    #[test]
    fn screen_draws_nothing_on_a_dumb_terminal_and_in_ci() {
        let drawn = |term: &str, ci: &str| is_drawable(&Env::fixed([("TERM", term), ("CI", ci)]));
        assert!(drawn("xterm", "") && drawn("xterm", "false"));
        for (term, ci) in [("", ""), ("dumb", ""), ("xterm", "true")] {
            assert!(!drawn(term, ci), "{term} {ci}");
        }
    }
}
