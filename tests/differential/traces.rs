//! The traces of a run: each run has its own trace server, so that several can run concurrently.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use regex::Regex;
use serde_json::{Map, Value};

use crate::support::Testbed;

/// Maximum time until a trace is in the Rucio server's log.
const WAIT_TIMEOUT: Duration = Duration::from_secs(10);

type Trace = Map<String, Value>;
type Door = Arc<Mutex<Option<SocketAddr>>>;

/// A trace server for one run. `HttpServer` would not say when the last connection has been read to its end.
pub(super) struct TraceServer {
    address: SocketAddr,
    /// Who knocks last: ourselves, when the run is over.
    last: Door,
    desk: JoinHandle<Result<Vec<Trace>>>,
    /// What the Rucio server's own log had before the run.
    log: PathBuf,
    known: u64,
    start: f64,
}

impl TraceServer {
    pub(super) fn open() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (address, last) = (listener.local_addr()?, Door::default());
        let door = last.clone();
        let log = Path::new(Testbed::get()?.value("LOGS")?).join("traces.jsonl");
        let known = fs::metadata(&log).map_or(0, |file| file.len());
        let start = now();
        Ok(Self { address, last, desk: thread::spawn(move || serve(&listener, &door)), log, known, start })
    }

    /// A copy of the configuration that names this server.
    pub(super) fn configuration(&self, original: &Path, copy: PathBuf) -> Result<PathBuf> {
        let text = fs::read_to_string(original)?;
        ensure!(!text.contains("[trace]"), "{} has a trace server already", original.display());
        fs::write(&copy, format!("{text}\n[trace]\ntrace_host = http://{}\n", self.address))?;
        Ok(copy)
    }

    /// All traces, once the sender has ended: connections are accepted in order, ours last, and read to their
    /// ends. Traces of files that were there (`present` of them) the official client sends to the Rucio server, regardless of
    /// the trace server; they are found in its log by the site the run believed to be at.
    pub(super) fn close(self, present: usize, site: &str) -> Result<Vec<Trace>> {
        {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            *last = Some(TcpStream::connect(self.address)?.local_addr()?);
        }
        let Ok(traces) = self.desk.join() else { bail!("the trace server broke down") };
        let mut traces = traces?;
        let here = traces.iter().filter(|trace| is_present(trace)).count();
        if here < present {
            traces.extend(from_log(&self.log, self.known, present - here, site)?);
        }
        let end = now();
        for trace in &mut traces {
            take_out_times(trace, self.start, end);
        }
        Ok(traces)
    }
}

/// What is compared of the traces, in the order of their text, as their files were ready in any order.
pub(super) fn listing(traces: Vec<Trace>) -> Result<String> {
    let id = Regex::new("^[0-9a-f]{32}$")?;
    let mut runs: Vec<String> = Vec::new();
    let mut lines = Vec::new();
    for mut trace in traces {
        if let Some(uuid) = trace.get_mut("uuid") {
            let text = uuid.as_str().filter(|text| id.is_match(text)).context("a uuid of another form")?;
            if !runs.iter().any(|known| known == text) {
                runs.push(text.to_owned());
            }
            *uuid = "<uuid>".into();
        }
        // The official client looks up the name of this host in the DNS.
        if let Some(host) = trace.get_mut("hostname").filter(|host| host.as_str().is_some_and(|name| !name.is_empty()))
        {
            *host = "<host>".into();
        }
        lines.push(format!("{}\n", Value::Object(reason_taken_out(trace))));
    }
    lines.sort_unstable();
    // There may be two failed attempts, or one if a second one cannot help.
    lines.dedup_by(|one, other| one == other && one.contains("<reason>"));
    if runs.len() > 1 {
        lines.push(format!("{} uuids\n", runs.len()));
    }
    // A field a line, so that a report shows which differs.
    let fields = |line: &String| line.replace(",\"", ",\n \"");
    Ok(lines.iter().map(fields).collect())
}

/// The listing without these fields.
pub(super) fn without(listing: &str, fields: &[String]) -> String {
    let is_one = |line: &&str| fields.iter().any(|field| line.starts_with(&format!(" \"{field}\":")));
    listing.split_inclusive('\n').filter(|line| !is_one(line)).collect()
}

/// The reason of a failure differs between the clients.
fn reason_taken_out(mut trace: Trace) -> Trace {
    let failed = matches!(trace.get("clientState").and_then(Value::as_str), Some("FAILED" | "DOWNLOAD_ATTEMPT"));
    if let Some(reason) = trace.get_mut("stateReason").filter(|reason| failed && reason.as_str() != Some("")) {
        *reason = "<reason>".into();
    }
    trace
}

/// Times within the run, in their order.
fn take_out_times(trace: &mut Trace, start: f64, end: f64) {
    let at = |trace: &Trace, field| trace.get(field).and_then(Value::as_f64);
    let (began, ended) = (at(trace, "transferStart"), at(trace, "transferEnd"));
    if began > ended && ended.is_some() {
        return;
    }
    for (field, time) in [("transferStart", began), ("transferEnd", ended)] {
        if time.is_some_and(|time| start <= time && time <= end) {
            trace.insert(field.to_owned(), "<time>".into());
        }
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

fn is_present(trace: &Trace) -> bool {
    trace.get("clientState").and_then(Value::as_str) == Some("ALREADY_DONE")
}

fn serve(listener: &TcpListener, last: &Door) -> Result<Vec<Trace>> {
    let mut visits = Vec::new();
    loop {
        let (visitor, address) = listener.accept()?;
        if *last.lock().unwrap_or_else(PoisonError::into_inner) == Some(address) {
            break;
        }
        visits.push(thread::spawn(move || attend(visitor)));
    }
    let mut traces = Vec::new();
    for visit in visits {
        let Ok(brought) = visit.join() else { bail!("a connection to the trace server broke it") };
        traces.extend(brought?);
    }
    Ok(traces)
}

/// All data of one connection.
fn attend(visitor: TcpStream) -> Result<Vec<Trace>> {
    visitor.set_read_timeout(Some(WAIT_TIMEOUT))?;
    let mut answers = visitor.try_clone()?;
    let (mut visitor, mut traces) = (BufReader::new(visitor), Vec::new());
    while let Some(body) = request(&mut visitor)? {
        match serde_json::from_slice(&body).with_context(|| String::from_utf8_lossy(&body).into_owned())? {
            Value::Object(trace) => traces.push(trace),
            Value::Array(list) => {
                for trace in list {
                    traces.push(serde_json::from_value(trace)?);
                }
            }
            other => bail!("no trace: {other}"),
        }
        // Who does not wait for the answer may be gone.
        let _ = answers.write_all(b"HTTP/1.1 201 Created\r\nContent-Length: 7\r\n\r\nCreated");
    }
    Ok(traces)
}

/// The body of the next request, if there is one.
fn request(visitor: &mut impl BufRead) -> Result<Option<Vec<u8>>> {
    let mut head = String::new();
    loop {
        let read = visitor.read_line(&mut head);
        // Who ends without having read our answer resets the connection; we answer only what we have wholly read.
        let ended = read.as_ref().is_err_and(|error| error.kind() == ErrorKind::ConnectionReset);
        if ended || read? == 0 {
            ensure!(head.is_empty(), "half a request: {head}");
            return Ok(None);
        }
        if head.ends_with("\r\n\r\n") {
            break;
        }
    }
    ensure!(head.starts_with("POST /traces/ HTTP/1.1\r\n"), "what is this? {head}");
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let length = fields.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let mut body = vec![0; length.context("no Content-Length")?.1.trim().parse()?];
    visitor.read_exact(&mut body)?;
    Ok(Some(body))
}

/// The traces of that site in the server's log, as soon as there are so many. Fields that the server adds are removed.
fn from_log(log: &Path, known: u64, count: usize, site: &str) -> Result<Vec<Trace>> {
    let start = Instant::now();
    loop {
        let bytes = fs::read(log).unwrap_or_default();
        let text = String::from_utf8_lossy(bytes.get(usize::try_from(known)?..).unwrap_or_default()).into_owned();
        let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n') && line.contains(site));
        let traces: Vec<Trace> = lines.map(serde_json::from_str).collect::<Result<_, _>>()?;
        let mut traces: Vec<Trace> = traces.into_iter().filter(is_present).collect();
        if traces.len() >= count || start.elapsed() > WAIT_TIMEOUT {
            for trace in &mut traces {
                trace.retain(|field, _| {
                    !["traceIp", "traceTimeentry", "traceTimeentryUnix", "traceId"].contains(&field.as_str())
                });
            }
            return Ok(traces);
        }
        thread::sleep(Duration::from_millis(10));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn trace(text: &str) -> Trace {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn trace_server_collects_lists_and_single_traces_of_several_connections() -> Result<()> {
        let server = TraceServer::open()?;
        for body in [r#"[{"a":1},{"a":2}]"#, r#"{"a":3}"#] {
            let mut client = TcpStream::connect(server.address)?;
            write!(client, "POST /traces/ HTTP/1.1\r\ncontent-length: {}\r\n\r\n{body}", body.len())?;
            let mut answer = [0; 12];
            client.read_exact(&mut answer)?;
            assert_eq!(&answer, b"HTTP/1.1 201");
        }
        assert_eq!(listing(server.close(0, "nowhere")?)?, "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n");
        Ok(())
    }

    #[test]
    fn trace_comparison_leaves_out_only_what_must_differ() -> Result<()> {
        let id = "0123456789abcdef0123456789abcdef";
        let failed = format!(r#"{{"hostname":"h","uuid":"{id}","clientState":"FAILED","stateReason":"x","n":1}}"#);
        let done = format!(r#"{{"hostname":"","uuid":"{id}","clientState":"DONE","stateReason":"OK"}}"#);
        let other = done.replace('0', "f");
        let text = listing([&failed, &done, &failed, &other].map(|text| trace(text)).into())?;
        assert_eq!(
            without(&text, &["uuid".to_owned(), "clientState".to_owned()]),
            "{\"hostname\":\"\",\n \"stateReason\":\"OK\"}\n{\"hostname\":\"\",\n \"stateReason\":\"OK\"}\n\
             {\"hostname\":\"<host>\",\n \"stateReason\":\"<reason>\",\n \"n\":1}\n2 uuids\n"
        );
        assert!(listing(vec![trace(r#"{"uuid":"1"}"#)]).is_err());
        let mut times = trace(r#"{"transferStart":5.5,"transferEnd":6}"#);
        for (start, end) in [(6.0, 7.0), (1.0, 5.7)] {
            let mut times = times.clone();
            take_out_times(&mut times, start, end);
            assert_eq!(times.values().filter(|time| *time == "<time>").count(), 1, "{times:?}");
        }
        take_out_times(&mut times, 5.0, 7.0);
        assert!(times.values().all(|time| time == "<time>"));
        let mut backwards = trace(r#"{"transferStart":6.5,"transferEnd":6}"#);
        take_out_times(&mut backwards, 5.0, 7.0);
        assert_eq!(backwards["transferEnd"], 6);
        Ok(())
    }
}
