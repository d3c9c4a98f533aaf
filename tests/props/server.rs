//! A server that answers just what a test wants: for what the real one does only on bad days.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::Result;

use super::{Home, wait_for};
use crate::support::Rucio;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    /// `GET /ping`.
    pub(crate) request: String,
    headers: Vec<(String, String)>,
    /// What came behind the headers.
    pub(crate) body: Vec<u8>,
}

impl Heard {
    /// The value of a header, by its lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether it asks for a token.
    fn is_login(&self) -> bool {
        self.request.starts_with("GET /auth/") && self.request != "GET /auth/validate"
    }

    fn read(stream: &TcpStream) -> Option<Self> {
        let mut reader = BufReader::new(stream);
        let mut line = || {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|length| *length > 0).map(|_| line.trim_end().to_owned())
        };
        let request = line()?.trim_end_matches(" HTTP/1.1").to_owned();
        let lines = std::iter::from_fn(line).take_while(|line| !line.is_empty());
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(':').map(|(name, value)| (name.to_lowercase(), value.trim().to_owned())))
            .collect();
        let mut heard = Self { request, headers, body: Vec::new() };
        let length = heard.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        reader.take(length).read_to_end(&mut heard.body).ok()?;
        Some(heard)
    }
}

/// What is sent back; the connection is closed behind it.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// These bytes.
    Bytes(Vec<u8>),
    /// Nothing, for ever.
    Silence,
}

impl Answer {
    /// A whole answer. `headers` are lines, each ended by `\r\n`.
    pub(crate) fn new(status: u16, headers: &str, body: &str) -> Self {
        let head = format!("HTTP/1.1 {status} Answer\r\nContent-Length: {}\r\n", body.len());
        Self::Bytes(format!("{head}Connection: close\r\n{headers}\r\n{body}").into_bytes())
    }

    /// A success with this JSON.
    pub(crate) fn json(body: &str) -> Self {
        Self::new(200, "Content-Type: application/json\r\n", body)
    }

    /// The beginning of a list in chunks that breaks off: the chunk that ends it never comes.
    pub(crate) fn cut(lines: &str) -> Self {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-json-stream\r\nTransfer-Encoding: chunked\r\n";
        let chunk = format!("{:x}\r\n{lines}\r\n", lines.len());
        Self::Bytes(format!("{head}Connection: close\r\n\r\n{chunk}").into_bytes())
    }
}

/// A server on a port of its own. Logins always succeed; everything else is answered by the test.
#[derive(Debug)]
pub(crate) struct Server {
    url: String,
    heard: Arc<Mutex<Vec<Heard>>>,
    taken: Arc<Mutex<Vec<String>>>,
}

/// The token it gives.
const TOKEN: &str = "jdoe-jdoe-unknown-0123456789abcdef";

impl Server {
    /// Starts it. `answer` gets each request and how many of the same kind came before.
    pub(crate) fn start(answer: impl Fn(&Heard, usize) -> Answer + Send + Sync + 'static) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let server =
            Self { url: format!("http://{}", listener.local_addr()?), heard: Arc::default(), taken: Arc::default() };
        let (heard, taken, answer) = (server.heard.clone(), server.taken.clone(), Arc::new(answer));
        // It ends with the test process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (heard, taken, answer) = (heard.clone(), taken.clone(), answer.clone());
                thread::spawn(move || {
                    let request = serve(stream, &heard, &*answer);
                    taken.lock().unwrap_or_else(PoisonError::into_inner).extend(request);
                });
            }
        });
        Ok(server)
    }

    /// `http://127.0.0.1:port`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Everything it was asked but logins.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        let all = self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone();
        all.into_iter().filter(|heard| !heard.is_login()).collect()
    }

    /// Everything it was asked, logins too.
    pub(crate) fn heard_in_all(&self) -> Vec<Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it was asked this.
    pub(crate) fn wait_for(&self, request: &str) -> Result<Heard> {
        wait_for(request, || Ok(self.heard().into_iter().find(|heard| heard.request == request)))
    }

    /// Waits until a client has taken the whole answer to this, but for the few MB that the system holds for it.
    pub(crate) fn wait_until_taken(&self, request: &str) -> Result<()> {
        let taken = || self.taken.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|one| one == request);
        wait_for(request, || Ok(taken().then_some(())))
    }

    /// Our client in this home, configured for this server as jdoe.
    pub(crate) fn client(&self, home: &Home) -> Result<Rucio> {
        self.client_with(home, "")
    }

    /// The same, with these lines more in `[client]`.
    pub(crate) fn client_with(&self, home: &Home, lines: &str) -> Result<Rucio> {
        let url = self.url();
        let config = home.config(&format!(
            "rucio_host = {url}\nauth_host = {url}\nauth_type = userpass\nusername = jdoe\npassword = secret\naccount = jdoe\n{lines}"
        ))?;
        Ok(home.ours().env("RUCIO_CONFIG", &config))
    }
}

/// Answers, and gives the request that was answered.
fn serve(
    mut stream: TcpStream,
    heard: &Mutex<Vec<Heard>>,
    answer: &(dyn Fn(&Heard, usize) -> Answer + Send + Sync),
) -> Option<String> {
    let request = Heard::read(&stream)?;
    let before = {
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.push(request.clone());
        heard.iter().filter(|other| other.request == request.request).count() - 1
    };
    let answer = match request.is_login() {
        true => Answer::new(200, &format!("X-Rucio-Auth-Token: {TOKEN}\r\n"), ""),
        false => answer(&request, before),
    };
    match answer {
        // The client may have gone; that is its right.
        Answer::Bytes(bytes) => stream.write_all(&bytes).ok().map(|()| request.request),
        Answer::Silence => {
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
            None
        }
    }
}
