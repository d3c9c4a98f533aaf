//! Fits text into the width of a terminal: shortens, cuts, pads and wraps it.

use std::borrow::Cow;

use console::{Term, measure_text_width};

/// A blank at which no line is broken.
pub(super) const NO_BREAK: &str = "\u{a0}";

/// Shortens a text in the middle: the start of a name says what it is, and names differ at the end.
pub(super) fn shortened(text: &str, width: usize) -> String {
    if measure_text_width(text) <= width {
        return text.to_owned();
    }
    let Some(kept) = width.checked_sub(1) else { return String::new() };
    let head = cut(text, kept / 3);
    let backwards: String = text.chars().rev().collect();
    let tail: String = cut(&backwards, kept - measure_text_width(head)).chars().rev().collect();
    format!("{head}…{tail}")
}

/// Cuts text without escape sequences to a number of columns.
pub(super) fn cut(text: &str, width: usize) -> &str {
    let mut end = 0;
    let mut columns = 0;
    for (start, letter) in text.char_indices() {
        let next = start + letter.len_utf8();
        columns += measure_text_width(&text[start..next]);
        if columns > width {
            break;
        }
        end = next;
    }
    &text[..end]
}

/// Appends blanks up to a number of columns.
pub(super) fn left(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(measure_text_width(text))))
}

/// Prepends blanks up to a number of columns.
pub(super) fn right(text: &str, width: usize) -> String {
    format!("{}{text}", " ".repeat(width.saturating_sub(measure_text_width(text))))
}

/// Returns the width of the terminal of standard output, in columns; 80 if there is none.
pub(in crate::cli) fn terminal_width() -> usize {
    let columns = Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    columns.filter(|columns| *columns > 0).unwrap_or(80)
}

/// Breaks a text between words into lines of at most `width` columns. The first line begins with `start`, the others with
/// `indent` blanks. A word that is longer than a line stays whole, so that it can be copied.
pub(in crate::cli) fn wrap(start: &str, text: &str, width: usize, indent: usize) -> String {
    let mut result = start.to_owned();
    let mut columns = measure_text_width(start);
    let mut is_start = true;
    for word in text.split(' ') {
        let length = measure_text_width(word);
        if !is_start && columns + 1 + length > width {
            result.push('\n');
            result.push_str(&" ".repeat(indent));
            columns = indent;
            is_start = true;
        } else if !is_start {
            result.push(' ');
            columns += 1;
        }
        result.push_str(word);
        columns += length;
        is_start &= word.is_empty();
    }
    result
}

/// Like [`wrap`], for a message of several lines. Commands in backticks are not broken, so that they can be copied.
pub(super) fn wrap_message(start: &str, text: &str, width: usize, indent: usize) -> String {
    let text = with_whole_commands(text);
    let lines = text.split('\n').enumerate().map(|(index, line)| {
        let start = if index == 0 { start } else { "" };
        wrap(start, line, width, indent)
    });
    lines.collect::<Vec<_>>().join("\n").replace(NO_BREAK, " ")
}

/// Joins the words of commands in backticks by blanks at which no line is broken.
fn with_whole_commands(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(index, part)| {
        if index % 2 == 1 { Cow::Owned(part.replace(' ', NO_BREAK)) } else { Cow::Borrowed(part) }
    });
    parts.collect::<Vec<_>>().join("`")
}

/// Like [`wrap`], for a command line that can be pasted as it is.
pub(in crate::cli) fn wrap_command(start: &str, command: &str, width: usize, indent: usize) -> String {
    wrap(start, command, width.saturating_sub(2), indent).replace('\n', " \\\n")
}

/// Formats a name and its value, which begins at column `indent`; on lines of its own if it has a word that would not fit
/// there. Commands in backticks are not broken.
pub(in crate::cli) fn field(name: &str, value: &str, width: usize, indent: usize) -> String {
    let value = with_whole_commands(value);
    let longest = value.split(' ').map(measure_text_width).max().unwrap_or(0);
    let text = if indent + longest <= width {
        wrap(&left(name, indent), &value, width, indent).trim_end().to_owned()
    } else {
        format!("{}\n{}", name.trim_end(), wrap("  ", &value, width, 2))
    };
    text.replace(NO_BREAK, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_shortened_in_the_middle_by_columns() {
        assert_eq!(shortened("analysis.000017.root", 20), "analysis.000017.root");
        assert_eq!(shortened("analysis.000017.root", 10), "ana…7.root");
        assert_eq!([shortened("ab", 1), shortened("ab", 0)], ["…", ""]);
        let wide = shortened("s:日本語の名前.root", 12);
        assert!(measure_text_width(&wide) <= 12 && wide.ends_with(".root"), "{wide}");
        assert_eq!(cut("日本", 3), "日");
    }

    #[test]
    fn text_is_padded_by_columns() {
        assert_eq!(
            (left("日", 4).as_str(), right("日", 4).as_str(), left("long", 2).as_str()),
            ("日  ", "  日", "long")
        );
    }

    #[test]
    fn text_of_a_message_wraps_outside_commands() {
        assert_eq!(wrap_message("hint: ", "run `a b` now", 12, 2), "hint: run\n  `a b` now");
        assert_eq!(wrap_message("error: ", "one two\nthree four", 12, 2), "error: one\n  two\nthree four");
        assert_eq!(wrap_command("Retry: ", "a bb cc", 13, 4), "Retry: a bb \\\n    cc");
    }

    #[test]
    fn text_of_a_field_has_lines_of_its_own_where_a_word_is_too_long() {
        assert_eq!(field("name", "one two", 12, 6), "name  one\n      two");
        assert_eq!(field("name", "wonderful", 12, 6), "name\n  wonderful");
        assert_eq!(field("name", "`a b c`", 12, 6), "name\n  `a b c`");
    }

    #[test]
    fn text_wraps_between_words_only() {
        assert_eq!(wrap("", "one two three", 7, 2), "one two\n  three");
        assert_eq!(wrap("a: ", "one two three", 11, 3), "a: one two\n   three");
        assert_eq!(wrap("", "a unbreakable b", 5, 2), "a\n  unbreakable\n  b");
        assert_eq!(wrap("", "", 5, 2), "");
        assert_eq!(wrap("  ", "fits", 6, 2), "  fits");
    }
}
