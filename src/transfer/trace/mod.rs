//! Traces: the records the client sends to the server about each transfer. Sites use them for popularity statistics.
//! Only building and sending belongs here; the fields' values come from the transfers.
//!
//! Traces are sent in the background and neither delay nor fail a download. Each costs the server about 8 ms, which is
//! better spent on listing our files; so they are batched, and most go in one request at the end.

mod sender;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::job::FileJob;
use crate::http::Connections;
use sender::{RunEnd, Sender};

/// Capacity of the queue. When the trace server is too slow, further traces are dropped.
const MAX_WAITING: usize = 10_000;

/// Fields of a trace, in the order of the official client.
pub type Fields = Map<String, Value>;

/// A trace of one file.
#[derive(Debug, Clone)]
pub struct Trace(Fields);

impl Trace {
    /// Creates the trace of a file. `common` has the fields of all traces of a run; they are not overridden.
    pub fn new(common: &Fields, job: &FileJob) -> Self {
        let mut trace = Self(common.clone());
        trace.set("scope", job.did.scope.as_str());
        trace.set("filename", job.did.name.as_str());
        trace.set_default("datasetScope", job.dataset.scope.as_str());
        trace.set_default("dataset", job.dataset.name.as_str());
        trace.set_default("filesize", job.bytes);
        trace.set_default("clientState", "PROCESSING");
        trace.set_default("stateReason", "UNKNOWN");
        trace
    }

    /// Sets a field.
    pub fn set(&mut self, field: &str, value: impl Into<Value>) {
        self.0.insert(field.to_owned(), value.into());
    }

    /// Whether the trace has this field.
    pub fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    fn set_default(&mut self, field: &str, value: impl Into<Value>) {
        if !self.has(field) {
            self.set(field, value);
        }
    }

    /// Sets the start and end of the transfer.
    pub fn set_times(&mut self, start: SystemTime, end: SystemTime) {
        self.set("transferStart", seconds(start));
        self.set("transferEnd", seconds(end));
    }
}

impl From<Fields> for Trace {
    /// Keeps the order of the fields.
    fn from(fields: Fields) -> Self {
        Self(fields)
    }
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// Sends traces in the background.
#[derive(Debug)]
pub struct Tracer {
    queue: mpsc::Sender<String>,
    end: watch::Sender<Option<RunEnd>>,
    sender: JoinHandle<()>,
}

impl Tracer {
    /// Starts sending to `<host>/traces/` with this HTTP client.
    pub(crate) fn start(connections: Connections, host: &str) -> Self {
        let url = format!("{}/traces/", host.trim_end_matches('/'));
        let (queue, traces) = mpsc::channel(MAX_WAITING);
        let (end, is_over) = watch::channel(None);
        Self { queue, end, sender: tokio::spawn(Sender::new(connections, url, is_over).run(traces)) }
    }

    /// Queues a trace; drops it if the queue is full.
    pub fn send(&self, trace: Trace) {
        if self.queue.try_send(Value::Object(trace.0).to_string()).is_err() {
            tracing::debug!("a trace is not sent: too many are waiting");
        }
    }

    /// Sends the remaining traces. The answers of a server that accepts lists are not awaited: it processes the last
    /// ones after we have gone. Takes no longer than `longest`. `round_trip` is the time of a short answer of the trace
    /// server, if known: it bounds how long the last bytes may take to be sent.
    pub async fn finish(self, longest: Duration, round_trip: Option<Duration>) {
        self.end.send_replace(Some(RunEnd { round_trip }));
        drop(self.queue);
        let abort = self.sender.abort_handle();
        if tokio::time::timeout(longest, self.sender).await.is_err() {
            tracing::debug!("the trace server is slow: some traces may be lost");
            abort.abort();
        }
    }
}
