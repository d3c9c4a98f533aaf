//! Text that fits the width of the terminal.

use console::Term;

/// Returns the width of the terminal of standard output, in columns; 80 if there is none.
pub(in crate::cli) fn terminal_width() -> usize {
    let columns = Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    columns.filter(|columns| *columns > 0).unwrap_or(80)
}

/// Wraps a text between words. The first line starts with `start`, further lines with blanks of the same width. A longer
/// word has a line of its own and is not broken, so that it can be copied.
pub(in crate::cli) fn wrapped(start: &str, text: &str, width: usize) -> String {
    let indent = start.chars().count();
    let mut result = start.to_owned();
    let mut column = indent;
    for word in text.split(' ') {
        let length = word.chars().count();
        if column > indent && column + 1 + length > width {
            result.push('\n');
            result.push_str(&" ".repeat(indent));
            column = indent;
        } else if column > indent {
            result.push(' ');
            column += 1;
        }
        result.push_str(word);
        column += length;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_between_words_with_a_hanging_indent() {
        assert_eq!(wrapped("a: ", "one two three", 11), "a: one two\n   three");
        assert_eq!(wrapped("a: ", "one", 80), "a: one");
        assert_eq!(wrapped("", "abcdefgh ij", 4), "abcdefgh\nij");
    }
}
