//! Traces: what the client tells the server about each transfer. Sites count the use of data by them.
//!
//! They are sent in the background and neither delay nor fail a download. Each costs the server some 8 ms, which it would
//! rather spend on listing our files; so they are collected, and most go in one call at the end.

mod sender;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::job::FileJob;
use sender::{End, Sender};

/// How many traces may wait to be collected. When the trace server is too slow for that, the next ones are not sent.
const WAITING: usize = 10_000;

/// A trace: names and values in the order the official client has them.
pub type Fields = Map<String, Value>;

/// What happened to one file, as it is told to the server.
#[derive(Debug, Clone)]
pub struct Trace(Fields);

impl Trace {
    /// The trace of a file. `common` is what all traces of a run have; a field it has already stays as it is.
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

    /// Whether it has this field.
    pub fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    fn set_default(&mut self, field: &str, value: impl Into<Value>) {
        if !self.has(field) {
            self.set(field, value);
        }
    }

    /// Sets when the transfer began and ended.
    pub fn set_times(&mut self, start: SystemTime, end: SystemTime) {
        self.set("transferStart", seconds(start));
        self.set("transferEnd", seconds(end));
    }
}

impl From<Fields> for Trace {
    /// A trace with these fields, in their order.
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
    end: watch::Sender<Option<End>>,
    sender: JoinHandle<()>,
}

impl Tracer {
    /// Sends to `<host>/traces/` over these connections.
    pub fn start(connections: reqwest::Client, host: &str) -> Self {
        let url = format!("{}/traces/", host.trim_end_matches('/'));
        let (queue, traces) = mpsc::channel(WAITING);
        let (end, is_over) = watch::channel(None);
        Self { queue, end, sender: tokio::spawn(Sender::new(connections, url, is_over).run(traces)) }
    }

    /// Takes a trace to be sent.
    pub fn send(&self, trace: Trace) {
        if self.queue.try_send(Value::Object(trace.0).to_string()).is_err() {
            tracing::debug!("a trace is not sent: too many are waiting");
        }
    }

    /// Sends what is left. A server that is known to take lists works through the last ones without us: its answers are
    /// not waited for. Whatever happens, it takes no longer than `longest`. `round_trip` is the time that a short answer
    /// of the trace server takes, if that is known: the last bytes get as long as they need to be sent.
    pub async fn finish(self, longest: Duration, round_trip: Option<Duration>) {
        self.end.send_replace(Some(End { round_trip }));
        drop(self.queue);
        let abort = self.sender.abort_handle();
        if tokio::time::timeout(longest, self.sender).await.is_err() {
            tracing::debug!("the trace server is slow: some traces may be lost");
            abort.abort();
        }
    }
}
