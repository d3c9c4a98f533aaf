//! A Rucio server and a storage in one, with the listings of a test: a real server rejects such names.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::Result;
use serde_json::{Value, json};

use crate::fixtures::{Answer, Home, ReceivedRequest, Server};
use crate::support::Rucio;

/// A site that knows one dataset, `s:set`.
#[derive(Debug)]
pub(super) struct Site {
    server: Server,
    home: Home,
}

/// What a search finds, and what a listing has, line by line. `{site}` is replaced with the URL of the site.
#[derive(Debug, Default, Clone)]
pub(super) struct Catalogue {
    pub(super) found: Vec<u8>,
    pub(super) listed: Vec<u8>,
}

impl Site {
    /// Starts it. `act` is called before a file is given, with its number.
    pub(super) fn start(catalogue: Catalogue, act: impl Fn(usize) + Send + Sync + 'static) -> Result<Self> {
        let catalogue = Arc::new(catalogue);
        let server = Server::start(move |heard: &ReceivedRequest, _| answer(heard, &catalogue, &act))?;
        Ok(Self { server, home: Home::new()? })
    }

    /// A site whose dataset has these files, all of which are available.
    pub(super) fn of_files(files: &[(String, String)]) -> Result<Self> {
        let listed = files.iter().enumerate().map(|(number, (scope, name))| record(number, scope, name)).collect();
        Self::start(Catalogue { found: dataset(files.len()), listed: lines(listed) }, |_| {})
    }

    /// Our client, configured for it.
    pub(super) fn client(&self) -> Result<Rucio> {
        self.server.client(&self.home)
    }

    /// Where its configuration is, and its home.
    pub(super) fn home(&self) -> &Home {
        &self.home
    }

    /// `http://127.0.0.1:port`.
    pub(super) fn url(&self) -> &str {
        self.server.url()
    }
}

/// The content of the file with this number.
pub(super) fn content(number: usize) -> String {
    format!("this is file {number}\n")
}

/// What a listing has of the file of this number.
pub(super) fn record(number: usize, scope: &str, name: &str) -> Value {
    let content = content(number);
    json!({
        "scope": scope, "name": name, "bytes": content.len(), "adler32": format!("{:08x}", simd_adler32::adler32(&content.as_bytes())),
        "pfns": {format!("{{site}}/f/{number}"): {"rse": "R", "priority": 1, "domain": "wan"}},
    })
}

/// The dataset as a search finds it.
pub(super) fn dataset(length: usize) -> Vec<u8> {
    lines(vec![found("s", "set", "DATASET", length)])
}

/// A DID as a search finds it.
pub(super) fn found(scope: &str, name: &str, did_type: &str, length: usize) -> Value {
    json!({"scope": scope, "name": name, "did_type": did_type, "length": length, "bytes": 1})
}

/// One record a line.
pub(super) fn lines(records: Vec<Value>) -> Vec<u8> {
    records.into_iter().map(|record| format!("{record}\n")).collect::<String>().into_bytes()
}

fn answer(heard: &ReceivedRequest, catalogue: &Catalogue, act: &impl Fn(usize)) -> Answer {
    let host = heard.header("host").unwrap_or_default();
    let list = |bytes: &[u8]| {
        let bytes = replaced(bytes, b"{site}", format!("http://{host}").as_bytes());
        Answer::sized("200 OK", "Content-Type: application/x-json-stream\r\n", &bytes)
    };
    match heard.request.as_str() {
        request if request.contains("/dids/search") => list(&catalogue.found),
        "POST /replicas/list" => list(&of_files(&heard.body, &catalogue.listed)),
        "POST /dids/bulkmeta" => list(&catalogue.listed),
        request if request.starts_with("GET /dids/") && request.ends_with("/files") => list(&catalogue.listed),
        "GET /rses/R" => Answer::json(r#"{"protocols": [{"scheme": "file", "impl": "x", "prefix": "/"}]}"#),
        request if request.starts_with("GET /rses/") => list(b""),
        "GET /scopes/" => Answer::json(r#"["s"]"#),
        request if request.contains("/meta?") => {
            list(catalogue.found.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default())
        }
        "POST /traces/" => Answer::new(201, "", ""),
        request => match request.strip_prefix("GET /f/").and_then(|number| number.parse().ok()) {
            Some(number) => {
                act(number);
                Answer::new(200, "", &content(number))
            }
            None => Answer::new(404, "", r#"{"ExceptionClass": "DataIdentifierNotFound", "ExceptionMessage": "none"}"#),
        },
    }
}

/// The rows of the requested files; all rows if the collection is requested.
fn of_files(body: &[u8], listed: &[u8]) -> Vec<u8> {
    let did = |row: &Value| Some((row["scope"].as_str()?.to_owned(), row["name"].as_str()?.to_owned()));
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let asked: HashSet<_> = body["dids"].as_array().into_iter().flatten().filter_map(did).collect();
    let is_asked = |line: &&[u8]| {
        let row = serde_json::from_slice(line).ok();
        row.and_then(|row| did(&row)).is_some_and(|did| asked.contains(&did))
    };
    match asked.len() {
        0 | 1 => listed.to_vec(),
        _ => listed.split_inclusive(|byte| *byte == b'\n').filter(is_asked).collect::<Vec<_>>().concat(),
    }
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), bytes);
    while let Some(at) = rest.windows(from.len()).position(|window| window == from) {
        out.extend([&rest[..at], to].concat());
        rest = &rest[at + from.len()..];
    }
    [out, rest.to_vec()].concat()
}
