//! Faults inside TLS: connections that end without a shutdown, in the middle of a record, or with damaged bytes.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use openssl::ssl::{SslAcceptor, SslMethod, SslStream};
use rustix::net::sockopt::set_socket_linger;

use crate::fixtures::download::{DownloadFixture, bytes};
use crate::fixtures::download::{ended, verdict};
use crate::fixtures::{CertificateFixture, TODAY, Use};

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// TLS is closed in order.
    Orderly,
    /// The connection is closed without a TLS shutdown: an attacker could truncate a file like this.
    Unsaid,
    /// The same, in the middle of a record.
    InRecord,
    /// The connection is reset.
    Reset,
    /// A byte of the last record is another one.
    Spoiled,
}

/// What is sent of a file: with its length or without, so many bytes, and the end.
#[derive(Debug, Clone, Copy)]
struct Sent {
    announced: bool,
    bytes: usize,
    end: End,
}

const SIZE: usize = 150_000;
const ALL: Sent = Sent { announced: true, bytes: SIZE, end: End::Orderly };

const fn cut(end: End) -> Sent {
    Sent { announced: true, bytes: SIZE / 2, end }
}

/// What a file meets, the first time and later.
fn sent(name: &str, before: usize) -> Sent {
    let unannounced = |end| Sent { announced: false, end, ..ALL };
    match (name, before) {
        ("unsaid", _) | ("unsaid-once", 0) => cut(End::Unsaid),
        ("in-record", _) | ("in-record-once", 0) => cut(End::InRecord),
        ("reset", _) | ("reset-once", 0) => cut(End::Reset),
        ("spoiled", _) | ("spoiled-once", 0) => cut(End::Spoiled),
        ("unannounced-unsaid" | "unknown-unsaid", _) => unannounced(End::Unsaid),
        ("unknown-orderly", _) => unannounced(End::Orderly),
        _ => ALL,
    }
}

/// The wire below TLS, on which only so many bytes more pass, or one of them changes.
#[derive(Debug)]
struct Wire {
    stream: TcpStream,
    rest: Option<usize>,
    spoils: bool,
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }
}

impl Write for Wire {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let mut buffer = buffer.to_vec();
        if let (true, Some(byte)) = (self.spoils, buffer.get_mut(100)) {
            *byte ^= 1;
        }
        let Some(rest) = &mut self.rest else { return self.stream.write_all(&buffer).map(|()| buffer.len()) };
        let length = buffer.len().min(*rest);
        *rest -= length;
        match length {
            0 => Err(io::ErrorKind::BrokenPipe.into()),
            _ => self.stream.write_all(&buffer[..length]).map(|()| length),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// A storage that speaks TLS. It ends with the test process. `HttpServer` cannot break what lies below its responses.
struct TlsStore {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl TlsStore {
    fn of(host: &CertificateFixture) -> Result<Self> {
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls())?;
        acceptor.set_private_key(&host.key)?;
        acceptor.set_certificate(&host.certificate)?;
        let (acceptor, listener) = (acceptor.build(), TcpListener::bind("127.0.0.1:0")?);
        let store = Self { port: listener.local_addr()?.port(), asked: Arc::default() };
        let asked = store.asked.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (acceptor, asked) = (acceptor.clone(), asked.clone());
                thread::spawn(move || {
                    let wire = Wire { stream, rest: None, spoils: false };
                    // The client may have gone; that is its right.
                    let Ok(stream) = acceptor.accept(wire) else { return };
                    let _ = serve(stream, &asked);
                });
            }
        });
        Ok(store)
    }

    fn pfn(&self, name: &str) -> String {
        format!("https://localhost:{}/{name}", self.port)
    }

    /// Number of requests for a file.
    fn asked(&self, name: &str) -> usize {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.iter().filter(|one| *one == name).count()
    }
}

fn serve(mut stream: SslStream<Wire>, asked: &Mutex<Vec<String>>) -> Result<()> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let head = String::from_utf8(head)?.to_ascii_lowercase();
    let name = head.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
    let from = head.lines().find_map(|line| line.strip_prefix("range: bytes="));
    let from = from.and_then(|from| from.trim().trim_end_matches('-').parse().ok()).unwrap_or(0);
    let before = {
        let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.push(name.clone());
        asked.iter().filter(|one| **one == name).count() - 1
    };
    answer(stream, &content(&name), from, sent(&name, before))
}

/// Sends it; the fault is in the last chunk.
fn answer(mut stream: SslStream<Wire>, content: &[u8], from: usize, sent: Sent) -> Result<()> {
    let status = if from == 0 { "200 OK" } else { "206 Partial Content" };
    let mut head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nETag: \"1\"\r\n");
    if from > 0 {
        head.push_str(&format!("Content-Range: bytes {from}-{}/{SIZE}\r\n", SIZE - 1));
    }
    if sent.announced {
        head.push_str(&format!("Content-Length: {}\r\n", SIZE - from));
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    let body = &content[from.min(sent.bytes)..sent.bytes];
    let (first, last) = body.split_at(body.len() - body.len().min(1000));
    stream.write_all(first)?;
    match sent.end {
        End::InRecord => stream.get_mut().rest = Some(500),
        End::Spoiled => stream.get_mut().spoils = true,
        _ => {}
    }
    // Beyond the middle of a record nothing can be written; that is meant.
    let _ = stream.write_all(last);
    if sent.end == End::Orderly {
        stream.shutdown()?;
    }
    let wire = &stream.get_ref().stream;
    if sent.end == End::Reset {
        // What was sent has time to be read: a reset throws away what was not.
        thread::sleep(Duration::from_millis(50));
        set_socket_linger(wire, Some(Duration::ZERO))?;
        return Ok(());
    }
    Ok(wire.shutdown(Shutdown::Both)?)
}

fn content(name: &str) -> Vec<u8> {
    bytes(name.len(), SIZE)
}

#[test]
fn tls_that_breaks_is_resumed_or_given_up_but_never_taken_for_the_end() -> Result<()> {
    let authority = CertificateFixture::unknown_authority()?;
    let store = TlsStore::of(&authority.sign(&["CN=localhost"], TODAY, Use::Server("localhost"))?)?;
    let broken = ["unsaid", "in-record", "reset", "spoiled"];
    let recovered = ["unsaid-once", "in-record-once", "reset-once", "spoiled-once", "unannounced-unsaid"];
    let mut world = DownloadFixture::new()?;
    for name in broken.iter().chain(&recovered) {
        world.file(name, &content(name), &[&store.pfn(name)]);
    }
    for name in ["unknown-unsaid", "unknown-orderly"] {
        world.described(name, "", &[&store.pfn(name)]);
    }
    let (folder, _) = authority.hashed_folder(&world.home)?;
    let download = world.rucio(&["--ndownloader", "12"])?.env("X509_CERT_DIR", &folder.to_string_lossy());
    let outcome = download.run()?;
    ended(&outcome, 76)?;
    for name in broken {
        let verdict = verdict(&outcome, name).with_context(|| format!("{name}: {}", outcome.stderr))?;
        ensure!(verdict.contains("broke off") || verdict.contains("connection"), "{name}: {verdict}");
        ensure!(store.asked(name) == 2, "{name}: asked {} times", store.asked(name));
    }
    for name in recovered {
        world.arrived(name).with_context(|| outcome.stderr.clone())?;
        ensure!(store.asked(name) <= 2, "{name}: asked {} times", store.asked(name));
    }
    // If size and checksum are unknown, a connection that just ends may have truncated the file.
    ensure!(verdict(&outcome, "unknown-unsaid").is_some(), "{}", outcome.stderr);
    ensure!(std::fs::read(world.place("unknown-orderly"))? == content("unknown-orderly"));
    let names: Vec<_> = recovered.iter().copied().chain(["unknown-orderly"]).collect();
    ensure!(world.names()?.iter().all(|name| names.contains(&name.as_str())), "{:?}", world.names()?);
    Ok(())
}

/// Storages are verified by the same rules as the server, also with CAs that are only in the grid's folder.
#[test]
fn tls_storage_of_an_unfit_ca_is_not_trusted() -> Result<()> {
    let parts = ["O=Testbed", "CN=localhost"];
    let (today, server) = (TODAY, Use::Server("localhost"));
    let pinned = CertificateFixture::signed_by_itself(&["CN=Pinned"], today, server)?;
    let old = CertificateFixture::signed_by_itself(&["CN=Old"], (-9, -1), Use::Authority)?;
    let good = CertificateFixture::signed_by_itself(&["CN=Good"], today, Use::Authority)?;
    let mut world = DownloadFixture::new()?;
    let (folder, _) = CertificateFixture::unknown_authority()?.hashed_folder(&world.home)?;
    let mut files = Vec::new();
    for (name, authority) in [("pinned", &pinned), ("old", &old), ("good", &good)] {
        let store = TlsStore::of(&authority.sign(&parts, today, server)?)?;
        world.file(name, &content(name), &[&store.pfn(name)]);
        let (_, hash) = authority.hashed_folder(&world.home)?;
        files.push(folder.join(format!("{hash}0")));
    }
    let outcome = world.rucio(&[])?.env("X509_CERT_DIR", &folder.to_string_lossy()).run()?;
    for (name, file, why) in [
        ("pinned", &files[0], "(CN=Pinned) is not used: it is not the certificate of a CA"),
        ("old", &files[1], "(CN=Old) is not used: it expired on 20"),
    ] {
        let expected = format!("CA certificate {} {why}", file.display());
        let verdict = verdict(&outcome, name).with_context(|| format!("{name}: {}", outcome.stderr))?;
        ensure!(verdict.contains(&expected), "{expected:?} is not in {verdict}");
        let warnings = outcome.stderr.matches(&format!("WARNING\tThe {expected}")).count();
        ensure!(warnings == 1, "{warnings} warnings of {name}: {}", outcome.stderr);
    }
    world.arrived("good").with_context(|| outcome.stderr.clone())
}
