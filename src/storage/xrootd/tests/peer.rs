//! An XRootD server on loopback that plays frames: a test says what it sends to which request.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::lock::lock;
use crate::storage::Pfn;

pub(super) const AUTH: u16 = 3000;
pub(super) const LOGIN: u16 = 3007;
pub(super) const CHECKSUM: u16 = 3001;
pub(super) const CLOSE: u16 = 3003;
pub(super) const CREATE_FOLDER: u16 = 3008;
pub(super) const RENAME: u16 = 3009;
pub(super) const DELETE: u16 = 3014;
pub(super) const STAT: u16 = 3017;
pub(super) const WRITE: u16 = 3019;
pub(super) const OPEN: u16 = 3010;
pub(super) const READ: u16 = 3013;
pub(super) const PROTOCOL: u16 = 3006;

pub(super) const OK: u16 = 0;
pub(super) const PARTIAL: u16 = 4000;
pub(super) const ATTENTION: u16 = 4001;
pub(super) const ERROR: u16 = 4003;
pub(super) const REDIRECT: u16 = 4004;
pub(super) const WAIT: u16 = 4005;
pub(super) const DEFERRED: u16 = 4006;

/// Maximum length of a request.
const MAX_REQUEST: usize = 16 * 1024 * 1024;

/// A request that the peer has received.
#[derive(Debug, Clone)]
pub(super) struct Received {
    /// Number of its connection, from 0.
    pub(super) connection: usize,
    pub(super) stream: u16,
    pub(super) number: u16,
    parameters: [u8; 16],
    pub(super) data: String,
    /// Number of bytes of the data.
    pub(super) length: usize,
}

impl Received {
    /// Returns the options of an open.
    pub(super) fn options(&self) -> u16 {
        u16::from_be_bytes([self.parameters[2], self.parameters[3]])
    }

    /// Returns the flags of a protocol request.
    pub(super) fn flags(&self) -> u8 {
        self.parameters[4]
    }

    /// Returns offset and length of a read.
    pub(super) fn range(&self) -> (usize, usize) {
        let offset = u64::from_be_bytes(self.parameters[4..12].try_into().unwrap());
        let length = u32::from_be_bytes(self.parameters[12..].try_into().unwrap());
        (usize::try_from(offset).unwrap(), length as usize)
    }

    /// Returns a response to it.
    pub(super) fn answer(&self, status: u16, body: &[u8]) -> Step {
        Step::Send(frame(self.stream, status, body))
    }

    /// Returns a response that starts with a number.
    pub(super) fn numbered(&self, status: u16, number: i32, text: &str) -> Step {
        self.answer(status, &[&number.to_be_bytes(), text.as_bytes()].concat())
    }

    /// Returns the bytes of the file that it asks for.
    pub(super) fn bytes(&self, content: &[u8]) -> Vec<u8> {
        let (start, length) = self.range();
        content[start.min(content.len())..(start + length).min(content.len())].to_vec()
    }
}

/// What the peer does next.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Send(Vec<u8>),
    Pause(Duration),
    /// Closes the connection.
    Cut,
}

/// Returns the bytes of a response.
pub(super) fn frame(stream: u16, status: u16, body: &[u8]) -> Vec<u8> {
    let length = body.len() as u32;
    [&stream.to_be_bytes()[..], &status.to_be_bytes(), &length.to_be_bytes(), body].concat()
}

/// Returns the response to an open of a file of this size.
pub(super) fn opened(size: usize) -> Vec<u8> {
    [&b"\0\0\0\x05\0\0\0\0\0\0\0\0"[..], format!("1 {size} 16 1700000000\0").as_bytes()].concat()
}

/// Returns a file of this size.
pub(super) fn content(size: usize) -> Vec<u8> {
    (0..size).map(|place| (place / 3 + (place >> 16)) as u8).collect()
}

/// A running peer.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) port: u16,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Peer {
    /// Starts a peer on 127.0.0.1 that serves this file and does what `script` says: `None` is the usual response.
    pub(super) async fn start(
        content: Vec<u8>,
        script: impl FnMut(&Received) -> Option<Vec<Step>> + Send + 'static,
    ) -> Self {
        Self::start_on("127.0.0.1:0", content, script).await
    }

    pub(super) async fn start_on(
        address: &str,
        content: Vec<u8>,
        script: impl FnMut(&Received) -> Option<Vec<Step>> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (received, script) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(script)));
        let seen = received.clone();
        let content = Arc::new(content);
        tokio::spawn(async move {
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let (seen, script, content) = (seen.clone(), script.clone(), content.clone());
                tokio::spawn(async move {
                    let respond = |request: &Received| {
                        lock(&seen).push(request.clone());
                        let steps = (*lock(&script))(request);
                        steps.unwrap_or_else(|| vec![usual(request, &content)])
                    };
                    // The client may close the connection at any time.
                    let _ = serve(stream, connection, respond).await;
                });
            }
        });
        Self { port, received }
    }

    /// Returns the PFN of the file.
    pub(super) fn pfn(&self) -> Pfn {
        format!("root://127.0.0.1:{}//file", self.port).into()
    }

    /// Returns the requests with this number.
    pub(super) fn received(&self, number: u16) -> Vec<Received> {
        lock(&self.received).iter().filter(|one| one.number == number).cloned().collect()
    }
}

async fn serve(
    mut stream: TcpStream,
    connection: usize,
    mut respond: impl FnMut(&Received) -> Vec<Step>,
) -> std::io::Result<()> {
    stream.read_exact(&mut [0; 20]).await?;
    stream.write_all(&frame(0, OK, &[0, 0, 5, 0x11, 0, 0, 0, 1])).await?;
    loop {
        let mut head = [0; 24];
        stream.read_exact(&mut head).await?;
        let word = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
        let length = u32::from_be_bytes(head[20..].try_into().unwrap()) as usize;
        if length > MAX_REQUEST {
            // The beginning of a TLS handshake, for example.
            return Ok(());
        }
        let mut data = vec![0; length];
        stream.read_exact(&mut data).await?;
        let parameters = head[4..20].try_into().unwrap();
        let data = String::from_utf8_lossy(&data).into_owned();
        let request = Received { connection, stream: word(0), number: word(2), parameters, data, length };
        for step in respond(&request) {
            match step {
                Step::Send(bytes) => stream.write_all(&bytes).await?,
                Step::Pause(time) => tokio::time::sleep(time).await,
                Step::Cut => return Ok(()),
            }
        }
    }
}

/// Returns what a server without faults answers.
fn usual(request: &Received, content: &[u8]) -> Step {
    match request.number {
        PROTOCOL => request.answer(OK, &[0, 0, 5, 0x11, 0, 0, 0, 1]),
        LOGIN => request.answer(OK, &[7; 16]),
        OPEN => request.answer(OK, &opened(content.len())),
        READ => request.answer(OK, &request.bytes(content)),
        _ => request.answer(OK, b""),
    }
}
