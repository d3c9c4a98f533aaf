//! Traces: what the client tells the server about each transfer. Sites count the use of data by them.
//!
//! They are sent in the background and neither delay nor fail a download. Each costs the server a few milliseconds,
//! which it would rather spend on listing our files; so they are collected, and most go in one call at the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use futures_util::StreamExt;
use futures_util::stream;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, timeout_at};

use super::job::FileJob;

/// How many traces go in one call at most: half a megabyte, which every proxy lets through.
const BATCH: usize = 1000;
/// How long a trace may wait for others to go with it. The server is busy with our listing meanwhile.
const PATIENCE: Duration = Duration::from_secs(60);
/// How many calls are made at a time where the server takes single traces only: before Rucio 36.
const SINGLE: usize = 8;
/// How many traces may wait. When the trace server is too slow for that, the next ones are not sent.
const WAITING: usize = 50_000;
/// How long one call may take.
const TIMEOUT: Duration = Duration::from_secs(30);

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

    fn set_default(&mut self, field: &str, value: impl Into<Value>) {
        if !self.0.contains_key(field) {
            self.set(field, value);
        }
    }

    /// Sets when the transfer began and ended.
    pub fn set_times(&mut self, start: SystemTime, end: SystemTime) {
        self.set("transferStart", seconds(start));
        self.set("transferEnd", seconds(end));
    }
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// Sends traces in the background.
#[derive(Debug)]
pub struct Tracer {
    queue: mpsc::Sender<Trace>,
    sender: JoinHandle<()>,
}

impl Tracer {
    /// Sends to `<host>/traces/` over these connections.
    pub fn start(connections: reqwest::Client, host: &str) -> Self {
        let url = format!("{}/traces/", host.trim_end_matches('/'));
        let office = Office { connections, url, takes_lists: AtomicBool::new(true) };
        let (queue, traces) = mpsc::channel(WAITING);
        Self { queue, sender: tokio::spawn(forward(Arc::new(office), traces)) }
    }

    /// Takes a trace to be sent.
    pub fn send(&self, trace: Trace) {
        if self.queue.try_send(trace).is_err() {
            tracing::debug!("a trace is not sent: too many are waiting");
        }
    }

    /// Sends what is left. Waits for the server's answers, but not longer than this: what it has been sent, it works
    /// through without us.
    pub async fn finish(self, grace: Duration) {
        drop(self.queue);
        let abort = self.sender.abort_handle();
        if tokio::time::timeout(grace, self.sender).await.is_err() {
            tracing::debug!("the trace server has not answered yet");
            abort.abort();
        }
    }
}

/// Where traces are sent.
#[derive(Debug)]
struct Office {
    connections: reqwest::Client,
    url: String,
    takes_lists: AtomicBool,
}

async fn forward(office: Arc<Office>, mut traces: mpsc::Receiver<Trace>) {
    let mut calls = JoinSet::new();
    while let Some(batch) = next_batch(&mut traces).await {
        calls.spawn(deliver(office.clone(), batch));
        while calls.try_join_next().is_some() {}
    }
    calls.join_all().await;
}

/// As many traces as go together, or as many as there are when the first has waited long enough; none at the end.
async fn next_batch(traces: &mut mpsc::Receiver<Trace>) -> Option<Vec<Trace>> {
    let mut batch = vec![traces.recv().await?];
    let deadline = Instant::now() + PATIENCE;
    while batch.len() < BATCH {
        let room = BATCH - batch.len();
        match timeout_at(deadline, traces.recv_many(&mut batch, room)).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
    }
    Some(batch)
}

async fn deliver(office: Arc<Office>, batch: Vec<Trace>) {
    let mut fields: Vec<Value> = batch.into_iter().map(|trace| Value::Object(trace.0)).collect();
    if fields.len() > 1 && office.takes_lists.load(Ordering::Relaxed) {
        let list = Value::Array(fields);
        if office.post(&list).await != Posted::Refused {
            return;
        }
        tracing::debug!("the trace server takes one trace at a time");
        office.takes_lists.store(false, Ordering::Relaxed);
        let Value::Array(list) = list else { return };
        fields = list;
    }
    let office = &office;
    let singly = |one: Value| async move {
        office.post(&one).await;
    };
    stream::iter(fields).for_each_concurrent(SINGLE, singly).await;
}

/// What became of a call. There is nothing to be done about a trace that is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Posted {
    Taken,
    Refused,
    Unreachable,
}

impl Office {
    async fn post(&self, body: &Value) -> Posted {
        let request = self
            .connections
            .post(&self.url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .timeout(TIMEOUT)
            .body(body.to_string());
        match request.send().await {
            Ok(answer) if answer.status().is_success() => Posted::Taken,
            Ok(answer) => {
                tracing::debug!("the trace server answered {}", answer.status());
                Posted::Refused
            }
            Err(error) => {
                tracing::debug!("the trace server could not be reached: {error}");
                Posted::Unreachable
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::http::tests::{serve, sized};
    use crate::types::Did;

    fn trace(name: &str) -> Trace {
        let common = serde_json::from_str(r#"{"account": "jdoe", "dataset": "mine"}"#).unwrap();
        Trace::new(&common, &FileJob::unknown(Did::new("s", name), 0))
    }

    fn bodies(mut asked: mpsc::UnboundedReceiver<String>) -> Vec<String> {
        std::iter::from_fn(|| asked.try_recv().ok())
            .map(|request| request.split_once("\r\n\r\n").unwrap().1.to_owned())
            .collect()
    }

    #[test]
    fn fields_come_in_the_official_order_and_custom_ones_win() {
        let mut trace = trace("f");
        trace.set("remoteSite", "A");
        let text = serde_json::to_string(&trace.0).unwrap();
        let expected = r#"{"account":"jdoe","dataset":"mine","scope":"s","filename":"f","datasetScope":"s","filesize":null,"clientState":"PROCESSING","stateReason":"UNKNOWN","remoteSite":"A"}"#;
        assert_eq!(text, expected);
    }

    #[tokio::test]
    async fn traces_go_together_and_one_by_one_where_the_server_is_old() {
        let created = sized("201 Created", "", "Created");
        let (base, asked) = serve(vec![sized("500 Oops", "", ""), created.clone(), created.clone()]).await;
        let tracer = Tracer::start(reqwest_client(), &base);
        tracer.send(trace("a"));
        tracer.send(trace("b"));
        tracer.finish(Duration::from_secs(5)).await;
        let bodies = bodies(asked);
        assert_eq!(bodies.len(), 3, "{bodies:?}");
        assert!(bodies[0].starts_with('[') && bodies[1..].iter().all(|body| body.starts_with('{')));
    }

    #[tokio::test]
    async fn a_silent_trace_server_does_not_hold_anyone_up() {
        let (base, _asked) = serve(vec!["STALL".into()]).await;
        let tracer = Tracer::start(reqwest_client(), &base);
        tracer.send(trace("a"));
        let start = std::time::Instant::now();
        tracer.finish(Duration::from_millis(100)).await;
        assert!(start.elapsed() < Duration::from_secs(2));
    }

    fn reqwest_client() -> reqwest::Client {
        crate::storage::http::tests::client()
    }
}
