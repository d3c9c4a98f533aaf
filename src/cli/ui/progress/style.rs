//! Characters and colours of bars and marks.

use std::time::Duration;

use crate::cli::ui::text::left;

/// Which characters and colours the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether the terminal shows characters outside ASCII.
    pub utf8: bool,
    /// Whether colours are used.
    pub colours: bool,
}

/// The first word of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Transferred.
    Ok,
    /// Not transferred.
    Failed,
    /// Something to know that is not final.
    Warning,
}

impl Style {
    /// Returns the mark, padded to a number of columns.
    pub(super) fn mark(self, mark: Mark, width: usize) -> String {
        let colour = console::Style::new().force_styling(self.colours);
        let (word, colour) = match mark {
            Mark::Ok => ("ok", colour.green()),
            Mark::Failed => ("FAIL", colour.red().bold()),
            Mark::Warning => ("warn", colour.yellow()),
        };
        let blanks = &left(word, width)[word.len()..];
        format!("{}{blanks}", colour.apply_to(word))
    }

    /// Returns the number of failed files in colour.
    pub(super) fn failed(self, text: &str) -> String {
        if text.is_empty() {
            return String::new();
        }
        console::Style::new().force_styling(self.colours).red().apply_to(text).to_string()
    }

    /// Draws the bar of a file; without a percentage, a block that moves.
    pub(super) fn file_bar(self, width: usize, percent: Option<u64>, elapsed: Duration) -> String {
        let (full, empty) = if self.utf8 { ("█", "░") } else { ("#", ".") };
        match percent {
            Some(percent) => {
                let filled = filled(width, percent);
                format!("{}{}", full.repeat(filled), empty.repeat(width - filled))
            }
            None => {
                let block = (width / 4).max(1);
                let start = pulse(width - block, elapsed);
                format!("{}{}{}", empty.repeat(start), full.repeat(block), empty.repeat(width - block - start))
            }
        }
    }

    /// Draws the bar of the total.
    pub(super) fn whole_bar(self, width: usize, percent: Option<u64>) -> String {
        let (full, empty) = if self.utf8 { ("━", "─") } else { ("=", "-") };
        let filled = filled(width, percent.unwrap_or(0));
        let colour = console::Style::new().force_styling(self.colours).cyan();
        format!("{}{}", colour.apply_to(full.repeat(filled)), empty.repeat(width - filled))
    }
}

fn filled(width: usize, percent: u64) -> usize {
    (width as u64 * percent.min(100) / 100) as usize
}

/// Returns the position of a block that moves between 0 and `room`, ten columns per second.
fn pulse(room: usize, elapsed: Duration) -> usize {
    let step = (elapsed.as_millis() / 100) as usize % (2 * room).max(1);
    if step > room { 2 * room - step } else { step }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASCII: Style = Style { utf8: false, colours: false };

    #[test]
    fn bars_are_filled_by_percent_and_move_without_one() {
        assert_eq!(ASCII.file_bar(8, Some(50), Duration::ZERO), "####....");
        assert_eq!([0, 100].map(|percent| ASCII.whole_bar(4, Some(percent))), ["----", "===="]);
        let moving = [0, 300, 600, 900].map(|time| ASCII.file_bar(8, None, Duration::from_millis(time)));
        assert_eq!(moving, ["##......", "...##...", "......##", "...##..."]);
    }

    #[test]
    fn marks_are_coloured_only_if_allowed() {
        assert_eq!(ASCII.mark(Mark::Failed, 5), "FAIL ");
        assert_eq!(Style { colours: true, ..ASCII }.mark(Mark::Ok, 5), "\u{1b}[32mok\u{1b}[0m   ");
    }
}
