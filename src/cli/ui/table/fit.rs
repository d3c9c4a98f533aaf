//! Fits a table into the width of a terminal: shortens ids, writes times relative to now, omits the least important columns,
//! cuts long texts in the middle, or shows a row as lines. A table that fits is the official one, with states in colour.

use std::collections::HashSet;

use chrono::NaiveDateTime;
use console::{measure_text_width, truncate_str};

use super::column::ColumnType;
use super::relative::{self, relative};
use super::rich::state_style;
use super::{Cell, Table, TableStyle, draw};
use crate::cli::ui::clean;
use crate::cli::ui::text::{field, shortened};

/// Minimum width that a text is cut to: while there are columns to omit, and after that.
const MIN_TEXT: usize = 20;
const LEAST_TEXT: usize = 8;
/// Columns are this much wider than the text of their header.
const HEADER_ROOM: usize = 2;
/// Digits of a whole id, and the minimum number of those that are shown.
const ID: usize = 32;
const SHORT_ID: usize = 8;

/// A table as it is shown.
pub struct FittedTable {
    /// Its lines.
    pub text: String,
    /// Headers of the columns that are left out.
    pub omitted: Vec<String>,
}

/// Widths of a column.
struct Need {
    /// The widest cell.
    content: usize,
    /// The header.
    header: usize,
    /// Whether its cells must not be cut.
    is_fixed: bool,
}

pub(super) fn render(table: &Table, columns: usize, colours: bool, now: NaiveDateTime) -> FittedTable {
    let mut table = cleaned(table);
    let mut omitted = Vec::new();
    let finished = |table: &Table| draw::render(&coloured(table, colours));
    if width(&draw::render(&table)) <= columns {
        return FittedTable { text: finished(&table), omitted };
    }
    if table.rows.len() == 1 && !table.headers.is_empty() {
        return FittedTable { text: as_lines(&table, columns, colours), omitted };
    }
    shorten_ids(&mut table);
    shorten_times(&mut table, now);
    for expendable in table.expendable {
        if let Some(cut) = cut_to(&table, columns, MIN_TEXT) {
            return FittedTable { text: finished(&cut), omitted };
        }
        if table.remove_column(expendable) || table.remove_column(relative::header(expendable)) {
            omitted.push((*expendable).to_owned());
        }
    }
    match cut_to(&table, columns, MIN_TEXT).or_else(|| cut_to(&table, columns, LEAST_TEXT)) {
        Some(cut) => FittedTable { text: finished(&cut), omitted },
        None => FittedTable { text: as_lines(&table, columns, colours), omitted },
    }
}

fn width(text: &str) -> usize {
    text.split('\n').map(measure_text_width).max().unwrap_or(0)
}

/// Returns the table without control characters in its texts.
fn cleaned(table: &Table) -> Table {
    map_cells(table, |_, text| clean(text).replace('\t', " "))
}

/// Returns the table with the states in colour.
fn coloured(table: &Table, colours: bool) -> Table {
    if !colours {
        return table.clone();
    }
    map_cells(table, |_, text| match state_style(text) {
        Some(style) => style.force_styling(true).apply_to(text).to_string(),
        None => text.to_owned(),
    })
}

fn map_cells(table: &Table, change: impl Fn(usize, &str) -> String) -> Table {
    let mut changed = table.clone();
    for row in &mut changed.rows {
        for (index, cell) in row.iter_mut().enumerate() {
            if let Cell::Text(text) = cell {
                *text = change(index, text);
            }
        }
    }
    changed
}

impl Table {
    /// Removes the column with this header. Returns whether there is one.
    fn remove_column(&mut self, header: &str) -> bool {
        let Some(index) = self.headers.iter().position(|known| known == header) else { return false };
        self.headers.remove(index);
        for row in self.rows.iter_mut().filter(|row| index < row.len()) {
            row.remove(index);
        }
        true
    }

    fn column(&self, index: usize) -> impl Iterator<Item = &Cell> + Clone {
        self.rows.iter().filter_map(move |row| row.get(index))
    }

    fn column_count(&self) -> usize {
        self.rows.iter().map(Vec::len).max().unwrap_or(0).max(self.headers.len())
    }

    fn needs(&self) -> Vec<Need> {
        let need = |index| {
            let words = |cell: &Cell| width(&cell.words());
            let is_number = ColumnType::of_column(self.column(index), self.numbers).is_number();
            let is_state = |cell: &Cell| cell.as_text().is_some_and(|text| state_style(text).is_some());
            let is_fixed = is_number || self.column(index).all(is_state);
            let header = self.headers.get(index).map_or(0, |header| width(header) + HEADER_ROOM);
            Need { content: self.column(index).map(words).max().unwrap_or(0), header, is_fixed }
        };
        (0..self.column_count()).map(need).collect()
    }

    /// Returns the columns that frame and gaps take.
    fn frame_width(&self) -> usize {
        let count = self.column_count();
        match self.look {
            TableStyle::Psql => 3 * count + 1,
            TableStyle::Simple | TableStyle::Plain => 2 * count.saturating_sub(1),
        }
    }
}

/// Shortens whole ids to as many digits as make them different.
fn shorten_ids(table: &mut Table) {
    // Short ids may look like numbers.
    if table.numbers {
        return;
    }
    let is_id = |text: &str| text.len() == ID && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    for index in 0..table.column_count() {
        let texts: Vec<_> = table.column(index).filter_map(Cell::as_text).collect();
        if texts.is_empty() || !texts.iter().all(|text| is_id(text)) {
            continue;
        }
        let ids: HashSet<_> = texts.into_iter().collect();
        let are_different =
            |length: &usize| ids.iter().map(|id| &id[..*length]).collect::<HashSet<_>>().len() == ids.len();
        let length = (SHORT_ID..ID).find(are_different).unwrap_or(ID);
        *table = map_cells(table, |at, text| if at == index { text[..length].to_owned() } else { text.to_owned() });
    }
}

/// Writes the columns of times relative to now.
fn shorten_times(table: &mut Table, now: NaiveDateTime) {
    for index in 0..table.column_count() {
        let texts: Vec<_> = table.column(index).filter_map(Cell::as_text).collect();
        let is_none = |text: &str| text.is_empty() || text == "None";
        let is_time = |text: &&str| is_none(text) || relative(text, now).is_some();
        if texts.iter().all(|text| is_none(text)) || !texts.iter().all(is_time) {
            continue;
        }
        let short = |text: &str| relative(text, now).unwrap_or_else(|| text.to_owned());
        *table = map_cells(table, |at, text| if at == index { short(text) } else { text.to_owned() });
        if let Some(header) = table.headers.get_mut(index) {
            *header = relative::header(header).to_owned();
        }
    }
}

/// Returns the table with headers and texts cut so that it fits, none below `least`; `None` if it does not fit.
fn cut_to(table: &Table, columns: usize, least: usize) -> Option<Table> {
    let needs = table.needs();
    let room = columns.checked_sub(table.frame_width())?;
    // Headers give way first.
    let natural: Vec<_> = needs.iter().map(|need| need.content.max(need.header.min(LEAST_TEXT))).collect();
    let floor = |index: usize| if needs[index].is_fixed { natural[index] } else { natural[index].min(least) };
    let at =
        |limit: usize| (0..needs.len()).map(|index| natural[index].min(limit.max(floor(index)))).collect::<Vec<_>>();
    let widest = natural.iter().copied().max().unwrap_or(0);
    let mut widths = (0..=widest).rev().map(at).find(|widths| widths.iter().sum::<usize>() <= room)?;
    let mut spare = room - widths.iter().sum::<usize>();
    for (width, need) in widths.iter_mut().zip(&needs) {
        let more = need.header.saturating_sub(*width).min(spare);
        *width += more;
        spare -= more;
    }
    let lines = |text: &str, width| text.split('\n').map(|line| shortened(line, width)).collect::<Vec<_>>().join("\n");
    let mut fitted = map_cells(table, |index, text| lines(text, widths[index]));
    for (header, width) in fitted.headers.iter_mut().zip(&widths) {
        *header = truncate_str(header, width.saturating_sub(HEADER_ROOM), "…").into_owned();
    }
    Some(fitted)
}

/// Shows each row as lines of a header and a value, with an empty line between two rows.
fn as_lines(table: &Table, columns: usize, colours: bool) -> String {
    let header_width = table.headers.iter().map(|header| measure_text_width(header)).max().unwrap_or(0);
    let coloured = coloured(table, colours);
    let line = |(header, cell): (&String, &Cell)| {
        let words = cell.words();
        let indent = header_width + HEADER_ROOM;
        field(header, &words.replace('\n', " "), columns, indent)
    };
    let rows = coloured.rows.iter().map(|row| table.headers.iter().zip(row).map(line).collect::<Vec<_>>().join("\n"));
    rows.collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDS: [&str; 2] = ["0123456789abcdef0123456789abcdef", "01234567a9abcdef0123456789abcdef"];

    fn rules(rows: usize) -> Table {
        let headers = ["ID", "ACCOUNT", "SCOPE:NAME", "STATE[OK/REPL/STUCK]", "CREATED (UTC)"];
        let mut table = Table::simple(headers).without_numbers().with_expendable(&["CREATED (UTC)", "ACCOUNT"]);
        for id in &IDS[..rows] {
            table.row([*id, "jdoe", "user.jdoe:a.dataset.of.a.long.name", "STUCK[0/0/1]", "2026-11-30 12:00:00"]);
        }
        table
    }

    fn now() -> NaiveDateTime {
        NaiveDateTime::parse_from_str("2026-12-03 12:00:00", "%Y-%m-%d %H:%M:%S").unwrap()
    }

    fn fit(table: &Table, columns: usize) -> (String, Vec<String>) {
        let fitted = render(table, columns, false, now());
        let widest = width(&fitted.text);
        assert!(widest <= columns, "{widest} of {columns}:\n{}", fitted.text);
        (fitted.text, fitted.omitted)
    }

    #[test]
    fn table_that_fits_is_the_official_one() {
        let table = rules(2);
        assert_eq!(fit(&table, 200), (table.render(), vec![]));
        let coloured = render(&table, 200, true, now()).text;
        assert_eq!(console::strip_ansi_codes(&coloured), table.render());
        assert!(coloured.contains("\x1b[33mSTUCK[0/0/1]\x1b[0m"), "{coloured:?}");
    }

    #[test]
    fn table_that_is_too_wide_is_made_to_fit() {
        let (text, omitted) = fit(&rules(2), 100);
        assert!(omitted.is_empty(), "{omitted:?}");
        assert!(text.contains("user.jdoe:a.dataset.of.a.long.name") && text.contains("01234567a "), "{text}");
        assert!(text.contains("CREATED") && !text.contains("UTC") && text.contains("3d ago"), "{text}");
        let (text, omitted) = fit(&rules(2), 60);
        assert_eq!(omitted, ["CREATED (UTC)"]);
        assert!(text.contains("user.jdo…t.of.a.long.name") && text.contains("STUCK[0/0/1]"), "{text}");
        let (text, omitted) = fit(&rules(2), 40);
        assert_eq!(omitted, ["CREATED (UTC)", "ACCOUNT"]);
        assert!(text.contains("012345678") && text.contains("STUCK[0/0/1]"), "{text}");
    }

    #[test]
    fn table_of_one_row_that_is_too_wide_is_shown_as_lines() {
        let expected = "\
ID                    0123456789abcdef0123456789abcdef
ACCOUNT               jdoe
SCOPE:NAME            user.jdoe:a.dataset.of.a.long.name
STATE[OK/REPL/STUCK]  STUCK[0/0/1]
CREATED (UTC)         2026-11-30 12:00:00";
        assert_eq!(fit(&rules(1), 60).0, expected);
        assert!(
            fit(&rules(1), 40).0.starts_with("ID\n  0123456789abcdef0123456789abcdef\nACCOUNT               jdoe\n")
        );
    }

    #[test]
    fn table_cells_show_no_control_characters() {
        let mut table = Table::psql(["NAME"]);
        table.row(["a\x1b[31mb"]);
        assert!(fit(&table, 80).0.contains("a␛[31mb"));
    }
}
