//! Trace servers that take no lists.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::fixtures::download::ended;
use crate::fixtures::download::{DownloadFixture, bytes};
use crate::fixtures::store::{Reply, Store};
use crate::fixtures::{Answer, Server};

/// How many files there are.
const FILES: usize = 12;

/// A server before Rucio 37: what it answers to a list it answers late.
fn old_server() -> Result<Server> {
    Server::start(|asked, _| match (asked.request.as_str(), asked.body.first()) {
        ("POST /traces/", Some(b'[')) => {
            thread::sleep(Duration::from_millis(300));
            let (class, message) = ("TypeError", "body must be a json dictionary");
            let headers =
                format!("Content-Type: application/json\r\nExceptionClass: {class}\r\nExceptionMessage: {message}\r\n");
            Answer::new(400, &headers, &format!(r#"{{"ExceptionClass": "{class}", "ExceptionMessage": "{message}"}}"#))
        }
        ("POST /traces/", _) => Answer::new(201, "", "Created"),
        _ => Answer::json("{}"),
    })
}

/// The files of the traces that were sent one by one, in order.
fn traced(server: &Server) -> Result<Vec<String>> {
    let posts = server.heard().into_iter().filter(|heard| heard.request == "POST /traces/");
    let mut names = Vec::new();
    for post in posts {
        if let Value::Object(trace) = serde_json::from_slice(&post.body)? {
            names.push(trace.get("filename").and_then(Value::as_str).context("a trace of no file")?.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

#[test]
fn traces_are_all_sent_to_a_server_that_refuses_lists_late() -> Result<()> {
    let store = Store::start(|asked, _| Reply::good(&bytes(asked.file.len(), 1000), asked))?;
    let names: Vec<_> = (1..=FILES).map(|length| "f".repeat(length)).collect();
    for run in 1..=10 {
        let (server, mut world) = (old_server()?, DownloadFixture::new()?);
        for name in &names {
            world.file(name, &bytes(name.len(), 1000), &[&store.pfn(name)]);
        }
        let document = world.document()?.to_string_lossy().into_owned();
        let rucio = server.client(&world.home)?.folder(world.home.path());
        let outcome = rucio.args(["download", "--dir", "here", "--metalink", &document]).run()?;
        ended(&outcome, 0)?;
        let traced = traced(&server)?;
        ensure!(traced == names, "run {run}: traces of {} of {FILES} files\n{}", traced.len(), outcome.stderr);
    }
    Ok(())
}
