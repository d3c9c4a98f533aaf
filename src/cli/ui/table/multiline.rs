//! Tables in which a cell has several lines: slower, with all of tabulate's quirks.

use super::ansi;
use super::layout::Layout;

/// Returns the headers, every line padded.
pub(super) fn headers(layout: &Layout<'_>) -> Vec<String> {
    let padded = |(index, header): (usize, &&str)| {
        let widths = line_widths(layout, header, layout.widths[index]);
        join(header.split(['\n', '\r']).zip(widths), layout.is_right(index))
    };
    layout.headers.iter().enumerate().map(padded).collect()
}

/// Returns the rows, every line of every cell padded.
pub(super) fn rows(layout: &Layout<'_>) -> Vec<Vec<String>> {
    let count = layout.columns.first().map_or(0, |column| column.cells.len());
    (0..count).map(|row| (0..layout.columns.len()).map(|index| cell(layout, row, index)).collect()).collect()
}

fn cell(layout: &Layout<'_>, row: usize, index: usize) -> String {
    let drawn = &layout.columns[index].cells[row];
    let text = format!("{}{}", drawn.text, " ".repeat(drawn.behind));
    let width = layout.widths[index];
    if layout.coloured {
        join(lines(&text).into_iter().zip(line_widths(layout, &text, width)), layout.is_right(index))
    } else {
        join(lines(&text).into_iter().zip(std::iter::repeat(width)), layout.is_right(index))
    }
}

/// Returns the number of characters that each line is padded to, so that `width` are visible.
fn line_widths(layout: &Layout<'_>, text: &str, width: usize) -> Vec<usize> {
    text.split(['\n', '\r']).map(|line| width + ansi::width(line) - layout.seen_width(line)).collect()
}

fn join<'a>(lines: impl Iterator<Item = (&'a str, usize)>, right: bool) -> String {
    let padded = lines.map(|(line, width)| if right { format!("{line:>width$}") } else { format!("{line:<width$}") });
    padded.collect::<Vec<_>>().join("\n")
}

/// Splits lines like Python's `str.splitlines`: at more than CR and LF, and without an empty last line.
pub(super) fn lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(index) = rest.find(is_break) {
        lines.push(&rest[..index]);
        let after = &rest[index..];
        let length = if after.starts_with("\r\n") { 2 } else { after.chars().next().map_or(1, char::len_utf8) };
        rest = &after[length..];
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}

fn is_break(c: char) -> bool {
    matches!(c, '\n'..='\r' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn multiline_text_splits_as_in_python() {
        assert_eq!(lines(""), [""; 0]);
        assert_eq!(lines("a\r\nb\n"), ["a", "b"]);
        assert_eq!(lines("\n\na\u{2028}b\x0bc"), ["", "", "a", "b", "c"]);
    }
}
