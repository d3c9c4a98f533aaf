//! What the server does while it lists the files of a dataset.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::fixtures::download::ended;
use crate::fixtures::store::{Reply, Store};
use crate::fixtures::{Answer, Home, ReceivedRequest, Server};
use crate::support::Outcome;

const CALL: &str = "POST /replicas/list";
const NAMES: &str = "GET /dids/faults/set/files";
const BULK: &str = "POST /dids/bulkmeta";
const COUNT: &str = "GET /dids/faults/set?";
const STREAM: &str = "Content-Type: application/x-json-stream\r\n";

/// Behaviour of a server with a dataset, `faults:set`, whose files are at a storage.
#[derive(Debug, Clone, Copy)]
struct ServerBehavior {
    /// How many of its first lists it breaks off behind one file.
    breaks: usize,
    /// How many of its first lists of replicas end like whole ones behind one file.
    short: usize,
    /// How many of its first lists of names do.
    short_names: usize,
    /// Whether it lists the names of the files.
    tells_names: bool,
}

const GOOD: ServerBehavior = ServerBehavior { breaks: 0, short: 0, short_names: 0, tells_names: true };

fn server(store: &Store, names: Vec<String>, manners: ServerBehavior) -> Result<Server> {
    let place = store.pfn("");
    let found = json!({"scope": "faults", "name": "set", "did_type": "DATASET", "bytes": null, "length": null});
    Server::start(move |heard, before| match heard.request.as_str() {
        request if request.starts_with("GET /dids/faults/dids/search") => {
            Answer::new(200, STREAM, &format!("{found}\n"))
        }
        request if request.starts_with(COUNT) => Answer::json(
            &json!({"scope": "faults", "name": "set", "type": "DATASET", "length": names.len()}).to_string(),
        ),
        NAMES if manners.tells_names => {
            let rows = if before < manners.short_names { &names[..1] } else { &names };
            Answer::new(200, STREAM, &lines(rows, |name| json!({"scope": "faults", "name": name, "type": "FILE"})))
        }
        NAMES => Answer::new(404, "ExceptionClass: DataIdentifierNotFound\r\n", "{}"),
        CALL => {
            let asked = asked(heard);
            let rows = if asked == ["set"] { &names } else { &asked };
            match before {
                _ if before < manners.breaks => Answer::cut(&lines(&rows[..1], |name| row(&place, name))),
                _ if before < manners.short => Answer::new(200, STREAM, &lines(&rows[..1], |name| row(&place, name))),
                _ => Answer::new(200, STREAM, &lines(rows, |name| row(&place, name))),
            }
        }
        request if request.starts_with("GET /dids/faults/set/meta") => {
            Answer::json(&json!({"scope": "faults", "name": "set", "did_type": "DATASET"}).to_string())
        }
        BULK => {
            let asked = asked(heard);
            let known = asked.into_iter().filter(|name| names.contains(name)).collect::<Vec<_>>();
            Answer::new(
                200,
                STREAM,
                &lines(&known, |name| json!({"scope": "faults", "name": name, "did_type": "FILE"})),
            )
        }
        request if request.starts_with("GET /rses/") => Answer::new(200, STREAM, ""),
        _ => Answer::json("{}"),
    })
}

fn lines(names: &[String], record: impl Fn(&String) -> Value) -> String {
    names.iter().map(|name| format!("{}\n", record(name))).collect()
}

fn row(place: &str, name: &str) -> Value {
    let pfn = format!("{place}{name}");
    json!({"scope": "faults", "name": name, "bytes": name.len(), "adler32": null, "md5": null, "rses": {"A": [pfn]},
           "pfns": {&pfn: {"rse": "A", "priority": 1, "type": "DISK", "domain": "wan", "client_extract": false}},
           "states": {"A": "AVAILABLE"}})
}

/// The names in a call.
fn asked(heard: &ReceivedRequest) -> Vec<String> {
    let body: Value = serde_json::from_slice(&heard.body).unwrap_or_default();
    let names = body["dids"].as_array().into_iter().flatten().filter_map(|did| did["name"].as_str());
    names.map(str::to_owned).collect()
}

/// The names in each call so far.
fn calls(server: &Server) -> Vec<Vec<String>> {
    server.heard().iter().filter(|heard| heard.request == CALL).map(asked).collect()
}

fn names(number: usize) -> Vec<String> {
    (0..number).map(|number| format!("file-{number:04}")).collect()
}

/// A storage where the content of every file is its name.
fn store() -> Result<Store> {
    Store::start(|asked, _| Reply::good(asked.file.as_bytes(), asked))
}

fn download(server: &Server, home: &Home, words: &[&str]) -> Result<Outcome> {
    let rucio = server.client(home)?.folder(home.path()).limit(Duration::from_secs(60));
    rucio.args(["download", "--dir", "here", "--no-subdir", "faults:set"]).args(words).run()
}

fn arrived(home: &Home, names: &[String]) -> Result<()> {
    for name in names {
        ensure!(std::fs::read(home.path().join("here").join(name))? == name.as_bytes(), "{name}");
    }
    Ok(())
}

/// The server stops for good during the list: the listed files are downloaded, and the command fails.
#[test]
fn listing_that_breaks_off_costs_only_what_was_not_listed() -> Result<()> {
    let (store, home) = (store()?, Home::new()?);
    let server = server(&store, names(2), ServerBehavior { breaks: 1, tells_names: false, ..GOOD })?;
    let outcome = download(&server, &home, &[])?;
    ensure!(outcome.code != 0, "{outcome:?}");
    ensure!(outcome.stderr.contains("Not all files are listed yet"), "{}", outcome.stderr);
    arrived(&home, &names(1))
}

/// When the server is back, the files that it had not listed are requested.
#[test]
fn listing_is_resumed_when_the_server_comes_back() -> Result<()> {
    let (store, home, names) = (store()?, Home::new()?, names(4));
    let server = server(&store, names.clone(), ServerBehavior { breaks: 2, ..GOOD })?;
    let outcome = download(&server, &home, &[])?;
    ended(&outcome, 0)?;
    arrived(&home, &names)?;
    ensure!(
        calls(&server) == [vec!["set".to_owned()], names[1..].to_vec(), names[2..].to_vec()],
        "{:?}",
        calls(&server)
    );
    Ok(())
}

/// A truncated list that looks complete is compared with the number of files: the others are requested by name.
#[test]
fn listing_that_is_short_but_looks_whole_is_completed() -> Result<()> {
    let (store, home, names) = (store()?, Home::new()?, names(4));
    let server = server(&store, names.clone(), ServerBehavior { short: 3, ..GOOD })?;
    ended(&download(&server, &home, &[])?, 0)?;
    arrived(&home, &names)?;
    let expected = [vec!["set".to_owned()], names[1..].to_vec(), names[2..].to_vec(), names[3..].to_vec()];
    ensure!(calls(&server) == expected, "{:?}", calls(&server));
    Ok(())
}

/// If the server never lists the rest, that is an error, after the files that it listed.
#[test]
fn listing_that_stays_short_is_an_error() -> Result<()> {
    let (store, home, names) = (store()?, Home::new()?, names(4));
    let server = server(&store, names.clone(), ServerBehavior { short: 1, short_names: usize::MAX, ..GOOD })?;
    for words in [vec!["download", "--dir", "here", "--no-subdir", "faults:set"], vec!["list-files", "faults:set"]] {
        let client = server.client(&home)?.folder(home.path()).limit(Duration::from_secs(60));
        let outcome = client.args(&words).run()?;
        ensure!(outcome.code != 0, "{words:?}: {outcome:?}");
        ensure!(outcome.stderr.contains("1 of 4 rows"), "{words:?}: {}", outcome.stderr);
    }
    arrived(&home, &names[..1])
}

/// A list that is read again shows each row once.
#[test]
fn listing_of_names_that_is_short_is_read_again_and_shown_once() -> Result<()> {
    let (store, home, names) = (store()?, Home::new()?, names(4));
    let server = server(&store, names.clone(), ServerBehavior { short_names: 2, ..GOOD })?;
    let client = server.client(&home)?.limit(Duration::from_secs(60));
    let outcome = client.args(["list-files", "--csv", "faults:set"]).run()?;
    ended(&outcome, 0)?;
    let shown: Vec<_> = outcome.stdout.lines().filter_map(|line| line.split(',').next()).collect();
    let expected: Vec<_> = names.iter().map(|name| format!("faults:{name}")).collect();
    ensure!(shown == expected, "{shown:?}");
    Ok(())
}

/// The same for the replicas that are shown.
#[test]
fn listing_of_replicas_that_is_short_is_completed_and_shown_once() -> Result<()> {
    let (store, home, names) = (store()?, Home::new()?, names(4));
    let server = server(&store, names.clone(), ServerBehavior { short: 2, ..GOOD })?;
    let client = server.client(&home)?.limit(Duration::from_secs(60));
    let outcome = client.args(["replica", "list", "file", "--pfns", "faults:set"]).run()?;
    ended(&outcome, 0)?;
    let expected: Vec<_> = names.iter().map(|name| store.pfn(name)).collect();
    ensure!(outcome.stdout.lines().eq(&expected), "{}", outcome.stdout);
    Ok(())
}

/// Of a dataset of which only some files are wanted, the replicas of the others are not listed.
#[test]
fn listing_of_replicas_has_wanted_files_only() -> Result<()> {
    let (store, home, names) = (store()?, Home::new()?, names(1_500));
    let server = server(&store, names.clone(), GOOD)?;
    ended(&download(&server, &home, &["--include", "file-000?"])?, 0)?;
    arrived(&home, &names[..10])?;
    ensure!(calls(&server) == [&names[..10]], "{:?}", calls(&server));
    ended(&download(&server, &home, &["--include", "nothing"])?, 1)?;
    ensure!(calls(&server).len() == 1);
    Ok(())
}

/// With slow transfers of many files, the response is not left half read: the others are requested later, when the queue
/// has space.
#[test]
fn listing_is_read_ahead_of_the_downloads() -> Result<()> {
    let (is_quick, home, names) = (Arc::<AtomicBool>::default(), Home::new()?, names(3_500));
    let waits = is_quick.clone();
    let store = Store::start(move |asked, _| {
        while !waits.load(SeqCst) {
            thread::sleep(Duration::from_millis(10));
        }
        Reply::good(asked.file.as_bytes(), asked)
    })?;
    let server = server(&store, names.clone(), GOOD)?;
    let outcome = thread::scope(|scope| {
        let download = scope.spawn(|| download(&server, &home, &[]));
        let seen = server.wait_until_taken(NAMES).and_then(|()| server.wait_until_taken(CALL));
        let early = calls(&server);
        is_quick.store(true, SeqCst);
        let outcome = download.join().map_err(|_| anyhow::anyhow!("the download panicked"))?;
        seen?;
        ensure!(early == [["set"]], "{early:?} is asked while the first files are on their way");
        outcome
    })?;
    ended(&outcome, 0)?;
    arrived(&home, &names)?;
    let others = calls(&server)[1..].concat();
    ensure!((1_000..=1_500).contains(&others.len()) && names.ends_with(&others), "{} others", others.len());
    Ok(())
}
