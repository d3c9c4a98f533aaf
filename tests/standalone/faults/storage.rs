//! What storages do.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::fixtures::download::{DownloadFixture, bytes};
use crate::fixtures::download::{ended, verdict};
use crate::fixtures::store::{Asked, Ending, Reply, Store};
use crate::fixtures::{Answer, CertificateFixture, Server, TlsFront};

/// How a file ends whose only source has a fault.
#[derive(Debug, Clone, Copy)]
enum End {
    /// It is given up for this reason.
    Failed(&'static str),
    /// It arrives.
    Arrived,
}

/// A fault: the source's response, given the file and the number of earlier requests; how many requests are expected; the
/// result.
struct Fault {
    name: &'static str,
    answer: fn(&[u8], &Asked, usize) -> Reply,
    asked: usize,
    end: End,
}

const fn fault(name: &'static str, answer: fn(&[u8], &Asked, usize) -> Reply, asked: usize, end: End) -> Fault {
    Fault { name, answer, asked, end }
}

fn refused(status: &str) -> Reply {
    Reply::sized(status, "", b"no")
}

/// Breaks off the first time.
fn cut(content: &[u8]) -> Reply {
    Reply::sized("200 OK", "ETag: \"1\"\r\n", content).ending(content.len() / 2, Ending::Close)
}

/// A part that claims to begin at this byte.
fn part(content: &[u8], from: usize, body: &[u8]) -> Reply {
    let range = format!("Content-Range: bytes {from}-{}/{}\r\n", content.len() - 1, content.len());
    Reply::sized("206 Partial Content", &format!("ETag: \"1\"\r\n{range}"), body)
}

/// Breaks off the first time, does this for range requests, and sends the whole file otherwise.
fn lie(content: &[u8], asked: &Asked, before: usize, when_asked_for_part: impl Fn(usize) -> Reply) -> Reply {
    match (before, asked.from) {
        (0, _) => cut(content),
        (_, Some(from)) => when_asked_for_part(from),
        _ => Reply::good(content, asked),
    }
}

fn reversed(content: &[u8]) -> Vec<u8> {
    content.iter().rev().copied().collect()
}

const BROKE_OFF: End = End::Failed("the transfer broke off");
const WRONG: End = End::Failed("Checksum validation failed");
const WRONG_SIZE: End = End::Failed("bytes under this name, the catalogue has");
const LOGIN_PAGE: End = End::Failed("sent a web page in place of the file");
const HTML: &str = "Content-Type: text/html; charset=utf-8\r\n";
const PAGE: &[u8] = b"<html>Please log in.</html>";

/// Everything a storage can answer over a connection that works.
const FAULTS: [Fault; 34] = [
    fault("cut", |content, _, _| cut(content), 2, BROKE_OFF),
    fault("cut-at-once", |_, _, _| Reply::raw(b"", b""), 2, End::Failed("connection closed")),
    fault(
        "cut-in-head",
        |_, _, _| Reply::raw(b"HTTP/1.1 200 OK\r\nContent-Len", b""),
        2,
        End::Failed("connection closed"),
    ),
    fault(
        "reset",
        |content, _, _| Reply::sized("200 OK", "", content).ending(9, Ending::Reset),
        2,
        End::Failed("onnection"),
    ),
    fault("reset-at-once", |_, _, _| Reply::raw(b"", b"").ending(0, Ending::Reset), 2, End::Failed("onnection")),
    fault("no-http", |_, _, _| Reply::raw(b"220 ftp ready\r\n", b""), 2, End::Failed("invalid HTTP")),
    fault("401", |_, _, _| refused("401 Unauthorized"), 1, End::Failed("the storage answered 401 Unauthorized")),
    fault("403", |_, _, _| refused("403 Forbidden"), 1, End::Failed("the storage answered 403 Forbidden")),
    fault("404", |_, _, _| refused("404 Not Found"), 1, End::Failed("the storage answered 404 Not Found")),
    fault("416", |_, _, _| refused("416 Range Not Satisfiable"), 1, End::Failed("the storage answered 416")),
    fault("429", |_, _, _| refused("429 Too Many Requests"), 2, End::Failed("429 Too Many Requests")),
    fault("500", |_, _, _| refused("500 Internal Server Error"), 2, End::Failed("500 Internal Server Error")),
    fault("502", |_, _, _| refused("502 Bad Gateway"), 2, End::Failed("502 Bad Gateway")),
    fault("503", |_, _, _| refused("503 Service Unavailable"), 2, End::Failed("503 Service Unavailable")),
    fault("504", |_, _, _| refused("504 Gateway Timeout"), 2, End::Failed("504 Gateway Timeout")),
    fault("endless", |_, _, _| Reply::sized("302 Found", "Location: endless\r\n", b""), 1, End::Failed("redirections")),
    fault(
        "507",
        |_, _, _| refused("507 Insufficient Storage"),
        1,
        End::Failed("the storage is full: it answered 507 Insufficient Storage"),
    ),
    fault("longer", |content, _, _| Reply::sized("200 OK", "", &[content, b"more"].concat()), 1, WRONG_SIZE),
    fault("shorter", |content, _, _| Reply::sized("200 OK", "", &content[1..]), 1, WRONG_SIZE),
    fault(
        "longer-untold",
        |content, _, _| Reply::bare("200 OK", "", &[content, b"more"].concat()),
        1,
        End::Failed("the storage sends more than the 15"),
    ),
    fault("page", |_, _, _| Reply::sized("200 OK", HTML, PAGE), 1, LOGIN_PAGE),
    fault("page-untold", |_, _, _| Reply::bare("200 OK", HTML, PAGE), 1, LOGIN_PAGE),
    fault("shorter-untold", |content, _, _| Reply::bare("200 OK", "", &content[1..]), 2, End::Failed("broke off")),
    fault("wrong", |content, _, _| Reply::sized("200 OK", "", &reversed(content)), 2, WRONG),
    fault("unasked-part", |content, _, _| part(content, 5, &content[5..]), 1, End::Failed("sent a part")),
    fault(
        "once-busy",
        |content, asked, before| match before {
            0 => refused("503 Service Unavailable"),
            _ => Reply::good(content, asked),
        },
        2,
        End::Arrived,
    ),
    fault(
        "once-cut",
        |content, asked, before| lie(content, asked, before, |_| Reply::good(content, asked)),
        2,
        End::Arrived,
    ),
    fault(
        "part-refused",
        |content, asked, before| lie(content, asked, before, |_| refused("416 Range Not Satisfiable")),
        3,
        End::Arrived,
    ),
    fault(
        "part-empty",
        |content, asked, before| lie(content, asked, before, |from| part(content, from, b"")),
        3,
        End::Arrived,
    ),
    fault(
        "part-empty-untold",
        |content, asked, before| {
            let range = |from| format!("Content-Range: bytes {from}-{}/{}\r\n", content.len() - 1, content.len());
            lie(content, asked, before, |from| Reply::bare("206 Partial Content", &range(from), b""))
        },
        3,
        End::Arrived,
    ),
    fault(
        "part-nonsense",
        |content, asked, before| {
            let range = |from| format!("Content-Range: bytes {from}--1/{}\r\n", content.len());
            lie(content, asked, before, |from| Reply::sized("206 Partial Content", &range(from), b""))
        },
        3,
        End::Arrived,
    ),
    fault(
        "part-is-whole",
        |content, asked, before| lie(content, asked, before, |_| Reply::sized("200 OK", "ETag: \"1\"\r\n", content)),
        2,
        End::Arrived,
    ),
    fault(
        "part-from-elsewhere",
        |content, asked, before| lie(content, asked, before, |from| part(content, from + 1, &content[from + 1..])),
        3,
        End::Arrived,
    ),
    fault(
        "part-of-another",
        |content, asked, before| lie(content, asked, before, |from| part(content, from, &reversed(&content[from..]))),
        3,
        End::Arrived,
    ),
];

fn content(name: &str) -> Vec<u8> {
    let number = FAULTS.iter().position(|fault| fault.name == name).unwrap_or(FAULTS.len());
    bytes(number, 150_000 + number)
}

/// A storage of its own for one fault, as several files at one storage would be taken for a crowd.
fn bad(fault: &'static Fault) -> Result<Store> {
    Store::start(move |asked, before| (fault.answer)(&content(fault.name), asked, before))
}

/// For each fault a file with only this source, and one that also has a good source.
#[test]
fn storage_responses_lead_to_retry_next_replica_and_reason() -> Result<()> {
    let good = Store::start(|asked, _| Reply::good(&content(asked.file.trim_end_matches("-saved")), asked))?;
    let (mut world, mut stores) = (DownloadFixture::new()?, HashMap::new());
    for fault in &FAULTS {
        let (alone, saved) = (format!("{}-alone", fault.name), format!("{}-saved", fault.name));
        let (only, first) = (bad(fault)?, bad(fault)?);
        world.file(&alone, &content(fault.name), &[&only.pfn(&alone)]);
        world.file(&saved, &content(fault.name), &[&first.pfn(&saved), &good.pfn(&saved)]);
        stores.insert(fault.name, only);
    }
    let outcome = world.download(&["--ndownloader", "12"])?;
    ended(&outcome, 76)?;
    for Fault { name, asked, end, .. } in &FAULTS {
        let (alone, saved) = (format!("{name}-alone"), format!("{name}-saved"));
        world.arrived(&saved).with_context(|| outcome.stderr.clone())?;
        let times = stores[name].asked(&alone).len();
        ensure!(times == *asked, "{name}: asked {times} times, not {asked}\n{}", outcome.stderr);
        match end {
            End::Arrived => world.arrived(&alone).with_context(|| outcome.stderr.clone())?,
            End::Failed(reason) => {
                let verdict = verdict(&outcome, &alone).with_context(|| format!("{name}: {}", outcome.stderr))?;
                ensure!(verdict.contains(reason), "{name}: {verdict}\n{}", outcome.stderr);
                ensure!(!world.place(&alone).exists(), "{name}");
            }
        }
    }
    let left = world.names()?.into_iter().filter(|name| !name.ends_with("-alone") && !name.ends_with("-saved"));
    ensure!(left.clone().next().is_none(), "left: {:?}", left.collect::<Vec<_>>());
    Ok(())
}

/// A busy storage sends Retry-After. Requests before that time are rejected.
#[test]
fn storage_that_is_busy_is_asked_again_when_it_says() -> Result<()> {
    let first = Mutex::<Option<Instant>>::default();
    let busy = Store::start(move |asked, _| {
        let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
        match first.get_or_insert_with(Instant::now).elapsed() >= Duration::from_secs(2) {
            true => Reply::good(&content(&asked.file), asked),
            false => Reply::sized("503 Service Unavailable", "Retry-After: 2\r\n", b"busy"),
        }
    })?;
    let mut world = DownloadFixture::new()?;
    world.file("f", &content("f"), &[&busy.pfn("f")]);
    ended(&world.download(&[])?, 0)?;
    world.arrived("f")?;
    ensure!(busy.asked("f").len() == 2, "{:?}", busy.asked("f"));
    Ok(())
}

/// A storage that stops sending costs two timeouts; meanwhile the other files are downloaded.
#[test]
fn storage_that_stalls_is_left_at_the_timeout() -> Result<()> {
    let silent = Store::start(|asked, _| {
        let content = content(&asked.file);
        let sent = if asked.file == "mute" { 0 } else { content.len() / 2 };
        Reply::sized("200 OK", "", &content).ending(sent, Ending::Stall)
    })?;
    let good = Store::start(|asked, _| Reply::good(&content(&asked.file), asked))?;
    let mut world = DownloadFixture::new()?;
    let wholly = Server::start(|_, _| Answer::silence())?;
    world.file("mute", &content("mute"), &[&silent.pfn("mute")]);
    world.file("wholly", &content("wholly"), &[&format!("{}/wholly", wholly.url())]);
    world.file("half", &content("half"), &[&silent.pfn("half"), &good.pfn("half")]);
    world.file("fine", &content("fine"), &[&good.pfn("fine")]);
    let outcome = world.download(&["--transfer-timeout", "3"])?;
    ended(&outcome, 76)?;
    for name in ["mute", "wholly"] {
        let verdict = verdict(&outcome, name).with_context(|| outcome.stderr.clone())?;
        ensure!(verdict.contains("the transfer took longer than 3s"), "{verdict}");
    }
    ensure!((silent.asked("half").len(), silent.asked("mute").len()) == (2, 2));
    world.arrived("half")?;
    world.arrived("fine")?;
    ensure!(world.names()? == ["fine", "half"], "{:?}", world.names()?);
    Ok(())
}

/// Hosts that do not exist or do not answer, and what is not the TLS that it should be.
#[test]
fn storage_without_a_connection_is_left_for_the_next_replica() -> Result<()> {
    let strangers = Server::start(|_, _| Answer::new(200, "", "stranger"))?;
    let stranger = TlsFront::start(&strangers, &CertificateFixture::self_signed("localhost")?)?;
    let good = Store::start(|asked, _| Reply::good(&content(&asked.file), asked))?;
    let closed = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let cases = [
        ("no-host", "http://nosuch.invalid/f".to_owned(), "the address of nosuch.invalid cannot be found"),
        ("no-port", format!("http://{closed}/f"), "refused"),
        ("stranger", format!("{}/f", stranger.url()), "certificate"),
        ("no-tls", format!("https://{}/f", good.address()), "does not speak TLS"),
    ];
    let mut world = DownloadFixture::new()?;
    for (name, pfn, _) in &cases {
        world.file(&format!("{name}-alone"), &content(name), &[pfn]);
        world.file(&format!("{name}-saved"), &content(name), &[pfn, &good.pfn(name)]);
    }
    let outcome = world.download(&["--ndownloader", "8"])?;
    ended(&outcome, 76)?;
    for (name, _, reason) in &cases {
        world.arrived(&format!("{name}-saved"))?;
        let verdict = verdict(&outcome, &format!("{name}-alone")).with_context(|| outcome.stderr.clone())?;
        ensure!(verdict.contains(reason), "{name}: {verdict}");
    }
    ensure!(world.names()?.len() == cases.len(), "{:?}", world.names()?);
    Ok(())
}

/// Commands exit with 1, legacy commands with the code for no files.
#[test]
fn storage_exit_codes_tell_none_from_some() -> Result<()> {
    let store = Store::start(|_, _| Reply::sized("404 Not Found", "", b""))?;
    let mut world = DownloadFixture::new()?;
    world.file("f", b"content", &[&store.pfn("f")]);
    ended(&world.download(&[])?, 75)?;
    ended(&world.download(&["--no-show-download-exceptions"])?, 0)?;
    let document = world.home.path().join("all.meta4");
    let download = world.client().args(["download", "--metalink", &document.to_string_lossy()]);
    ended(&download.run()?, 1)
}

/// A storage elsewhere, here behind a proxy, cannot make the client send requests to services of its own machine.
#[test]
fn storage_elsewhere_may_not_redirect_to_this_machine() -> Result<()> {
    let inside = Server::start(|_, _| Answer::new(200, "", "Wikipedia"))?;
    let location = format!("Location: {}/f\r\n", inside.url());
    let proxy = Server::start(move |_, _| Answer::new(302, &location, ""))?;
    let mut world = DownloadFixture::new()?;
    world.file("f", b"Wikipedia", &["http://door.example/f"]);
    let outcome = world.rucio(&[])?.env("http_proxy", proxy.url()).env("no_proxy", "127.0.0.1").run()?;
    ended(&outcome, 75)?;
    let reason = "door.example may not redirect to this machine or its link";
    ensure!(verdict(&outcome, "f").is_some_and(|verdict| verdict.contains(reason)), "{}", outcome.stderr);
    ensure!(inside.heard().is_empty(), "{:?}", inside.heard());
    ensure!(proxy.heard().len() == 1, "{:?}", proxy.heard());
    Ok(())
}
