//! Tables as the Python library `tabulate` draws them, byte for byte.
//!
//! Two properties of tabulate are surprising: with number parsing, text that looks like a number is reformatted (`1.50`
//! becomes `1.5`, a checksum like `12345e12` becomes `1.2345e+16`), and one cell decides for its whole column.

mod ansi;
mod cell;
mod column;
mod draw;
mod fit;
mod layout;
mod multiline;
mod number;
mod relative;
mod rich;
#[cfg(test)]
mod tests;

pub use cell::Cell;
pub use fit::FittedTable;

/// A table: headers, rows of cells, and a style.
#[derive(Debug, Clone)]
pub struct Table {
    headers: Vec<String>,
    rows: Vec<Vec<Cell>>,
    look: TableStyle,
    numbers: bool,
    expendable: &'static [&'static str],
}

/// Style of a table: tabulate's `tablefmt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TableStyle {
    Psql,
    Simple,
    Plain,
}

impl Table {
    /// Creates a table with a frame, as nearly all commands have.
    pub fn psql<H: Into<String>>(headers: impl IntoIterator<Item = H>) -> Self {
        Self::new(TableStyle::Psql, headers)
    }

    /// Creates a table with one line of dashes below the headers.
    pub fn simple<H: Into<String>>(headers: impl IntoIterator<Item = H>) -> Self {
        Self::new(TableStyle::Simple, headers)
    }

    /// Creates a table of columns only, without headers.
    pub fn plain() -> Self {
        Self::new(TableStyle::Plain, [""; 0])
    }

    fn new<H: Into<String>>(look: TableStyle, headers: impl IntoIterator<Item = H>) -> Self {
        let headers = headers.into_iter().map(Into::into).collect();
        Self { headers, rows: Vec::new(), look, numbers: true, expendable: &[] }
    }

    /// Leaves text and numbers unchanged and left-aligned: tabulate's `disable_numparse=True`.
    #[must_use]
    pub fn without_numbers(mut self) -> Self {
        self.numbers = false;
        self
    }

    /// Names the columns that may be left out on a narrow terminal, the least important one first.
    #[must_use]
    pub fn with_expendable(mut self, headers: &'static [&'static str]) -> Self {
        self.expendable = headers;
        self
    }

    /// Adds a row.
    pub fn row<C: Into<Cell>>(&mut self, cells: impl IntoIterator<Item = C>) -> &mut Self {
        self.rows.push(cells.into_iter().map(Into::into).collect());
        self
    }

    /// Renders the table as tabulate does, without a newline at the end.
    pub fn render(&self) -> String {
        draw::render(self)
    }

    /// Renders the table in rounded boxes, with text wrapped to fit into `width` columns. Control characters are made
    /// visible, so that the result is safe on a terminal.
    pub fn render_rich(&self, width: Option<u16>, colours: bool) -> String {
        rich::render(self, width, colours)
    }

    /// Renders the table for a terminal of this width. Control characters are made visible.
    pub fn render_fitting(&self, columns: usize, colours: bool) -> FittedTable {
        fit::render(self, columns, colours, chrono::Utc::now().naive_utc())
    }

    /// Returns every text of the table, headers first.
    fn texts(&self) -> impl Iterator<Item = &str> {
        let cells = self.rows.iter().flatten().filter_map(Cell::as_text);
        self.headers.iter().map(String::as_str).chain(cells)
    }

    /// Returns the headers, with empty ones in front if the first row has more cells.
    fn padded_headers(&self) -> Vec<&str> {
        if self.headers.is_empty() {
            return Vec::new();
        }
        let missing = self.rows.first().map_or(0, |row| row.len().saturating_sub(self.headers.len()));
        std::iter::repeat_n("", missing).chain(self.headers.iter().map(String::as_str)).collect()
    }
}
