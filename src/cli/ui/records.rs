//! Records of a command, for all formats but text and tables.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use super::{Cell, Format, Table, Ui};
use crate::error::{Error, Result};

/// Columns and name of a kind of record.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Fields of the name; several are joined by colons, as in a DID.
    pub name: &'static [&'static str],
    /// Columns of CSV and TSV; if empty, the fields of the first record.
    pub columns: &'static [&'static str],
}

impl Shape {
    /// Shape of records that are named by a DID.
    pub const fn did(columns: &'static [&'static str]) -> Self {
        Self { name: &["scope", "name"], columns }
    }

    /// Shape of records that are named by one field.
    pub const fn named(name: &'static [&'static str; 1], columns: &'static [&'static str]) -> Self {
        Self { name, columns }
    }
}

/// A list of records. Each is written as it is added; only an aligned or a sorted list is held until [`Self::end`].
#[derive(Debug)]
#[must_use = "a list that is not ended is not whole"]
pub struct Listing<'a> {
    ui: &'a Ui,
    shape: Shape,
    table: Option<Table>,
    columns: Vec<String>,
    count: u64,
    /// Rows to sort, with the values to sort them by.
    held: Vec<(Vec<Value>, Row)>,
    /// Number of rows that the list options were applied to.
    seen: u64,
}

/// A row of a list of which a part is shown.
#[derive(Debug)]
enum Row {
    /// A row of the table.
    Cells(Vec<Cell>),
    /// A line of text.
    Line(String),
    /// A record with the selected fields.
    Record(Value),
}

impl<'a> Listing<'a> {
    pub(super) fn new(ui: &'a Ui, shape: Shape) -> Self {
        Self { ui, shape, table: None, columns: Vec::new(), count: 0, held: Vec::new(), seen: 0 }
    }

    /// Sets the table for the table format. With selected columns, the list has a table of its own.
    pub fn with_table(self, table: Table) -> Self {
        let has_own = !self.ui.selection().columns.is_empty();
        Self { table: if has_own { None } else { Some(table) }, ..self }
    }

    /// Adds a record; in table format, a row of the table.
    pub fn row<C: Into<Cell>, I: IntoIterator<Item = C>>(
        &mut self,
        record: &impl Serialize,
        cells: impl FnOnce() -> I,
    ) -> Result<()> {
        match (self.ui.format(), &mut self.table) {
            (Format::Table, Some(table)) => {
                table.row(cells());
                Ok(())
            }
            (Format::Selected, Some(_)) if self.ui.selection().columns.is_empty() => {
                self.select(record, |_| Row::Cells(cells().into_iter().map(Into::into).collect()))
            }
            _ => self.record(record),
        }
    }

    /// Adds a record; in table format, prints a line.
    pub fn line(&mut self, record: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
        match self.ui.format() {
            Format::Table => self.ui.line(&text()),
            Format::Selected if self.ui.selection().columns.is_empty() => self.select(record, |_| Row::Line(text())),
            _ => self.record(record),
        }
    }

    /// Adds a record; table format omits it.
    pub fn record(&mut self, record: &impl Serialize) -> Result<()> {
        if self.ui.format() != Format::Table && !self.ui.selection().is_everything() {
            return self.select(record, Row::Record);
        }
        self.write(record)
    }

    /// Applies the list options to a record and writes the row, or holds it to be sorted.
    fn select(&mut self, record: &impl Serialize, row: impl FnOnce(Value) -> Row) -> Result<()> {
        let selection = self.ui.selection();
        let record = to_value(record)?;
        if self.seen == 0 {
            selection.check(&record, self.shape.columns)?;
        }
        self.seen += 1;
        let key = selection.key(&record);
        let row = || row(selection.select(record));
        if !key.is_empty() {
            self.held.push((key, row()));
            return Ok(());
        }
        if self.is_within_limit(self.seen) { self.write_row(row()) } else { Ok(()) }
    }

    fn is_within_limit(&self, rows: u64) -> bool {
        self.ui.selection().limit.is_none_or(|limit| rows <= limit)
    }

    /// Writes the rows that were held, sorted.
    fn write_held(&mut self) -> Result<()> {
        let selection = self.ui.selection();
        let mut held = std::mem::take(&mut self.held);
        held.sort_by(|(one, _), (other, _)| selection.compare(one, other));
        for (number, (_, row)) in (1..).zip(held) {
            if self.is_within_limit(number) {
                self.write_row(row)?;
            }
        }
        Ok(())
    }

    fn write_row(&mut self, row: Row) -> Result<()> {
        match row {
            Row::Cells(cells) => {
                self.table.get_or_insert_with(Table::plain).row(cells);
                Ok(())
            }
            Row::Line(text) => self.ui.write_record(&format!("{text}\n")),
            Row::Record(record) => self.write(&record),
        }
    }

    fn write(&mut self, record: &impl Serialize) -> Result<()> {
        let ui = self.ui;
        match ui.format() {
            Format::Table => return Ok(()),
            Format::Selected => self.aligned(&to_value(record)?),
            Format::Json => {
                let before = if self.count == 0 { "[\n" } else { ",\n" };
                ui.write_record(&format!("{before}{}", json(record)?))?;
            }
            Format::Jsonl => ui.write_record(&format!("{}\n", json(record)?))?,
            Format::Csv => self.delimited(&to_value(record)?, ",", csv_field)?,
            Format::Tsv => self.delimited(&to_value(record)?, "\t", tsv_field)?,
            Format::Name => ui.write_record(&format!("{}\n", self.name_of(&to_value(record)?)))?,
        }
        self.count += 1;
        Ok(())
    }

    /// Ends the list: prints the table, closes the JSON array, or writes the header of an empty CSV or TSV.
    pub fn end(mut self) -> Result<()> {
        self.write_held()?;
        match (self.ui.format(), &self.table, self.count) {
            (Format::Table, Some(table), _) => self.ui.table(table),
            (Format::Selected, Some(table), _) => self.ui.draw(table),
            (Format::Json, _, 0) => self.ui.write_record("[]\n"),
            (Format::Json, _, _) => self.ui.write_record("\n]\n"),
            (Format::Csv, _, 0) => self.header(",", csv_field),
            (Format::Tsv, _, 0) => self.header("\t", tsv_field),
            _ => Ok(()),
        }?;
        if !self.is_within_limit(self.seen) {
            self.ui.flush()?;
            tracing::info!("{} of {} rows are shown.", self.ui.selection().limit.unwrap_or_default(), self.seen);
        }
        Ok(())
    }

    /// Adds a record to a table whose columns are its fields.
    fn aligned(&mut self, record: &Value) {
        if self.count == 0 {
            self.columns = self.column_names(record);
        }
        let headers = self.columns.iter().map(|column| column.to_uppercase());
        let table = self.table.get_or_insert_with(|| Table::simple(headers));
        table.row(self.columns.iter().map(|column| field(&record[column.as_str()])));
    }

    /// Returns the columns: those selected, those of the shape, or all fields of the record.
    fn column_names(&self, record: &Value) -> Vec<String> {
        let selected = &self.ui.selection().columns;
        let keys = || record.as_object().into_iter().flat_map(|fields| fields.keys().cloned());
        match (selected.is_empty(), self.shape.columns) {
            (false, _) => selected.clone(),
            (true, []) => keys().collect(),
            (true, columns) => columns.iter().map(|&column| column.to_owned()).collect(),
        }
    }

    fn delimited(&mut self, record: &Value, by: &str, quote: fn(&str) -> Cow<'_, str>) -> Result<()> {
        if self.count == 0 {
            self.columns = self.column_names(record);
            self.header(by, quote)?;
        }
        let values = self.columns.iter().map(|column| field(&record[column.as_str()]));
        let line = values.map(|value| quote(&value).into_owned()).collect::<Vec<_>>().join(by);
        self.ui.write_record(&format!("{line}\n"))
    }

    /// Writes the names of the columns. Those of an empty list are known if they were selected, or if its shape has them.
    fn header(&mut self, by: &str, quote: fn(&str) -> Cow<'_, str>) -> Result<()> {
        if self.columns.is_empty() {
            self.columns = self.column_names(&Value::Null);
        }
        if self.columns.is_empty() {
            Ok(())
        } else {
            let names: Vec<_> = self.columns.iter().map(|column| quote(column)).collect();
            self.ui.write_record(&format!("{}\n", names.join(by)))
        }
    }

    fn name_of(&self, record: &Value) -> String {
        self.shape.name.iter().map(|&part| field(&record[part])).collect::<Vec<_>>().join(":")
    }
}

/// Formats one record as an indented JSON object, for commands with a single result.
pub(super) fn pretty(record: &impl Serialize) -> Result<String> {
    serde_json::to_string_pretty(record).map_err(Error::unwritable)
}

fn json(record: &impl Serialize) -> Result<String> {
    serde_json::to_string(record).map_err(Error::unwritable)
}

fn to_value(record: &impl Serialize) -> Result<Value> {
    serde_json::to_value(record).map_err(Error::unwritable)
}

/// Formats a value as one field: text unchanged, null empty, nested values as JSON.
fn field(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn csv_field(text: &str) -> Cow<'_, str> {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\"")).into()
    } else {
        text.into()
    }
}

fn tsv_field(text: &str) -> Cow<'_, str> {
    if text.contains(['\\', '\t', '\n', '\r']) {
        text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r").into()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::super::log::Shared;
    use super::*;
    use serde_json::json;

    const SHAPE: Shape = Shape::did(&["scope", "name", "bytes"]);

    fn shown(format: Format, records: &[Value]) -> String {
        let shared = Shared::default();
        let ui = Ui::new(shared.clone(), false).with_format(format);
        let mut list = ui.list(SHAPE).with_table(Table::simple(["DID"]));
        for record in records {
            list.row(record, || [record["name"].as_str().unwrap_or_default()]).unwrap();
        }
        list.end().unwrap();
        ui.line("a line for people").unwrap();
        ui.flush().unwrap();
        shared.text()
    }

    #[test]
    fn records_are_the_same_in_every_format() {
        let records = [
            json!({"scope": "s", "name": "a,\"b\"\t", "bytes": 3, "more": {"x": 1.5}}),
            json!({"name": "c", "scope": "s", "bytes": null}),
        ];
        let cases = [
            (Format::Table, "DID\n-----\na,\"b\"\nc\na line for people\n"),
            (
                Format::Json,
                "[\n{\"scope\":\"s\",\"name\":\"a,\\\"b\\\"\\t\",\"bytes\":3,\"more\":{\"x\":1.5}},\n\
                 {\"name\":\"c\",\"scope\":\"s\",\"bytes\":null}\n]\n",
            ),
            (
                Format::Jsonl,
                "{\"scope\":\"s\",\"name\":\"a,\\\"b\\\"\\t\",\"bytes\":3,\"more\":{\"x\":1.5}}\n\
                 {\"name\":\"c\",\"scope\":\"s\",\"bytes\":null}\n",
            ),
            (Format::Csv, "scope,name,bytes\ns,\"a,\"\"b\"\"\t\",3\ns,c,\n"),
            (Format::Tsv, "scope\tname\tbytes\ns\ta,\"b\"\\t\t3\ns\tc\t\n"),
            (Format::Name, "s:a,\"b\"\t\ns:c\n"),
        ];
        for (format, expected) in cases {
            assert_eq!(shown(format, &records), expected, "{format:?}");
        }
    }

    #[test]
    fn records_of_an_empty_list_are_still_a_list() {
        let cases =
            [(Format::Json, "[]\n"), (Format::Jsonl, ""), (Format::Csv, "scope,name,bytes\n"), (Format::Name, "")];
        for (format, expected) in cases {
            assert_eq!(shown(format, &[]), expected, "{format:?}");
        }
    }

    #[test]
    fn record_alone_is_an_object_with_all_fields_without_columns() {
        let record = json!({"version": "1", "build": 2});
        let cases = [
            (Format::Table, "1\n"),
            (Format::Json, "{\n  \"version\": \"1\",\n  \"build\": 2\n}\n"),
            (Format::Jsonl, "{\"version\":\"1\",\"build\":2}\n"),
            (Format::Csv, "version,build\n1,2\n"),
            (Format::Name, "1\n"),
        ];
        for (format, expected) in cases {
            let shared = Shared::default();
            let ui = Ui::new(shared.clone(), false).with_format(format);
            ui.one(Shape::named(&["version"], &[]), &record, || "1".to_owned()).unwrap();
            ui.flush().unwrap();
            assert_eq!(shared.text(), expected, "{format:?}");
        }
    }
}
