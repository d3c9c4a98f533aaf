//! Draws the frame and the rows.

use super::column::Drawn;
use super::layout::Layout;
use super::number::is_space;
use super::{Table, TableStyle, ansi, multiline};

const BLANKS: &str = "                                                                ";

/// Left end, separator of two columns, right end.
type Ends = (&'static str, &'static str, &'static str);

/// Horizontal lines and separators of a style; `None` where it has no line.
struct Frame {
    above: Option<Ends>,
    below_header: Option<Ends>,
    below: Option<Ends>,
    row: Ends,
    padding: usize,
}

impl TableStyle {
    fn frame(self, has_headers: bool) -> Frame {
        const GAP: Ends = ("", "  ", "");
        const CORNERS: Option<Ends> = Some(("+", "+", "+"));
        let outer = (!has_headers).then_some(GAP);
        match self {
            Self::Psql => {
                let below_header = Some(("|", "+", "|"));
                Frame { above: CORNERS, below_header, below: CORNERS, row: ("|", "|", "|"), padding: 1 }
            }
            Self::Simple => Frame { above: outer, below_header: Some(GAP), below: outer, row: GAP, padding: 0 },
            Self::Plain => Frame { above: None, below_header: None, below: None, row: GAP, padding: 0 },
        }
    }
}

/// Renders the table, without a newline at the end.
pub(super) fn render(table: &Table) -> String {
    let (multiline, coloured) = quirks(table);
    let layout = Layout::new(table, multiline, coloured);
    let frame = table.look.frame(!layout.headers.is_empty());
    let mut out = String::with_capacity(layout.size(&frame, table.rows.len()));
    if !layout.headers.is_empty() || !layout.columns.is_empty() {
        layout.draw(&mut out, &frame, multiline);
    }
    out.pop();
    out
}

/// Returns whether any text has several lines, and whether any has escape sequences.
fn quirks(table: &Table) -> (bool, bool) {
    // A loop without a branch is vectorised by the compiler.
    let has_control = |text: &&str| text.bytes().fold(false, |found, byte| found | (byte < b' '));
    table.texts().filter(has_control).fold((false, false), |(multiline, coloured), text| {
        (multiline || text.contains(['\n', '\r']), coloured || ansi::is_in(text))
    })
}

impl Layout<'_> {
    fn size(&self, frame: &Frame, rows: usize) -> usize {
        let row: usize = self.widths.iter().map(|width| width + 2 * frame.padding + 2).sum();
        (row + 2) * (rows + 4)
    }

    fn draw(&self, out: &mut String, frame: &Frame, multiline: bool) {
        self.rule(out, frame, frame.above);
        if !self.headers.is_empty() {
            if multiline {
                self.lines(out, frame, &multiline::headers(self))
            } else {
                self.header_row(out, frame)
            }
            self.rule(out, frame, frame.below_header);
        }
        if multiline {
            multiline::rows(self).iter().for_each(|row| self.lines(out, frame, row))
        } else {
            self.rows(out, frame)
        }
        self.rule(out, frame, frame.below);
    }

    fn rule(&self, out: &mut String, frame: &Frame, ends: Option<Ends>) {
        if let Some(ends) = ends {
            self.row(out, ends, |out, index| {
                out.extend(std::iter::repeat_n('-', self.widths[index] + 2 * frame.padding))
            });
        }
    }

    fn header_row(&self, out: &mut String, frame: &Frame) {
        self.row(out, frame.row, |out, index| {
            let header = self.headers[index];
            let blank = self.widths[index] - self.seen_width(header);
            let right = self.is_right(index);
            padded(out, header, (if right { blank } else { 0 }, if right { 0 } else { blank }), frame.padding);
        });
    }

    fn rows(&self, out: &mut String, frame: &Frame) {
        let rows = self.columns.first().map_or(0, |column| column.cells.len());
        for number in 0..rows {
            self.row(out, frame.row, |out, index| {
                let Drawn { text, width, behind } = &self.columns[index].cells[number];
                let blank = self.widths[index] - width - behind;
                let sides = if self.is_right(index) { (blank, *behind) } else { (0, blank) };
                padded(out, text, sides, frame.padding);
            });
        }
    }

    /// Draws a row of cells with several lines, all padded to the column's width.
    fn lines(&self, out: &mut String, frame: &Frame, cells: &[String]) {
        let cells: Vec<Vec<&str>> = cells.iter().map(|cell| multiline::lines(cell)).collect();
        for number in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
            self.row(out, frame.row, |out, index| match cells[index].get(number) {
                Some(line) => padded(out, line, (0, 0), frame.padding),
                None => padded(out, "", (0, self.widths[index]), frame.padding),
            });
        }
    }

    /// Draws one line, without trailing spaces.
    fn row(&self, out: &mut String, (left, between, right): Ends, mut cell: impl FnMut(&mut String, usize)) {
        let start = out.len();
        out.push_str(left);
        for index in 0..self.widths.len() {
            if index > 0 {
                out.push_str(between);
            }
            cell(out, index);
        }
        out.push_str(right);
        let length = out[start..].trim_end_matches(is_space).len();
        out.truncate(start + length);
        out.push('\n');
    }
}

fn padded(out: &mut String, text: &str, (before, behind): (usize, usize), padding: usize) {
    blanks(out, padding + before);
    out.push_str(text);
    blanks(out, padding + behind);
}

fn blanks(out: &mut String, mut count: usize) {
    while count > BLANKS.len() {
        out.push_str(BLANKS);
        count -= BLANKS.len();
    }
    out.push_str(&BLANKS[..count]);
}
