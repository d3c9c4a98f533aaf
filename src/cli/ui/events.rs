//! Events of a long command, for programs that watch it. Each is written when it happens.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::Notify;

use super::{Format, Listing, Shape, Ui};
use crate::error::{Error, Result};
use crate::lock::lock;
use crate::types::Did;

/// Version of the events. Within a version events and fields are only added.
const VERSION: u64 = 1;

/// Interval between the progress events of a file.
pub const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// Writes events: one object each in JSON; only the result of each file in CSV, TSV and names.
#[derive(Debug)]
pub struct Events<'a> {
    ui: &'a Ui,
    state: Mutex<State<'a>>,
    broken: Notify,
}

#[derive(Debug)]
struct State<'a> {
    list: Option<Listing<'a>>,
    trouble: Option<Error>,
}

impl<'a> Events<'a> {
    /// Starts the events of a command; `None` in the table format. `shape` defines the columns of CSV and TSV.
    pub fn begin(ui: &'a Ui, command: &str, shape: Shape) -> Option<Self> {
        if ui.format() == Format::Table {
            return None;
        }
        let state = Mutex::new(State { list: Some(ui.list(shape)), trouble: None });
        let events = Self { ui, state, broken: Notify::new() };
        events.emit("begin", fields([("version", VERSION.into()), ("command", command.into())]));
        Some(events)
    }

    /// Writes an event, in the JSON formats only.
    pub fn emit(&self, event: &str, what: Map<String, Value>) {
        if self.ui.format().is_json() {
            let name = [("event".to_owned(), event.into())];
            self.write(&Value::Object(name.into_iter().chain(what).collect()));
        }
    }

    /// Writes the result of a file. The name format omits files that failed.
    pub fn emit_result(&self, good: bool, record: Value) {
        match (self.ui.format(), record) {
            (Format::Name, _) if !good => {}
            (Format::Json | Format::Jsonl, Value::Object(record)) => {
                self.emit(if good { "done" } else { "failed" }, record);
            }
            (_, record) => self.write(&record),
        }
    }

    /// Runs `work`; fails as soon as an event cannot be written, for instance because the reader has exited.
    pub async fn unless_broken<T>(events: Option<&Self>, work: impl Future<Output = Result<T>>) -> Result<T> {
        match events {
            None => work.await,
            Some(events) => tokio::select! {
                outcome = work => outcome,
                error = events.wait_until_broken() => Err(error),
            },
        }
    }

    /// Waits until an event cannot be written, possibly forever. Returns the error.
    async fn wait_until_broken(&self) -> Error {
        loop {
            self.broken.notified().await;
            if let Some(trouble) = self.state().trouble.take() {
                return trouble;
            }
        }
    }

    /// Ends the output. Returns the error if this or an earlier event cannot be written.
    pub fn end(&self) -> Result<()> {
        let mut state = self.state();
        match (state.trouble.take(), state.list.take()) {
            (Some(trouble), _) => Err(trouble),
            (None, Some(list)) => list.end().and_then(|()| self.ui.flush()),
            (None, None) => Ok(()),
        }
    }

    /// Writes a record. If it cannot be written, the command fails, not the file.
    fn write(&self, record: &Value) {
        let mut state = self.state();
        let Some(list) = &mut state.list else { return };
        if let Err(error) = list.record(record).and_then(|()| self.ui.flush()) {
            // The rest of the buffer cannot be written either.
            (state.list, state.trouble) = (None, Some(error));
            self.broken.notify_one();
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State<'a>> {
        lock(&self.state)
    }
}

/// Builds an object from fields.
pub fn fields<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Builds the fields of an event about a file or collection: scope, name and `more`.
pub fn named<const N: usize>(did: &Did, more: [(&str, Value); N]) -> Map<String, Value> {
    let mut all = fields([("scope", did.scope.as_str().into()), ("name", did.name.as_str().into())]);
    all.extend(fields(more));
    all
}

#[cfg(test)]
mod tests {
    use super::super::log::Shared;
    use super::*;
    use serde_json::json;

    const SHAPE: Shape = Shape::did(&["scope", "name", "state"]);

    fn written(format: Format) -> String {
        let shared = Shared::default();
        let ui = Ui::new(shared.clone(), false).with_format(format);
        let Some(events) = Events::begin(&ui, "download", SHAPE) else { return "none".to_owned() };
        events.emit("start", fields([("name", "f".into())]));
        let before_the_end = shared.text();
        for (good, state) in [(true, "DONE"), (false, "FAILED")] {
            events.emit_result(good, json!({"scope": "s", "name": state.to_lowercase(), "state": state, "more": 1}));
        }
        events.end().unwrap();
        assert!(!before_the_end.is_empty() || !format.is_json());
        shared.text()
    }

    #[test]
    fn events_are_all_in_json_and_one_row_per_file_in_tables() {
        let lines = [
            r#"{"event":"begin","version":1,"command":"download"}"#,
            r#"{"event":"start","name":"f"}"#,
            r#"{"event":"done","scope":"s","name":"done","state":"DONE","more":1}"#,
            r#"{"event":"failed","scope":"s","name":"failed","state":"FAILED","more":1}"#,
        ];
        assert_eq!(written(Format::Jsonl), lines.join("\n") + "\n");
        assert_eq!(written(Format::Json), format!("[\n{}\n]\n", lines.join(",\n")));
        assert_eq!(written(Format::Csv), "scope,name,state\ns,done,DONE\ns,failed,FAILED\n");
        assert_eq!(written(Format::Tsv), "scope\tname\tstate\ns\tdone\tDONE\ns\tfailed\tFAILED\n");
        assert_eq!(written(Format::Name), "s:done\n");
        assert_eq!(written(Format::Table), "none");
    }

    #[tokio::test]
    async fn events_stop_when_the_reader_goes_away() {
        struct Closed;
        impl std::io::Write for Closed {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let ui = Ui::new(Closed, false).with_format(Format::Jsonl);
        let events = Events::begin(&ui, "upload", SHAPE).unwrap();
        events.emit("start", Map::new());
        assert!(events.wait_until_broken().await.is_broken_pipe());
        events.end().unwrap();
    }
}
