//! Fits text into the width of a terminal: shortens, cuts, pads and wraps it.

use console::measure_text_width;

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

/// Breaks a text between words into lines of at most `width` columns; all but the first are indented. A word that is
/// longer than a line stays whole, so that it can be copied.
pub(super) fn wrapped(text: &str, width: usize, indent: usize) -> String {
    let mut lines = vec![String::new()];
    let mut columns = 0;
    for word in text.split(' ') {
        let length = measure_text_width(word);
        let is_start = columns == 0 || (lines.len() > 1 && columns == indent);
        if !is_start && columns + 1 + length > width {
            lines.push(" ".repeat(indent));
            columns = indent;
        } else if !is_start {
            if let Some(line) = lines.last_mut() {
                line.push(' ');
            }
            columns += 1;
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(word);
        }
        columns += length;
    }
    lines.join("\n")
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
        assert_eq!(wrapped("one two three", 7, 2), "one two\n  three");
        assert_eq!(wrapped("a unbreakable b", 5, 2), "a\n  unbreakable\n  b");
        assert_eq!(wrapped("", 5, 2), "");
        assert_eq!(wrapped("fits", 5, 2), "fits");
    }
}
