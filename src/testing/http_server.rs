//! An HTTP server on loopback for tests: it sends what a test wants, down to the last byte before the connection breaks, and
//! remembers what it was asked. The unit tests and both binaries of integration tests (`tests/fixtures`) use this file.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Method and path: `GET /ping`.
    pub(crate) request: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Number of requests that are being answered at this moment, this one included.
    pub(crate) concurrent: usize,
}

impl Request {
    /// Returns the value of a header, in any spelling of its name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Returns the names of all headers as the client spelled them.
    pub(crate) fn header_names(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().map(|(name, _)| name.as_str())
    }

    /// Returns request line and headers.
    pub(crate) fn head(&self) -> String {
        let headers = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        format!("{} HTTP/1.1\r\n{}\r\n", self.request, headers.collect::<String>())
    }

    /// Returns `None` if the connection ends before the request does, or if it is not HTTP (but TLS, for example).
    /// When the body is read depends on `bodies`.
    fn read(mut stream: &TcpStream, bodies: Bodies) -> Option<Self> {
        let mut reader = BufReader::new(stream);
        if !reader.fill_buf().ok()?.first()?.is_ascii_uppercase() {
            return None;
        }
        // In Latin-1, as web servers read headers.
        let mut line = || {
            let mut line = Vec::new();
            let length = reader.read_until(b'\n', &mut line).ok().filter(|length| *length > 0);
            length.map(|_| line.trim_ascii_end().iter().copied().map(char::from).collect::<String>())
        };
        let request = line()?.trim_end_matches(" HTTP/1.1").to_owned();
        let lines = std::iter::from_fn(line).take_while(|line| !line.is_empty());
        let headers = lines
            .filter_map(|line| line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned())))
            .collect();
        let mut request = Self { request, headers, body: Vec::new(), concurrent: 0 };
        if bodies == Bodies::Continued && request.header("expect") == Some("100-continue") {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
        }
        let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let length = if bodies == Bodies::AfterAnswer { reader.buffer().len() as u64 } else { length };
        reader.take(length).read_to_end(&mut request.body).ok()?;
        Some(request)
    }
}

/// When a server reads the bodies of requests.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Bodies {
    /// Before it responds.
    #[default]
    BeforeAnswer,
    /// The same, and asks for them with a response 100 where the client expects one.
    Continued,
    /// After it has responded.
    AfterAnswer,
}

/// How a response ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The connection is closed.
    Close,
    /// The connection is reset.
    Reset,
    /// Nothing more is sent, and the connection stays open.
    Stall,
    /// The connection stays open until the client sends another request, and is closed then.
    CloseLate,
}

/// A response. Each is sent on a connection of its own.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    head: Vec<u8>,
    body: Vec<u8>,
    /// How often the body is sent.
    times: usize,
    delay: Duration,
    piece: usize,
    pause: Duration,
    ending: Ending,
}

impl Response {
    /// Creates a response with the length of its body: `sized("200 OK", "ETag: 1\\r\\n", b"hello")`. `headers` are lines, each ended by `\r\n`.
    pub(crate) fn sized(status: &str, headers: &str, body: &[u8]) -> Self {
        Self::bare(status, &format!("Content-Length: {}\r\n{headers}", body.len()), body)
    }

    /// Creates a response with no other headers than these.
    pub(crate) fn bare(status: &str, headers: &str, body: &[u8]) -> Self {
        Self::raw(format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n").as_bytes(), body)
    }

    /// Creates a response of these bytes, whether or not they are HTTP.
    pub(crate) fn raw(head: &[u8], body: &[u8]) -> Self {
        Self {
            head: head.to_vec(),
            body: body.to_vec(),
            times: 1,
            delay: Duration::ZERO,
            piece: usize::MAX,
            pause: Duration::ZERO,
            ending: Ending::Close,
        }
    }

    /// Sends nothing and leaves the connection open.
    pub(crate) fn silence() -> Self {
        Self::raw(b"", b"").ending(0, Ending::Stall)
    }

    /// Waits before the first byte.
    pub(crate) fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// Pauses after each `piece` bytes of the body.
    pub(crate) fn slowly(self, piece: usize, pause: Duration) -> Self {
        Self { piece, pause, ..self }
    }

    /// Sends the body so many times.
    pub(crate) fn repeated(self, times: usize) -> Self {
        Self { times, ..self }
    }

    /// Sends no more than `length` bytes of the body and ends like this.
    pub(crate) fn ending(mut self, length: usize, ending: Ending) -> Self {
        self.body.truncate(length);
        Self { ending, ..self }
    }

    fn send(&self, mut stream: TcpStream) -> io::Result<()> {
        thread::sleep(self.delay);
        stream.write_all(&self.head)?;
        for _ in 0..self.times {
            for piece in self.body.chunks(self.piece) {
                stream.write_all(piece)?;
                thread::sleep(self.pause);
            }
        }
        match self.ending {
            Ending::Close => Ok(()),
            Ending::Reset => Ok(set_socket_linger(&stream, Some(Duration::ZERO))?),
            Ending::CloseLate => stream.read(&mut [0]).map(drop),
            Ending::Stall => io::copy(&mut stream, &mut io::sink()).map(drop),
        }
    }
}

/// A server on a port of its own, which answers until it is dropped.
#[derive(Debug)]
pub(crate) struct HttpServer {
    address: String,
    record: Arc<Record>,
}

/// What a server has received and sent.
#[derive(Debug, Default)]
struct Record {
    requests: Mutex<Vec<Request>>,
    answered: Mutex<Vec<String>>,
    concurrent: AtomicUsize,
    stopped: AtomicBool,
    bodies: Bodies,
    body_bytes: AtomicUsize,
}

impl HttpServer {
    /// Starts a server. `answer` gets each request, and how many with the same method and path came before.
    pub(crate) fn start(answer: impl Fn(&Request, usize) -> Response + Send + Sync + 'static) -> io::Result<Self> {
        Self::reading(Bodies::BeforeAnswer, answer)
    }

    /// Starts a server that asks for a body with a response 100 where the client expects one.
    pub(crate) fn continuing(answer: impl Fn(&Request, usize) -> Response + Send + Sync + 'static) -> io::Result<Self> {
        Self::reading(Bodies::Continued, answer)
    }

    fn reading(
        bodies: Bodies,
        answer: impl Fn(&Request, usize) -> Response + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let record = Arc::new(Record { bodies, ..Record::default() });
        let server = Self { address: listener.local_addr()?.to_string(), record };
        let (record, answer) = (server.record.clone(), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten().take_while(|_| !record.stopped.load(Ordering::Relaxed)) {
                let (record, answer) = (record.clone(), answer.clone());
                thread::spawn(move || record.serve(stream, &*answer));
            }
        });
        Ok(server)
    }

    /// Starts a server that responds as soon as it has received the headers of a request.
    pub(crate) fn before_bodies(
        answer: impl Fn(&Request, usize) -> Response + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::reading(Bodies::AfterAnswer, answer)
    }

    /// Returns the number of bytes received after the headers of all requests.
    pub(crate) fn body_bytes(&self) -> usize {
        self.record.body_bytes.load(Ordering::Relaxed)
    }

    /// Returns `127.0.0.1:port`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn port(&self) -> &str {
        self.address.rsplit(':').next().unwrap_or_default()
    }

    /// Returns `http://127.0.0.1:port`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns all requests, in the order in which they came.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.record.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a client has received the whole response to this request, apart from a few MB in the system's buffers.
    pub(crate) fn has_answered(&self, request: &str) -> bool {
        self.record.answered.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|one| one == request)
    }
}

/// Closes the port; otherwise the tests of one process would run out of file descriptors.
impl Drop for HttpServer {
    fn drop(&mut self) {
        self.record.stopped.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(&self.address);
    }
}

impl Record {
    fn serve(&self, mut stream: TcpStream, answer: &(dyn Fn(&Request, usize) -> Response + Send + Sync)) {
        let Some(request) = Request::read(&stream, self.bodies) else {
            return drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"));
        };
        let request = Request { concurrent: self.concurrent.fetch_add(1, Ordering::Relaxed) + 1, ..request };
        let before = {
            let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
            requests.push(request.clone());
            requests.iter().filter(|other| other.request == request.request).count() - 1
        };
        self.body_bytes.fetch_add(request.body.len(), Ordering::Relaxed);
        let rest = if self.bodies == Bodies::AfterAnswer { stream.try_clone().ok() } else { None };
        // The client may close the connection at any time.
        if answer(&request, before).send(stream).is_ok() {
            self.answered.lock().unwrap_or_else(PoisonError::into_inner).push(request.request);
        }
        if let Some(mut rest) = rest {
            let bytes = io::copy(&mut rest, &mut io::sink()).unwrap_or_default();
            self.body_bytes.fetch_add(bytes as usize, Ordering::Relaxed);
        }
        self.concurrent.fetch_sub(1, Ordering::Relaxed);
    }
}
