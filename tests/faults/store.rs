//! A storage on its bad days: it speaks HTTP by hand, down to the last byte before the connection breaks.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Result;

/// A request as it came.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// The file, without the slash in front.
    pub(super) file: String,
    /// The first byte that was asked for, if not the whole file was.
    pub(super) from: Option<usize>,
    /// The last one, if not all to the end were.
    pub(super) last: Option<usize>,
    /// How many requests are being answered at this moment, this one among them.
    pub(super) at_once: usize,
}

impl Asked {
    /// The last byte that is wanted of a file of this length.
    pub(super) fn last(&self, length: usize) -> usize {
        self.last.unwrap_or(usize::MAX).min(length.saturating_sub(1))
    }
}

/// How an answer ends.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ending {
    /// The connection is closed in order.
    Close,
    /// The connection is reset.
    Reset,
    /// Nothing more comes, and the connection stays open.
    Stall,
}

/// What is sent back.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    head: String,
    body: Vec<u8>,
    pause: Duration,
    ending: Ending,
}

/// How much of a body is sent between two pauses.
const PIECE: usize = 64 * 1024;

impl Reply {
    /// An answer whose length is that of its body. `headers` are lines, each ended by `\r\n`.
    pub(super) fn new(status: &str, headers: &str, body: &[u8]) -> Self {
        Self::bare(status, &format!("Content-Length: {}\r\n{headers}", body.len()), body)
    }

    /// An answer with no other headers than these.
    pub(super) fn bare(status: &str, headers: &str, body: &[u8]) -> Self {
        Self::raw(&format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n"), body)
    }

    /// These bytes, whatever they mean.
    pub(super) fn raw(head: &str, body: &[u8]) -> Self {
        Self { head: head.to_owned(), body: body.to_vec(), pause: Duration::ZERO, ending: Ending::Close }
    }

    /// What a good storage sends: the whole file, or the rest that was asked for.
    pub(super) fn good(content: &[u8], asked: &Asked) -> Self {
        match asked.from {
            None => Self::new("200 OK", "ETag: \"1\"\r\n", content),
            Some(from) if from < content.len() => {
                let last = asked.last(content.len());
                let range = format!("Content-Range: bytes {from}-{last}/{}\r\n", content.len());
                Self::new("206 Partial Content", &format!("ETag: \"1\"\r\n{range}"), &content[from..=last])
            }
            Some(_) => Self::new("416 Range Not Satisfiable", "", b""),
        }
    }

    /// The same, but after so many bytes of the body it ends like this.
    pub(super) fn ending(mut self, after: usize, ending: Ending) -> Self {
        self.body.truncate(after);
        Self { ending, ..self }
    }

    /// The same with a pause behind each 64 KiB.
    pub(super) fn slowly(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }
}

/// The storage, on a port of its own. It ends with the test process.
#[derive(Debug)]
pub(super) struct Store {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Store {
    /// Starts it. `answer` gets each request, and how many came for the same file before.
    pub(super) fn start(answer: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let store = Self { port: listener.local_addr()?.port(), asked: Arc::default() };
        let (asked, answer, busy) = (store.asked.clone(), Arc::new(answer), Arc::new(AtomicUsize::new(0)));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (asked, answer, busy) = (asked.clone(), answer.clone(), busy.clone());
                thread::spawn(move || serve(stream, &asked, &busy, &*answer));
            }
        });
        Ok(store)
    }

    /// A storage that has these files and does nothing wrong, though it takes its time.
    pub(super) fn good(files: HashMap<String, Vec<u8>>, pause: Duration) -> Result<Self> {
        Self::start(move |asked, _| match files.get(&asked.file) {
            Some(content) => Reply::good(content, asked).slowly(pause),
            None => Reply::new("404 Not Found", "", b""),
        })
    }

    /// `127.0.0.1:port`.
    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where a file is.
    pub(super) fn pfn(&self, file: &str) -> String {
        format!("http://{}/{file}", self.address())
    }

    /// What it was asked about a file, in order.
    pub(super) fn asked(&self, file: &str) -> Vec<Asked> {
        let all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter(|asked| asked.file == file).cloned().collect()
    }
}

fn serve(
    mut stream: TcpStream,
    all: &Mutex<Vec<Asked>>,
    busy: &AtomicUsize,
    answer: &(dyn Fn(&Asked, usize) -> Reply + Send + Sync),
) {
    let Some(asked) = read(&mut stream) else { return drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")) };
    let asked = Asked { at_once: busy.fetch_add(1, Ordering::Relaxed) + 1, ..asked };
    let before = {
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(asked.clone());
        all.iter().filter(|other| other.file == asked.file).count() - 1
    };
    // The client may have gone; that is its right.
    let _ = send(stream, &answer(&asked, before));
    busy.fetch_sub(1, Ordering::Relaxed);
}

fn send(mut stream: TcpStream, reply: &Reply) -> std::io::Result<()> {
    stream.write_all(reply.head.as_bytes())?;
    for piece in reply.body.chunks(PIECE) {
        stream.write_all(piece)?;
        thread::sleep(reply.pause);
    }
    match reply.ending {
        Ending::Close => {
            drain(&mut stream)?;
            stream.shutdown(Shutdown::Both)
        }
        // The end of the request has not been read; closed like this, the connection is reset.
        Ending::Reset => Ok(()),
        Ending::Stall => std::io::copy(&mut stream, &mut std::io::sink()).map(drop),
    }
}

/// Reads a request but for its last byte; none if it is no HTTP.
fn read(stream: &mut TcpStream) -> Option<Asked> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r") {
        stream.read_exact(&mut byte).ok()?;
        head.extend(byte);
        if !head[0].is_ascii_uppercase() {
            return None;
        }
    }
    let text = String::from_utf8(head).ok()?.to_ascii_lowercase();
    let mut lines = text.lines();
    let file = lines.next()?.split(' ').nth(1)?.trim_start_matches('/').to_owned();
    let range = lines.find_map(|line| line.strip_prefix("range: bytes="));
    let (from, last) = range.and_then(|range| range.trim().split_once('-')).unzip();
    Some(Asked {
        file,
        from: from.and_then(|from| from.parse().ok()),
        last: last.and_then(|last| last.parse().ok()),
        at_once: 0,
    })
}

fn drain(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.read_exact(&mut [0])
}
