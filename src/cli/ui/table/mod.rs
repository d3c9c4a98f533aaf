//! Tables as the Python library `tabulate` draws them, byte for byte.
//!
//! Two things of tabulate surprise: with number parsing, texts that look like numbers are written anew (`1.50` becomes
//! `1.5`, a checksum like `12345e12` becomes `1.2345e+16`), and one cell decides for its whole column.

mod ansi;
mod cell;
mod column;
mod draw;
mod layout;
mod multiline;
mod number;
mod rich;
#[cfg(test)]
mod tests;

pub use cell::Cell;

/// A table: headers, rows of cells, and the look it is drawn in.
#[derive(Debug, Clone)]
pub struct Table {
    headers: Vec<String>,
    rows: Vec<Vec<Cell>>,
    look: Look,
    numbers: bool,
}

/// tabulate's `tablefmt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Psql,
    Simple,
    Plain,
}

impl Table {
    /// The framed look nearly all commands have.
    pub fn psql<H: Into<String>>(headers: impl IntoIterator<Item = H>) -> Self {
        Self::new(Look::Psql, headers)
    }

    /// The look with one line of dashes below the headers.
    pub fn simple<H: Into<String>>(headers: impl IntoIterator<Item = H>) -> Self {
        Self::new(Look::Simple, headers)
    }

    /// Columns only, without headers.
    pub fn plain() -> Self {
        Self::new(Look::Plain, [""; 0])
    }

    fn new<H: Into<String>>(look: Look, headers: impl IntoIterator<Item = H>) -> Self {
        Self { headers: headers.into_iter().map(Into::into).collect(), rows: Vec::new(), look, numbers: true }
    }

    /// Texts and numbers stay as they are and lean to the left: tabulate's `disable_numparse=True`.
    #[must_use]
    pub fn without_numbers(mut self) -> Self {
        self.numbers = false;
        self
    }

    /// Adds a row.
    pub fn row<C: Into<Cell>>(&mut self, cells: impl IntoIterator<Item = C>) -> &mut Self {
        self.rows.push(cells.into_iter().map(Into::into).collect());
        self
    }

    /// The table as tabulate draws it, without a newline at its end.
    pub fn render(&self) -> String {
        draw::render(self)
    }

    /// The table in rounded boxes, its texts wrapped if it must fit into `width` columns. Controls in its texts are
    /// made visible, so it may go to a terminal as it is.
    pub fn render_rich(&self, width: Option<u16>, colours: bool) -> String {
        rich::render(self, width, colours)
    }

    /// Every text in it, headers first.
    fn texts(&self) -> impl Iterator<Item = &str> {
        let cells = self.rows.iter().flatten().filter_map(Cell::as_text);
        self.headers.iter().map(String::as_str).chain(cells)
    }

    /// The headers, with empty ones in front when the first row has more cells.
    fn padded_headers(&self) -> Vec<&str> {
        if self.headers.is_empty() {
            return Vec::new();
        }
        let missing = self.rows.first().map_or(0, |row| row.len().saturating_sub(self.headers.len()));
        std::iter::repeat_n("", missing).chain(self.headers.iter().map(String::as_str)).collect()
    }
}
