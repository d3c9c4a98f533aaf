//! Collects and prints replicas of datasets.

use std::collections::HashMap;

use serde_json::Value;

use crate::cli::ui::values::member_str;
use crate::cli::ui::{Cell, Format, Listing, Shape, Table, Ui};
use crate::error::Result;
use crate::lists::CompleteList;
use crate::types::DatasetReplica;

const SHAPE: Shape =
    Shape::did(&["scope", "name", "rse", "available_length", "length", "available_bytes", "bytes", "state"]);

/// The replicas found so far. Machine formats print each immediately; the table groups them by dataset.
pub(super) struct Found<'a> {
    ui: &'a Ui,
    list: Listing<'a>,
    datasets: Vec<Dataset>,
    places: HashMap<String, usize>,
}

/// A dataset with one row per RSE.
struct Dataset {
    name: String,
    rows: Vec<Row>,
}

struct Row {
    rse: String,
    found: Value,
    total: Value,
}

impl<'a> Found<'a> {
    pub(super) fn new(ui: &'a Ui) -> Self {
        Self { ui, list: ui.list(SHAPE), datasets: Vec::new(), places: HashMap::new() }
    }

    /// Adds all replicas of a listing.
    pub(super) async fn all(&mut self, rows: CompleteList<'_, DatasetReplica>) -> Result<()> {
        let mut rows = rows.raw();
        while let Some(row) = rows.next().await? {
            match self.ui.format() {
                Format::Table => self.keep(&row),
                _ => self.list.record(&row)?,
            }
        }
        Ok(())
    }

    /// Saves a replica for the table; a later row of the same RSE replaces the earlier one.
    fn keep(&mut self, replica: &DatasetReplica) {
        let name = replica.did.to_string();
        let at = *self.places.entry(name.clone()).or_insert(self.datasets.len());
        if at == self.datasets.len() {
            self.datasets.push(Dataset { name, rows: Vec::new() });
        }
        let rows = &mut self.datasets[at].rows;
        let found = replica.available_length.clone();
        let total = replica.length.clone();
        let row = Row { rse: replica.rse.clone(), found, total };
        match rows.iter_mut().find(|known| known.rse == row.rse) {
            Some(known) => *known = row,
            None => rows.push(row),
        }
    }

    /// Prints the saved replicas for people, and ends the list for machines.
    pub(super) fn show(self, csv: bool) -> Result<()> {
        for dataset in &self.datasets {
            if csv {
                dataset.rows.iter().try_for_each(|row| self.ui.line(&row.csv()))?;
            } else {
                self.ui.line(&format!("\nDATASET: {}", dataset.name))?;
                self.ui.table(&dataset.table())?;
            }
        }
        self.list.end()
    }
}

impl Dataset {
    fn table(&self) -> Table {
        let mut table = Table::psql(["RSE", "FOUND", "TOTAL"]);
        for Row { rse, found, total } in &self.rows {
            table.row([rse.as_str().into(), Cell::member(found), Cell::member(total)]);
        }
        table
    }
}

impl Row {
    fn csv(&self) -> String {
        format!("{},{},{}", self.rse, member_str(&self.found), member_str(&self.total))
    }
}
