//! Fits text into the width of a terminal: shortens, cuts, pads and wraps it.

use console::{Term, measure_text_width};

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
    fn text_wraps_between_words_only() {
        assert_eq!(wrap("", "one two three", 7, 2), "one two\n  three");
        assert_eq!(wrap("a: ", "one two three", 11, 3), "a: one two\n   three");
        assert_eq!(wrap("", "a unbreakable b", 5, 2), "a\n  unbreakable\n  b");
        assert_eq!(wrap("", "", 5, 2), "");
        assert_eq!(wrap("  ", "fits", 6, 2), "  fits");
    }
}
