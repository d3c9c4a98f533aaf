//! Traces sent to small servers that accept or refuse lists.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::types::Did;

/// Answer of a server before Rucio 37 to a list.
const NO_LIST: &str = r#"{"ExceptionClass": "TypeError", "ExceptionMessage": "body must be a json dictionary"}"#;
const BATCH_DELAY: Duration = Duration::from_secs(20);

fn connections() -> reqwest::Client {
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build().unwrap()
}

fn trace(name: &str) -> Trace {
    let common = serde_json::from_str(r#"{"account": "jdoe", "dataset": "mine"}"#).unwrap();
    Trace::new(&common, &FileJob::unknown(Did::new("s", name), 0))
}

/// A trace server that answers each body with a status after a delay, or never.
struct Server {
    url: String,
    bodies: Arc<Mutex<Vec<Value>>>,
}

type Answer = fn(&Value, usize) -> (u16, Duration);

impl Server {
    async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self { url: format!("http://{}", listener.local_addr().unwrap()), bodies: Arc::default() };
        let bodies = server.bodies.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, bodies.clone(), answer));
            }
        });
        server
    }

    /// Sends `count` traces. Returns how long `finish` took.
    async fn send(&self, count: usize, longest: Duration) -> Duration {
        let tracer = Tracer::start(connections(), &self.url);
        for number in 0..count {
            tracer.send(trace(&number.to_string()));
        }
        let begun = Instant::now();
        tracer.finish(longest, Some(Duration::from_millis(5))).await;
        begun.elapsed()
    }

    /// Returns the length of each list received, accepted or not, and 0 for each single trace.
    fn lengths(&self) -> Vec<usize> {
        self.bodies.lock().unwrap().iter().map(|body| body.as_array().map_or(0, Vec::len)).collect()
    }
}

async fn serve(stream: TcpStream, bodies: Arc<Mutex<Vec<Value>>>, answer: Answer) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut length, mut line) = (0, String::new());
        while line != "\r\n" {
            line.clear();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        if stream.read_exact(&mut body).await.is_err() {
            return;
        }
        let body: Value = serde_json::from_slice(&body).unwrap();
        let before = {
            let mut bodies = bodies.lock().unwrap();
            bodies.push(body.clone());
            bodies.len() - 1
        };
        let (status, delay) = answer(&body, before);
        tokio::time::sleep(delay).await;
        let text = if status == 400 { NO_LIST } else { "" };
        let answer = format!("HTTP/1.1 {status} Answer\r\nContent-Length: {}\r\n\r\n{text}", text.len());
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
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
async fn traces_go_in_lists_once_two_have_been_taken() {
    let server = Server::start(|_, _| (201, Duration::ZERO)).await;
    server.send(2012, BATCH_DELAY).await;
    let mut lengths = server.lengths();
    lengths.sort_unstable();
    assert_eq!(lengths, [2, 10, 1000, 1000]);
}

#[tokio::test]
async fn traces_go_one_by_one_where_a_list_is_refused_late() {
    let server = Server::start(|body, _| match body.is_array() {
        true => (400, Duration::from_millis(300)),
        false => (201, Duration::from_millis(20)),
    })
    .await;
    server.send(12, BATCH_DELAY).await;
    assert_eq!(server.lengths(), [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
}

#[tokio::test]
async fn trace_alone_is_no_list() {
    let server = Server::start(|_, _| (201, Duration::ZERO)).await;
    server.send(1, BATCH_DELAY).await;
    assert_eq!(server.lengths(), [0]);
}

#[tokio::test]
async fn traces_are_not_waited_for_where_lists_are_taken() {
    let server = Server::start(|_, before| (201, if before == 0 { Duration::ZERO } else { BATCH_DELAY })).await;
    let took = server.send(500, BATCH_DELAY).await;
    assert_eq!(server.lengths(), [2, 498]);
    assert!(took < BATCH_DELAY / 2, "{took:?}");
}

#[tokio::test]
async fn traces_are_sent_again_to_a_server_that_was_overloaded() {
    let server = Server::start(|_, before| (if before == 0 { 503 } else { 201 }, Duration::ZERO)).await;
    let tracer = Tracer::start(connections(), &server.url);
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
        let server = Server::start(|_, _| (201, BATCH_DELAY)).await;
        let took = server.send(traces, Duration::from_millis(100)).await;
        assert!(took < BATCH_DELAY / 2, "{traces}: {took:?}");
    }
}
