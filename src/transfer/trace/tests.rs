//! Traces sent to small servers that accept or refuse lists.

use std::time::Instant;

use reqwest::header::{HeaderMap, HeaderValue};

use super::*;
use crate::http::Options;
use crate::testing::http_server::{HttpServer, Request, Response};
use crate::testing::tls;
use crate::types::Did;

/// Answer of a server before Rucio 37 to a list.
const NO_LIST: &str = r#"{"ExceptionClass": "TypeError", "ExceptionMessage": "body must be a json dictionary"}"#;
const BATCH_DELAY: Duration = Duration::from_secs(20);

fn connections() -> Connections {
    let options = Options {
        tls: tls(),
        user_agent: HeaderValue::from_static("test"),
        headers: HeaderMap::new(),
        connect_timeout: Duration::from_secs(5),
        read_timeout: None,
        max_idle: usize::MAX,
        requires_close: false,
    };
    Connections::new(options)
}

fn trace(name: &str) -> Trace {
    let common = serde_json::from_str(r#"{"account": "jdoe", "dataset": "mine"}"#).unwrap();
    Trace::new(&common, &FileJob::unknown(Did::new("s", name), 0))
}

/// A trace server that answers each body with a status after a delay, or never.
struct Server(HttpServer);

type Answer = fn(&Value, usize) -> (u16, Duration);

impl Server {
    fn start(answer: Answer) -> Self {
        let server = HttpServer::start(move |request, before| {
            let (status, delay) = answer(&body(request), before);
            let text = if status == 400 { NO_LIST } else { "" };
            Response::sized(&format!("{status} Answer"), "", text.as_bytes()).after(delay)
        });
        Self(server.unwrap())
    }

    /// Sends `count` traces. Returns how long `finish` took.
    async fn send(&self, count: usize, longest: Duration) -> Duration {
        let tracer = Tracer::start(connections(), &self.0.url());
        for number in 0..count {
            tracer.send(trace(&number.to_string()));
        }
        let begun = Instant::now();
        tracer.finish(longest, Some(Duration::from_millis(5))).await;
        begun.elapsed()
    }

    /// Returns the length of each list received, accepted or not, and 0 for each single trace.
    fn lengths(&self) -> Vec<usize> {
        self.0.requests().iter().map(|request| body(request).as_array().map_or(0, Vec::len)).collect()
    }
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

#[test]
fn trace_fields_come_in_the_official_order_and_custom_ones_win() {
    let mut trace = trace("f");
    trace.set("remoteSite", "A");
    let text = serde_json::to_string(&trace.0).unwrap();
    let expected = r#"{"account":"jdoe","dataset":"mine","scope":"s","filename":"f","datasetScope":"s","filesize":null,"clientState":"PROCESSING","stateReason":"UNKNOWN","remoteSite":"A"}"#;
    assert_eq!(text, expected);
}

#[tokio::test]
async fn traces_are_batched_once_two_were_accepted() {
    let server = Server::start(|_, _| (201, Duration::ZERO));
    server.send(2012, BATCH_DELAY).await;
    // What has been sent may still be on its way to a server of a busy machine.
    let deadline = Instant::now() + Duration::from_secs(10);
    while server.lengths().len() < 4 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut lengths = server.lengths();
    lengths.sort_unstable();
    assert_eq!(lengths, [2, 10, 1000, 1000]);
}

#[tokio::test]
async fn traces_are_sent_singly_where_a_list_is_refused_late() {
    let server = Server::start(|body, _| match body.is_array() {
        true => (400, Duration::from_millis(300)),
        false => (201, Duration::from_millis(20)),
    });
    server.send(12, BATCH_DELAY).await;
    assert_eq!(server.lengths(), [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
}

#[tokio::test]
async fn trace_alone_is_not_a_list() {
    let server = Server::start(|_, _| (201, Duration::ZERO));
    server.send(1, BATCH_DELAY).await;
    assert_eq!(server.lengths(), [0]);
}

#[tokio::test]
async fn traces_are_not_waited_for_where_lists_are_accepted() {
    let server = Server::start(|_, before| (201, if before == 0 { Duration::ZERO } else { BATCH_DELAY }));
    let took = server.send(500, BATCH_DELAY).await;
    assert_eq!(server.lengths(), [2, 498]);
    assert!(took < BATCH_DELAY / 2, "{took:?}");
}

#[tokio::test]
async fn traces_are_sent_again_to_a_server_that_was_overloaded() {
    let server = Server::start(|_, before| (if before == 0 { 503 } else { 201 }, Duration::ZERO));
    let tracer = Tracer::start(connections(), &server.0.url());
    tracer.send(trace("a"));
    tracer.send(trace("b"));
    while server.lengths().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tracer.send(trace("c"));
    tracer.finish(BATCH_DELAY, None).await;
    assert_eq!(server.lengths(), [2, 2, 0]);
}

#[tokio::test]
async fn trace_server_that_is_silent_delays_no_longer_than_allowed() {
    for traces in [1, 2, 12] {
        let server = Server::start(|_, _| (201, BATCH_DELAY));
        let took = server.send(traces, Duration::from_millis(100)).await;
        assert!(took < BATCH_DELAY / 2, "{traces}: {took:?}");
    }
}
