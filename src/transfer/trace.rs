//! Traces: what the client tells the server about each transfer. Sites count the use of data by them.
//!
//! They are sent in the background and neither delay nor fail a download. Each costs the server a few milliseconds,
//! which it would rather spend on listing our files; so they are collected, and most go in one call at the end.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream::{self, Stream, StreamExt};
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use serde_json::{Map, Value};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, timeout_at};

use super::job::FileJob;

/// How many traces go in one call at most: half a megabyte, which every proxy lets through.
const BATCH: usize = 1000;
/// How long a trace may wait for others to go with it. The server is busy with our listing meanwhile.
const PATIENCE: Duration = Duration::from_secs(60);
/// How many calls are made at a time where the server takes single traces only: before Rucio 36.
const SINGLE: usize = 8;
/// How many traces may wait for that long, at most: ten megabytes of them.
const COLLECTED: usize = 20_000;
/// How many more may wait to be collected. When the trace server is too slow for that, the next ones are not sent.
const WAITING: usize = 10_000;
/// How long what has been handed over takes to leave the house, where nobody knows how far it is to the server.
const SETTLE: Duration = Duration::from_millis(150);
/// The least and the longest that it takes, where that is known.
const SETTLES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(500));
/// In so many round trips it has left: by then the little has gone that had no room in the system's buffer.
const ROUND_TRIPS: u32 = 3;
/// How much of a call is handed over at a time: little, since some sixteen of these may wait for room outside of the system.
const PIECE: usize = 2 * 1024;
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
    office: Arc<Office>,
    sender: JoinHandle<()>,
}

impl Tracer {
    /// Sends to `<host>/traces/` over these connections.
    pub fn start(connections: reqwest::Client, host: &str) -> Self {
        let url = format!("{}/traces/", host.trim_end_matches('/'));
        let office =
            Arc::new(Office { connections, url, takes_lists: AtomicBool::new(true), round_trip: Mutex::default() });
        let (queue, traces) = mpsc::channel(WAITING);
        Self { queue, office: office.clone(), sender: tokio::spawn(forward(office, traces)) }
    }

    /// Takes a trace to be sent.
    pub fn send(&self, trace: Trace) {
        if self.queue.try_send(Value::Object(trace.0).to_string()).is_err() {
            tracing::debug!("a trace is not sent: too many are waiting");
        }
    }

    /// Sends what is left. Once the server has it all it works through it without us: its answers are not waited for,
    /// if they take long. Whatever happens, it takes no longer than `longest`. `round_trip` is the time that a short
    /// answer of the server takes, if that is known: the last bytes get as long as they need to leave.
    pub async fn finish(self, longest: Duration, round_trip: Option<Duration>) {
        if let Some(round_trip) = round_trip {
            *self.office.round_trip() = Some(round_trip);
        }
        drop(self.queue);
        let abort = self.sender.abort_handle();
        if tokio::time::timeout(longest, self.sender).await.is_err() {
            tracing::debug!("the trace server is slow: some traces may be lost");
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
    /// How long it is to the server and back, as far as is known.
    round_trip: Mutex<Option<Duration>>,
}

async fn forward(office: Arc<Office>, mut traces: mpsc::Receiver<String>) {
    let mut calls = JoinSet::new();
    let mut handed_over = Vec::new();
    while let Some(collected) = collect(&mut traces).await {
        for batch in collected.chunks(BATCH) {
            let (ticket, handed) = oneshot::channel();
            calls.spawn(deliver(office.clone(), batch.to_vec(), ticket));
            handed_over.push(handed);
        }
        while calls.try_join_next().is_some() {}
    }
    join_all(handed_over).await;
    // Answers are not waited for any more, unless the server turns out to want its traces one by one.
    let all_answered = async { while calls.join_next().await.is_some() {} };
    if tokio::time::timeout(office.settle(), all_answered).await.is_err() && !office.takes_lists.load(Ordering::Relaxed)
    {
        while calls.join_next().await.is_some() {}
    }
}

/// The traces that come until the first has waited long enough; none at the end.
async fn collect(traces: &mut mpsc::Receiver<String>) -> Option<Vec<String>> {
    let mut collected = vec![traces.recv().await?];
    let deadline = Instant::now() + PATIENCE;
    while collected.len() < COLLECTED {
        let room = COLLECTED - collected.len();
        match timeout_at(deadline, traces.recv_many(&mut collected, room)).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
    }
    Some(collected)
}

/// Sends traces. The ticket is dropped as soon as a list has been handed over.
async fn deliver(office: Arc<Office>, batch: Vec<String>, ticket: oneshot::Sender<()>) {
    if batch.len() > 1 && office.takes_lists.load(Ordering::Relaxed) {
        if office.post(format!("[{}]", batch.join(",")), Some(ticket)).await != Posted::Refused {
            return;
        }
        tracing::debug!("the trace server takes one trace at a time");
        office.takes_lists.store(false, Ordering::Relaxed);
    }
    let office = &office;
    let singly = |one: String| async move {
        office.post(one, None).await;
    };
    stream::iter(batch).for_each_concurrent(SINGLE, singly).await;
}

/// What became of a call. There is nothing to be done about a trace that is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Posted {
    Taken,
    Refused,
    Unreachable,
}

impl Office {
    fn round_trip(&self) -> MutexGuard<'_, Option<Duration>> {
        self.round_trip.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settle(&self) -> Duration {
        self.round_trip().map_or(SETTLE, |time| (ROUND_TRIPS * time).clamp(SETTLES.0, SETTLES.1))
    }

    /// The first piece of a call is taken. If nothing is known of the server yet, no connection to it was open before: it took
    /// a round trip for TCP and one for TLS.
    fn opened(&self, asked: Instant) {
        self.round_trip().get_or_insert(asked.elapsed() / 2);
    }

    async fn post(self: &Arc<Self>, body: String, ticket: Option<oneshot::Sender<()>>) -> Posted {
        let body = Bytes::from(body);
        let request = self
            .connections
            .post(&self.url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(CONTENT_LENGTH, body.len())
            .timeout(TIMEOUT)
            .body(reqwest::Body::wrap_stream(self.clone().pieces(body, ticket)));
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

    /// A body in pieces; the ticket is dropped when the last one is taken.
    fn pieces(
        self: Arc<Self>,
        body: Bytes,
        ticket: Option<oneshot::Sender<()>>,
    ) -> impl Stream<Item = Result<Bytes, Infallible>> {
        let asked = Instant::now();
        stream::unfold((body, ticket), move |(mut body, ticket)| {
            self.opened(asked);
            async move {
                let piece = body.split_to(PIECE.min(body.len()));
                (!piece.is_empty()).then_some((Ok(piece), (body, ticket)))
            }
        })
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
        tracer.finish(Duration::from_secs(5), None).await;
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
        tracer.finish(Duration::from_millis(100), None).await;
        assert!(start.elapsed() < Duration::from_secs(2));
    }

    fn reqwest_client() -> reqwest::Client {
        crate::storage::http::tests::client()
    }
}
