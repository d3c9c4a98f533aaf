//! Reads a list until it is complete, or returns an error.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;

use super::count::size;
use super::outage::{BROKE_OFF, Outage};
use super::returned::ReturnedKeys;
use super::row::Row;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::{Client, JsonStream, Raw};
use crate::types::Did;

/// Maximum number of re-reads without a new row, whole or interrupted.
const MAX_STALLS: u32 = 3;
/// Maximum number of re-reads of a list of unknown length.
const MAX_DIFFERENCES: u32 = 6;

/// How the completeness of a list is verified.
#[derive(Debug, Clone)]
pub(super) enum CompletenessCheck {
    /// Compares with the number of files that the server counts below this DID.
    Files(Did),
    /// Compares with the number of files of this dataset; a container is read as with [`CompletenessCheck::Twice`].
    Content(Did),
    /// Reads the list twice: its length is not known otherwise. A response with a `Content-Length` is complete.
    Twice,
}

/// Starts reading a list from its beginning.
pub(super) type OpenList<'c, T> = Box<dyn Fn() -> BoxFuture<'c, Result<JsonStream<T>>> + Send + Sync + 'c>;

/// The rows of a list, each once, in the server's order. If the server ends its response early (a killed process, a
/// lost database: mod_wsgi ends the response as if it were complete), the whole list is requested again and the missing
/// rows follow.
pub(crate) struct CompleteList<'c, T> {
    client: &'c Client,
    open: OpenList<'c, T>,
    check: CompletenessCheck,
    /// Name of the list, for messages.
    title: String,
    rows: JsonStream<T>,
    pass: Pass,
    /// Keys of all rows returned.
    returned: ReturnedKeys,
    /// Number of rows known before the current pass.
    expected: Option<u64>,
    stalls: u32,
    outage: Outage,
}

/// One reading of the list.
#[derive(Debug, Default, PartialEq)]
struct Pass {
    number: u32,
    rows: u64,
    new_rows: u64,
    /// Number of rows in the previous pass.
    rows_before: u64,
    /// Maximum number of rows in any earlier pass.
    rows_longest: u64,
}

impl Pass {
    /// Counts a row.
    fn count(&mut self, is_new: bool) {
        self.rows += 1;
        self.new_rows += u64::from(is_new);
    }

    /// Returns whether this pass confirms the earlier ones: it has nothing new, and is not shorter. Rows may have been
    /// added or removed meanwhile: from the third pass on, a difference of one in a hundred is accepted, which a list cut
    /// at another place each time would exceed.
    fn repeats(&self) -> bool {
        let is_same = self.new_rows == 0 && (self.rows == self.rows_before || self.rows >= self.rows_longest);
        let few = self.rows / 100;
        let is_similar = self.new_rows <= few && self.rows.abs_diff(self.rows_before) <= few;
        self.number > 0 && is_same || self.number > 1 && is_similar
    }

    fn next(&self) -> Self {
        let rows_longest = self.rows_longest.max(self.rows);
        Self { number: self.number + 1, rows_before: self.rows, rows_longest, ..Self::default() }
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
    /// Requests the list.
    ///
    /// Errors: those of the first response, which is not retried.
    pub(super) async fn new(
        client: &'c Client,
        title: String,
        check: CompletenessCheck,
        open: OpenList<'c, T>,
    ) -> Result<Self> {
        let rows = open().await?;
        let (pass, outage) = (Pass::default(), Outage::default());
        Ok(Self {
            client,
            open,
            check,
            title,
            rows,
            pass,
            returned: ReturnedKeys::default(),
            expected: None,
            stalls: 0,
            outage,
        })
    }

    /// Returns the next row, `None` at the end of the complete list.
    ///
    /// Errors: `ServerConnectionException` if the server does not return the rest after several attempts.
    pub(crate) async fn next(&mut self) -> Result<Option<T>> {
        loop {
            match self.rows.next().await {
                Ok(Some(row)) => {
                    let is_new = self.returned.insert(row.key());
                    self.pass.count(is_new);
                    if is_new {
                        return Ok(Some(row));
                    }
                }
                Ok(None) if self.is_complete().await? => return Ok(None),
                Ok(None) => self.read_again().await?,
                Err(error) => {
                    self.count_stall();
                    if self.stalls >= MAX_STALLS {
                        return Err(error.with_only_hint(BROKE_OFF));
                    }
                    self.outage.wait(error).await?;
                    self.open_again().await?;
                }
            }
        }
    }

    /// Returns the same rows together with their original text. Call it before any row was read.
    pub(crate) fn raw(self) -> CompleteList<'c, Raw<T>> {
        let Self { client, open, check, title, rows, pass, returned, expected, stalls, outage } = self;
        let open: OpenList<'c, Raw<T>> = Box::new(move || open().map(|rows| rows.map(JsonStream::raw)).boxed());
        CompleteList { client, open, check, title, rows: rows.raw(), pass, returned, expected, stalls, outage }
    }

    /// Collects all rows.
    pub(crate) async fn collect(mut self) -> Result<Vec<T>> {
        let mut rows = Vec::new();
        while let Some(row) = self.next().await? {
            rows.push(row);
        }
        Ok(rows)
    }

    /// Returns whether the list is complete after this pass.
    async fn is_complete(&mut self) -> Result<bool> {
        // Files attached while the list is read may be missing.
        if self.expected.is_some_and(|expected| self.has_at_least(expected)) {
            return Ok(true);
        }
        self.expected = self.count().await?;
        Ok(match self.expected {
            // A file in two datasets of a container has two rows, one in a dataset below two containers may have more.
            Some(expected) if self.pass.rows > expected => self.pass.repeats(),
            Some(expected) => self.has_at_least(expected),
            None => self.rows.has_length() || self.pass.repeats(),
        })
    }

    fn has_at_least(&self, expected: u64) -> bool {
        self.pass.rows.max(self.returned.len() as u64) >= expected
    }

    /// Returns the required number of rows; `None` if it is unknown.
    async fn count(&mut self) -> Result<Option<u64>> {
        let (did, only_dataset) = match &self.check {
            CompletenessCheck::Files(did) => (did, false),
            CompletenessCheck::Content(did) => (did, true),
            CompletenessCheck::Twice => return Ok(None),
        };
        loop {
            match size(self.client, did).await {
                Ok(size) if only_dataset && !size.is_dataset() => return Ok(None),
                Ok(size) => return Ok(size.files),
                Err(error) => self.outage.wait(error).await?,
            }
        }
    }

    /// Reads the list from its beginning, because rows are missing or the number is unknown.
    async fn read_again(&mut self) -> Result<()> {
        self.count_stall();
        let limit =
            if self.expected.is_some() { self.stalls >= MAX_STALLS } else { self.pass.number >= MAX_DIFFERENCES };
        if limit {
            return Err(self.incomplete());
        }
        if let Some(expected) = self.expected.filter(|expected| !self.has_at_least(*expected)) {
            let reason = format!("{} has {} of {expected} rows", self.title, self.returned.len());
            self.outage.pause(&reason).await;
        }
        self.open_again().await
    }

    fn count_stall(&mut self) {
        let is_first_look = self.pass.number == 0;
        self.stalls = if self.pass.new_rows == 0 && !is_first_look { self.stalls + 1 } else { 0 };
    }

    async fn open_again(&mut self) -> Result<()> {
        self.pass = self.pass.next();
        self.returned.start_pass();
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
        let (title, returned) = (&self.title, self.returned.len());
        let details = match self.expected {
            Some(expected) => format!("The server listed {returned} of {expected} rows: {title} is incomplete."),
            None => format!("The server lists a different number of rows each time: {title} may be incomplete."),
        };
        Error::new(Exception::ServerConnectionException, details).with_hint(BROKE_OFF)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of new rows in each pass until one confirms the list.
    fn passes(passes: &[std::ops::Range<u64>]) -> Option<Vec<u64>> {
        let (mut pass, mut returned, mut new_rows) = (Pass::default(), ReturnedKeys::default(), Vec::new());
        for rows in passes {
            rows.clone().for_each(|row| pass.count(returned.insert(row)));
            new_rows.push(pass.new_rows);
            if pass.repeats() {
                return Some(new_rows);
            }
            pass = pass.next();
            returned.start_pass();
        }
        None
    }

    #[test]
    fn list_read_twice_is_complete_when_a_pass_confirms_it() {
        assert_eq!(passes(&[0..5, 0..5]), Some(vec![5, 0]));
        assert_eq!(passes(&[0..2, 0..5, 0..5]), Some(vec![2, 3, 0]), "the first response was cut");
        assert_eq!(passes(&[0..5, 0..2, 0..5]), Some(vec![5, 0, 0]), "the second response was cut");
        assert_eq!(passes(&[0..50, 0..60, 0..70, 0..80]), None, "all responses were cut");
        assert_eq!(passes(&[0..5, 0..4, 0..4]), Some(vec![5, 0, 0]), "a row was removed");
    }

    #[test]
    fn list_that_changes_while_it_is_read_is_complete() {
        assert_eq!(passes(&[0..1000, 1..1003, 3..1007]), Some(vec![1000, 3, 4]));
        assert_eq!(passes(&[0..10, 1..11, 2..12, 3..13]), None, "too many changes for so short a list");
    }
}
