//! What a storage may answer: whatever its headers say, the bytes that are taken belong where they are put, and no
//! secret goes where it should not.
//!
//! The answers go over real connections on loopback to the client's own reader, as a hostile storage would send them.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use reqwest::header::HeaderValue;
use rucio::storage::http::{Access, StorageToken, WebStorage};
use rucio::storage::{ByteRange, ObjectReader, Pfn, RangeRequest, ResumeFrom, Storage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use url::Url;

/// Separates the question from the answers, and these from each other.
const SEPARATOR: u8 = 0xff;
/// More answers than these are not looked at: each costs a connection.
const ANSWERS: usize = 14;
/// The token that is at hand.
const TOKEN: &str = "very.secret.token";

/// What is asked for: `4 "etag"` is the rest from the fifth byte on of that version, `p4-9/20 "etag"` five bytes of twenty.
struct Question {
    rest: Option<ResumeFrom>,
    part: Option<RangeRequest>,
    has_certificate: bool,
}

/// An answer in a form that is hostile, but still HTTP.
struct Answer {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// Asks for a file, the rest or a part of one, and reads what comes to its end.
pub fn range_answers(data: &[u8]) {
    let mut parts = data.split(|byte| *byte == SEPARATOR).take(ANSWERS + 1);
    let question = Question::of(parts.next().unwrap_or_default());
    let answers: Vec<_> = parts.map(Answer::of).collect();
    DESK.with(|(runtime, storages)| {
        runtime.block_on(ask(&question, &answers, &storages[usize::from(question.has_certificate)]));
    });
}

thread_local! {
    /// The readers without and with a certificate: making them takes longer than an answer.
    static DESK: (Runtime, [WebStorage; 2]) = {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        (runtime, [false, true].map(storage))
    };
}

async fn ask(question: &Question, answers: &[Answer], storage: &WebStorage) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let pfn = Pfn::new(format!("http://{}/a/file", listener.local_addr().expect("an address")));
    let home = Url::parse(pfn.as_str()).expect("a URL");
    let heard = Rc::new(RefCell::new(Vec::new()));
    let serving = serve(listener, answers, &home, heard.clone());
    let asking = async {
        let reading = match &question.part {
            Some(part) => storage.get_range(&pfn, part).await,
            None => storage.get(&pfn, question.rest.as_ref()).await.map(Some),
        };
        match reading {
            Ok(None) => {}
            Ok(Some(reading)) => {
                let last = heard.borrow().len().checked_sub(1).and_then(|last| answers.get(last));
                taken(question, last.expect("somebody answered"), reading).await;
            }
            Err(error) => assert!(!error.to_string().contains("secret"), "{error}"),
        }
    };
    tokio::select! { () = serving => {} () = asking => {} }
    heard.borrow().iter().for_each(|request| asked_well(question, request));
}

/// No request says more than it should.
fn asked_well(question: &Question, request: &str) {
    let request = request.to_ascii_lowercase();
    assert!(!request.contains("secret"), "a token goes over plain HTTP: {request}");
    let range = request.lines().find_map(|line| line.strip_prefix("range: "));
    let wanted = match &question.part {
        Some(part) => Some(format!("bytes={}-{}", part.range.start, part.range.end - 1)),
        None => question.rest.as_ref().map(|rest| format!("bytes={}-", rest.start)),
    };
    assert!(range.is_none_or(|range| Some(range) == wanted.as_deref()), "{request}");
    assert!(request.starts_with("get "), "{request}");
}

/// What was taken is what the answer says it is.
async fn taken(question: &Question, answer: &Answer, mut reading: ObjectReader) {
    let whole = question.part.is_none() && reading.start == 0;
    let range = || answer.header("content-range").and_then(content_range).expect("a part without a range was taken");
    match (&question.part, question.rest.as_ref().filter(|_| !whole)) {
        (Some(part), _) => {
            let (first, last, total) = range();
            assert_eq!(
                (answer.status, first, last, reading.start),
                (206, part.range.start, part.range.end - 1, part.range.start)
            );
            assert!(total.is_none_or(|total| total == part.whole) && reading.length == Some(part.whole), "{part:?}");
            assert!(part.version.is_none() || part.version == reading.version, "{part:?} {reading:?}");
        }
        (None, Some(rest)) => {
            assert_eq!((reading.start, answer.status), (rest.start, 206));
            let (first, _, total) = range();
            assert_eq!((first, total), (rest.start, reading.length));
            assert!(rest.version.is_none() || rest.version == reading.version, "{rest:?} {reading:?}");
        }
        (None, None) => {
            assert!(whole, "bytes from {} on are taken, and were not asked for", reading.start);
            assert!((200..300).contains(&answer.status) && answer.status != 206, "{} is a file", answer.status);
        }
    }
    let (mut bytes, mut complete) = (Vec::new(), true);
    loop {
        match reading.next().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => {
                complete = false;
                assert!(!error.to_string().contains("secret"), "{error}");
                break;
            }
        }
    }
    if answer.header("transfer-encoding").is_none() {
        assert!(answer.body.starts_with(&bytes), "the bytes are not those of the answer");
        assert!(!(whole && complete) || reading.length.is_none_or(|length| length == bytes.len() as u64));
        let longest = question.part.as_ref().filter(|_| answer.header("content-length").is_some());
        assert!(longest.is_none_or(|part| bytes.len() as u64 <= part.range.len()), "more than was asked for");
    }
}

/// First byte, last byte and size of the whole file, by the letter of RFC 9110, section 14.4.
fn content_range(value: &[u8]) -> Option<(u64, u64, Option<u64>)> {
    let number = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    let (range, total) = std::str::from_utf8(value).ok()?.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.trim().split_once('-')?;
    let (first, last): (u64, u64) = (number(first.trim())?, number(last.trim())?);
    let total = if total.trim() == "*" { None } else { Some(number(total.trim())?) };
    (first <= last && total.is_none_or(|total| last < total)).then_some((first, last, total))
}

impl Question {
    fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (flag, text) = text.strip_prefix('c').map_or((false, &*text), |rest| (true, rest));
        let (text, version) = text.split_once(' ').unwrap_or((text, ""));
        // The client asks for versions that came in a header, and these have no controls.
        let version = (!version.is_empty() && HeaderValue::from_str(version).is_ok()).then(|| version.to_owned());
        let part = text.strip_prefix('p').and_then(|part| Self::part(part, version.clone()));
        let start = text.parse().ok().filter(|start| *start > 0);
        Self { rest: start.map(|start| ResumeFrom { start, whole: None, version }), part, has_certificate: flag }
    }

    /// A part that has bytes and is one of the whole, as the client asks for.
    fn part(text: &str, version: Option<String>) -> Option<RangeRequest> {
        let (range, whole) = text.split_once('/')?;
        let (start, end) = range.split_once('-')?;
        let (start, end, whole) = (start.parse().ok()?, end.parse().ok()?, whole.parse().ok()?);
        (start < end && end <= whole).then_some(RangeRequest { range: ByteRange::new(start, end), whole, version })
    }
}

impl Answer {
    /// A status in the first line, then headers, an empty line, and the body.
    fn of(bytes: &[u8]) -> Self {
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
        let (mut read, mut line) = (0, || {
            let line = lines.next().unwrap_or_default();
            (line.len(), line.trim_ascii())
        });
        let (length, first) = line();
        read += length;
        let status: u16 = std::str::from_utf8(first).ok().and_then(|text| text.parse().ok()).unwrap_or(200);
        let mut headers = Vec::new();
        loop {
            let (length, line) = line();
            read += length;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_at(line.iter().position(|byte| *byte == b':').unwrap_or(0));
            let value = value.iter().skip(1).copied().filter(|byte| *byte == b'\t' || (*byte >= b' ' && *byte != 127));
            headers.extend(known(name).map(|name| (name.to_owned(), value.collect())));
        }
        Self { status: 200 + status.saturating_sub(200) % 800, headers, body: bytes[read..].to_vec() }
    }

    /// The first header of this name, without blanks around it.
    fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim_ascii())
    }

    /// What goes over the wire. Nothing leads to another host: the fuzzer stays on this machine.
    fn bytes(&self, home: &Url) -> Vec<u8> {
        let mut bytes = format!("HTTP/1.1 {} Answer\r\nconnection: close\r\n", self.status).into_bytes();
        for (name, value) in self.headers.iter().filter(|(name, value)| name != "location" || stays(home, value)) {
            bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        bytes.extend([b"\r\n", &self.body[..]].concat());
        bytes
    }
}

/// The headers that mean something, and one that does not.
fn known(name: &[u8]) -> Option<&'static str> {
    const NAMES: [&str; 9] = [
        "content-range",
        "content-length",
        "transfer-encoding",
        "content-encoding",
        "etag",
        "last-modified",
        "location",
        "retry-after",
        "www-authenticate",
    ];
    let name = std::str::from_utf8(name).ok()?.trim();
    NAMES.into_iter().find(|known| known.eq_ignore_ascii_case(name))
}

fn stays(home: &Url, location: &[u8]) -> bool {
    let Some(url) = std::str::from_utf8(location).ok().and_then(|text| home.join(text).ok()) else { return true };
    let Ok(url) = Url::parse(&Pfn::from(url.as_str()).canonical()) else { return true };
    !matches!(url.scheme(), "http" | "https") || (url.host_str(), url.port()) == (home.host_str(), home.port())
}

/// Gives each connection the next answer, and closes it.
async fn serve(listener: TcpListener, answers: &[Answer], home: &Url, heard: Rc<RefCell<Vec<String>>>) {
    loop {
        let Ok((mut stream, _)) = listener.accept().await else { return };
        let Some(request) = request(&mut stream).await else { continue };
        let number = heard.borrow().len();
        assert!(number < 64, "it asks and asks");
        heard.borrow_mut().push(request);
        if let Some(answer) = answers.get(number) {
            // The client may have heard enough; that is its right.
            let _ = stream.write_all(&answer.bytes(home)).await;
            let _ = stream.shutdown().await;
        }
    }
}

/// The head of a request; none if it is not HTTP, as that of TLS is not.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let (mut head, mut buffer) = (Vec::new(), [0; 4096]);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(read @ 1..) if head.first() != Some(&0x16) => head.extend_from_slice(&buffer[..read]),
            _ => return None,
        }
        if head.first() == Some(&0x16) {
            return None;
        }
    }
    String::from_utf8(head).ok()
}

fn storage(has_certificate: bool) -> WebStorage {
    let tls = rucio::http::tls::client_config_of_all(&[], None).expect("TLS as it is today");
    let access = Access {
        tls: tls.clone(),
        anonymous_tls: tls,
        has_certificate,
        tokens: StorageToken::new(&TOKEN.into(), Vec::new()).into_iter().collect(),
        user_agent: HeaderValue::from_static("fuzz"),
        connect_timeout: Duration::from_secs(5),
        idle_timeout: Duration::from_secs(5),
    };
    WebStorage::new(access).expect("a storage")
}
