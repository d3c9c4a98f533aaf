//! A list that is complete, or an error.

use std::collections::HashMap;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;

use super::count::size;
use super::outage::{BROKE_OFF, Outage};
use super::row::Row;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::{Client, JsonStream, Raw};
use crate::types::Did;

/// How often a list may be read again without a new row before it is given up.
const STALLS: u32 = 3;
/// How often a list that no number is known of may differ from the one before.
const DIFFERENCES: u32 = 6;

/// How it is known that all rows came.
#[derive(Debug, Clone)]
pub(super) enum Check {
    /// By the number of files that the server counts below this DID.
    Files(Did),
    /// By the number of files of this dataset; if it is a container, as [`Check::Twice`].
    Content(Did),
    /// By reading the list twice: no number is known otherwise.
    Twice,
}

/// Starts reading a list from its beginning.
pub(super) type Open<'c, T> = Box<dyn Fn() -> BoxFuture<'c, Result<JsonStream<T>>> + Send + Sync + 'c>;

/// The rows of a list, each once, in the server's order. A server that ends its answer early (a process that was killed,
/// a lost database: mod_wsgi ends the answer as if it were whole) is asked again for the whole list, and the rows
/// that had not come follow.
pub struct CompleteList<'c, T> {
    client: &'c Client,
    open: Open<'c, T>,
    check: Check,
    /// What is listed, for messages.
    title: String,
    rows: JsonStream<T>,
    pass: Pass,
    /// The keys of all rows that were given.
    given: Vec<u64>,
    /// The number of rows that was known before the pass under way.
    expected: Option<u64>,
    stalls: u32,
    outage: Outage,
}

/// One reading of the list.
#[derive(Debug, Default)]
struct Pass {
    number: u32,
    rows: u64,
    new_rows: u64,
    /// The rows of the pass before.
    rows_before: u64,
    /// The rows that were given before this pass and have not come in it.
    given_before: HashMap<u64, u32>,
}

impl Pass {
    /// Whether a row has not been given before.
    fn is_new(&mut self, key: u64) -> bool {
        self.rows += 1;
        match self.given_before.get_mut(&key) {
            Some(times @ 1..) => *times -= 1,
            _ => {
                self.new_rows += 1;
                return true;
            }
        }
        false
    }

    /// Whether it is the same list as the one before.
    fn repeats(&self) -> bool {
        self.number > 0 && self.rows == self.rows_before && self.new_rows == 0
    }

    fn next(&self, given: &[u64]) -> Self {
        let mut given_before = HashMap::new();
        given.iter().for_each(|key| *given_before.entry(*key).or_default() += 1);
        Self { number: self.number + 1, rows: 0, new_rows: 0, rows_before: self.rows, given_before }
    }
}

impl<T> std::fmt::Debug for CompleteList<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CompleteList")
            .field("title", &self.title)
            .field("pass", &self.pass.number)
            .finish_non_exhaustive()
    }
}

impl<'c, T: DeserializeOwned + Row + 'static> CompleteList<'c, T> {
    /// Asks for the list.
    ///
    /// Errors: those of the first answer, which is not asked for again.
    pub(super) async fn new(client: &'c Client, title: String, check: Check, open: Open<'c, T>) -> Result<Self> {
        let rows = open().await?;
        let (pass, outage) = (Pass::default(), Outage::default());
        Ok(Self { client, open, check, title, rows, pass, given: Vec::new(), expected: None, stalls: 0, outage })
    }

    /// The next row, or none at the end of the complete list.
    ///
    /// Errors: `ServerConnectionException` if the server does not give the rest, however often it is asked.
    pub async fn next(&mut self) -> Result<Option<T>> {
        loop {
            match self.rows.next().await {
                Ok(Some(row)) => {
                    let key = row.key();
                    if self.pass.is_new(key) {
                        self.given.push(key);
                        return Ok(Some(row));
                    }
                }
                Ok(None) if self.is_complete().await? => return Ok(None),
                Ok(None) => self.read_again().await?,
                Err(error) => {
                    self.outage.wait(error).await?;
                    self.open_again().await?;
                }
            }
        }
    }

    /// The same rows with every field the server sent. For a list of which nothing has been read.
    pub fn raw(self) -> CompleteList<'c, Raw<T>> {
        let Self { client, open, check, title, rows, pass, given, expected, stalls, outage } = self;
        let open: Open<'c, Raw<T>> = Box::new(move || open().map(|rows| rows.map(JsonStream::raw)).boxed());
        CompleteList { client, open, check, title, rows: rows.raw(), pass, given, expected, stalls, outage }
    }

    /// All rows.
    pub async fn collect(mut self) -> Result<Vec<T>> {
        let mut rows = Vec::new();
        while let Some(row) = self.next().await? {
            rows.push(row);
        }
        Ok(rows)
    }

    /// Whether the pass that has ended makes the list complete.
    async fn is_complete(&mut self) -> Result<bool> {
        // Files that are attached while the list is read need not be in it.
        if self.expected.is_some_and(|expected| self.has(expected)) {
            return Ok(true);
        }
        self.expected = self.count().await?;
        Ok(match self.expected {
            // A file of two datasets of a container has two rows, one of a dataset below two containers may have more.
            Some(expected) if self.pass.rows > expected => self.pass.repeats(),
            Some(expected) => self.has(expected),
            None => self.pass.repeats(),
        })
    }

    fn has(&self, expected: u64) -> bool {
        self.pass.rows.max(self.given.len() as u64) >= expected
    }

    /// The number of rows that the list must have; none if no number is known.
    async fn count(&mut self) -> Result<Option<u64>> {
        let (did, only_dataset) = match &self.check {
            Check::Files(did) => (did, false),
            Check::Content(did) => (did, true),
            Check::Twice => return Ok(None),
        };
        loop {
            match size(self.client, did).await {
                Ok(size) if only_dataset && !size.is_dataset() => return Ok(None),
                Ok(size) => return Ok(size.files),
                Err(error) => self.outage.wait(error).await?,
            }
        }
    }

    /// Reads the list from its beginning, because rows are missing or no number is known of it.
    async fn read_again(&mut self) -> Result<()> {
        let is_first_look = self.pass.number == 0;
        self.stalls = if self.pass.new_rows == 0 && !is_first_look { self.stalls + 1 } else { 0 };
        let limit = if self.expected.is_some() { self.stalls >= STALLS } else { self.pass.number >= DIFFERENCES };
        if limit {
            return Err(self.incomplete());
        }
        if let Some(expected) = self.expected.filter(|expected| !self.has(*expected)) {
            let reason = format!("{} has {} of {expected} rows", self.title, self.given.len());
            self.outage.pause(&reason).await;
        }
        self.open_again().await
    }

    async fn open_again(&mut self) -> Result<()> {
        self.pass = self.pass.next(&self.given);
        loop {
            match (self.open)().await {
                Ok(rows) => {
                    self.rows = rows;
                    return Ok(());
                }
                Err(error) => self.outage.wait(error).await?,
            }
        }
    }

    fn incomplete(&self) -> Error {
        let (title, given) = (&self.title, self.given.len());
        let details = match self.expected {
            Some(expected) => format!("The server listed {given} of {expected} rows: {title} is not complete."),
            None => format!("The server lists another number of rows each time: {title} may not be complete."),
        };
        Error::new(Exception::ServerConnectionException, details).with_hint(BROKE_OFF)
    }
}
