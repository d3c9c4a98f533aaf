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

/// A list of records. Each is written as it is added; only an aligned table is held until [`Self::end`].
#[derive(Debug)]
#[must_use = "a list that is not ended is not whole"]
pub struct Listing<'a> {
    ui: &'a Ui,
    shape: Shape,
    table: Option<Table>,
    columns: Vec<String>,
    count: u64,
}

impl<'a> Listing<'a> {
    pub(super) fn new(ui: &'a Ui, shape: Shape) -> Self {
        Self { ui, shape, table: None, columns: Vec::new(), count: 0 }
    }

    /// Sets the table for the table format.
    pub fn with_table(self, table: Table) -> Self {
        Self { table: Some(table), ..self }
    }

    /// Adds a record; in table format, a row of the table.
    pub fn row<C: Into<Cell>, I: IntoIterator<Item = C>>(
        &mut self,
        record: &impl Serialize,
        cells: impl FnOnce() -> I,
    ) -> Result<()> {
        match &mut self.table {
            Some(table) if self.ui.format() == Format::Table => {
                table.row(cells());
                Ok(())
            }
            _ => self.record(record),
        }
    }

    /// Adds a record; in table format, prints a line.
    pub fn line(&mut self, record: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
        match self.ui.format() {
            Format::Table => self.ui.line(&text()),
            _ => self.record(record),
        }
    }

    /// Adds a record; table format omits it.
    pub fn record(&mut self, record: &impl Serialize) -> Result<()> {
        let ui = self.ui;
        match ui.format() {
            Format::Table => return Ok(()),
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
        match (self.ui.format(), &self.table, self.count) {
            (Format::Table, Some(table), _) => self.ui.table(table),
            (Format::Json, _, 0) => self.ui.write_record("[]\n"),
            (Format::Json, _, _) => self.ui.write_record("\n]\n"),
            (Format::Csv, _, 0) => self.header(",", csv_field),
            (Format::Tsv, _, 0) => self.header("\t", tsv_field),
            _ => Ok(()),
        }
    }

    fn delimited(&mut self, record: &Value, by: &str, quote: fn(&str) -> Cow<'_, str>) -> Result<()> {
        if self.count == 0 {
            let keys = || record.as_object().into_iter().flat_map(|fields| fields.keys().cloned());
            if self.shape.columns.is_empty() {
                self.columns = keys().collect();
            }
            self.header(by, quote)?;
        }
        let values = self.columns.iter().map(|column| field(&record[column.as_str()]));
        let line = values.map(|value| quote(&value).into_owned()).collect::<Vec<_>>().join(by);
        self.ui.write_record(&format!("{line}\n"))
    }

    fn header(&mut self, by: &str, quote: fn(&str) -> Cow<'_, str>) -> Result<()> {
        self.columns.extend(self.shape.columns.iter().map(|&column| column.to_owned()));
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
