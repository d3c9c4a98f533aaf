//! How traces are sent: one by one to servers before Rucio 37, which refuse lists, and in lists to all others. Which sort of
//! server it is shows with the first two traces; they go as a list, and its answer is always waited for.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use reqwest::{RequestBuilder, StatusCode};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout_at};

/// How many traces go in one call at most: half a megabyte, which every proxy lets through.
const BATCH: usize = 1000;
/// The list that shows whether the server takes lists.
const FIRST_LIST: usize = 2;
/// How long a trace may wait for others to go with it. The server is busy with our listing meanwhile.
const PATIENCE: Duration = Duration::from_secs(60);
/// How many traces may wait for that long, at most: ten megabytes of them.
const COLLECTED: usize = 20_000;
/// How many calls are made at a time where the server takes single traces only.
const SINGLE: usize = 8;
/// How long one call may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How much of a list is handed over at a time: little, since some sixteen of these may wait for room outside of the system.
const PIECE: usize = 2 * 1024;
/// In so many round trips they have left.
const ROUND_TRIPS: u32 = 3;

/// The end of the run.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    /// The time that a short answer of the server takes, if that is known.
    pub(super) round_trip: Option<Duration>,
}

/// What the server takes.
#[derive(Debug, Clone, Copy)]
enum Takes {
    /// No list has been answered yet.
    Unknown,
    /// It took a list, and answered after this time.
    Lists(Duration),
    /// It refused a list.
    Single,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Posted {
    /// The server has it.
    Taken,
    /// The server does not want it.
    Refused,
    /// The server could not be reached, or has too much to do: it has taken nothing, and may be sent it again.
    NotReached,
    /// The connection broke, or no answer came. Most probably the server counted the traces; sent again, they would count
    /// twice, which is worse than a few that are missing, as nothing shows it later.
    Lost,
}

/// Sends the traces of a run to one server.
#[derive(Debug)]
pub(super) struct Sender {
    connections: reqwest::Client,
    url: String,
    end: watch::Receiver<Option<End>>,
    takes: Takes,
    pending: Vec<String>,
}

impl Sender {
    /// A sender to this URL. `end` is told when the run is over.
    pub(super) fn new(connections: reqwest::Client, url: String, end: watch::Receiver<Option<End>>) -> Self {
        Self { connections, url, end, takes: Takes::Unknown, pending: Vec::new() }
    }

    /// Sends what comes until there is no more.
    pub(super) async fn run(mut self, mut traces: mpsc::Receiver<String>) {
        let mut was_reached = true;
        while self.collect(&mut traces, was_reached).await {
            was_reached = self.send().await;
        }
        let mut before = usize::MAX;
        while !self.pending.is_empty() && self.pending.len() < before {
            before = self.pending.len();
            self.send().await;
        }
        if !self.pending.is_empty() {
            tracing::debug!("{} traces are lost: the trace server cannot be reached", self.pending.len());
        }
    }

    /// Takes traces until there are enough to send or the first has waited long enough. Returns false at the end.
    async fn collect(&mut self, traces: &mut mpsc::Receiver<String>, was_reached: bool) -> bool {
        if self.pending.is_empty() {
            match traces.recv().await {
                Some(first) => self.pending.push(first),
                None => return false,
            }
        }
        let enough = match self.takes {
            Takes::Unknown if was_reached => FIRST_LIST,
            Takes::Single if was_reached => 1,
            _ => COLLECTED,
        };
        let deadline = Instant::now() + PATIENCE;
        while self.pending.len() < enough {
            let room = COLLECTED - self.pending.len();
            match timeout_at(deadline, traces.recv_many(&mut self.pending, room)).await {
                Ok(0) => return false,
                Ok(_) => {}
                Err(_) => break,
            }
        }
        true
    }

    /// Sends what is pending, or a first list of it. What the server could not be reached for is pending again. Returns
    /// whether it was reached.
    async fn send(&mut self) -> bool {
        let was_reached = match self.takes {
            Takes::Unknown if self.pending.len() > 1 => self.send_first_list().await,
            Takes::Lists(answer) => self.send_lists(answer).await,
            Takes::Unknown | Takes::Single => {
                let traces = std::mem::take(&mut self.pending);
                self.send_one_by_one(traces).await;
                self.pending.is_empty()
            }
        };
        if !was_reached && self.pending.len() >= COLLECTED {
            tracing::debug!("{} traces are dropped: the trace server cannot be reached", self.pending.len());
            self.pending.clear();
        }
        was_reached
    }

    /// Sends two traces as a list, which shows whether the server takes lists. A list that is refused is sent one by one.
    async fn send_first_list(&mut self) -> bool {
        let asked = Instant::now();
        let posted = self.post(list(&self.pending[..FIRST_LIST])).await;
        match posted {
            Posted::Taken => self.takes = Takes::Lists(asked.elapsed()),
            Posted::Refused => {
                tracing::debug!("the trace server takes one trace at a time");
                self.takes = Takes::Single;
                return true;
            }
            Posted::NotReached => return false,
            Posted::Lost => {}
        }
        self.pending.drain(..FIRST_LIST);
        posted == Posted::Taken
    }

    async fn send_lists(&mut self, answer: Duration) -> bool {
        let traces = std::mem::take(&mut self.pending);
        let batches: Vec<_> = traces.chunks(BATCH).collect();
        let posted = join_all(batches.iter().map(|batch| self.hand_over(list(batch), answer))).await;
        for (batch, posted) in batches.into_iter().zip(posted) {
            match posted {
                // One trace that the server does not want must not take the others with it.
                Posted::Refused if batch.len() > 1 => self.send_one_by_one(batch.to_vec()).await,
                Posted::NotReached => self.pending.extend_from_slice(batch),
                _ => {}
            }
        }
        self.pending.is_empty()
    }

    async fn send_one_by_one(&mut self, traces: Vec<String>) {
        let this = &*self;
        let post =
            |trace: String| async move { (this.post(trace.clone()).await == Posted::NotReached).then_some(trace) };
        let posts = stream::iter(traces).map(post).buffer_unordered(SINGLE);
        let again: Vec<_> = posts.filter_map(|again| async { again }).collect().await;
        self.pending.extend(again);
    }

    fn request(&self) -> RequestBuilder {
        let json = HeaderValue::from_static("application/json");
        self.connections.post(&self.url).header(CONTENT_TYPE, json).timeout(TIMEOUT)
    }

    /// Sends this, and waits for the answer.
    async fn post(&self, body: String) -> Posted {
        posted(self.request().body(body).send().await)
    }

    /// Sends this to a server that takes lists, and waits for the answer as long as the run goes on. Once it is over, waiting
    /// would cost 8 ms for each trace; then it is enough that the server has it all.
    async fn hand_over(&self, body: String, answer: Duration) -> Posted {
        let (length, (body, handed_over)) = (body.len(), in_pieces(body));
        let request = self.request().header(CONTENT_LENGTH, length).body(body).send();
        let left = async {
            if handed_over.await.is_err() {
                // It was given up; the answer says why.
                std::future::pending::<()>().await;
            }
            let end = self.end.clone().wait_for(Option::is_some).await.ok().and_then(|end| *end);
            let round_trip = end.and_then(|end| end.round_trip);
            sleep(round_trip.map_or(answer, |time| answer.min(ROUND_TRIPS * time))).await;
        };
        tokio::select! {
            biased;
            answer = request => posted(answer),
            () = left => Posted::Taken,
        }
    }
}

/// One trace as it is, several as a list.
fn list(traces: &[String]) -> String {
    match traces {
        [one] => one.clone(),
        several => format!("[{}]", several.join(",")),
    }
}

/// A body in pieces, and word when the last one has been taken.
fn in_pieces(body: String) -> (reqwest::Body, oneshot::Receiver<()>) {
    let (ticket, handed_over) = oneshot::channel();
    let pieces = stream::unfold((Bytes::from(body), Some(ticket)), |(mut rest, mut ticket)| async move {
        let piece = rest.split_to(PIECE.min(rest.len()));
        if rest.is_empty() {
            ticket.take().map(|ticket| ticket.send(()));
        }
        (!piece.is_empty()).then_some((Ok::<_, Infallible>(piece), (rest, ticket)))
    });
    (reqwest::Body::wrap_stream(pieces), handed_over)
}

fn posted(answer: reqwest::Result<reqwest::Response>) -> Posted {
    match answer.map(|answer| answer.status()) {
        Ok(status) if status.is_success() => Posted::Taken,
        Ok(status) => {
            tracing::debug!("the trace server answered {status}");
            match status {
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Posted::NotReached,
                _ => Posted::Refused,
            }
        }
        Err(error) => {
            tracing::debug!("the trace server could not be reached: {error}");
            if error.is_connect() { Posted::NotReached } else { Posted::Lost }
        }
    }
}
