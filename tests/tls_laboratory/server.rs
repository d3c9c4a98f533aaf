//! TLS servers that answer as a Rucio server does, each on a port of its own, and a proxy by which clients reach them
//! under any name.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use openssl::ssl::{Ssl, SslContext, SslStream};
use rustix::net::sockopt::set_socket_linger;

use super::case::Ending;

/// The token that a login gets.
const TOKEN: &str = "jdoe-jdoe-unknown-0123456789abcdef";

/// What the clients must receive.
pub(super) const BODY: &str = r#"{"version": "41.5.1", "account": "jdoe", "status": "ACTIVE"}"#;

/// Starts a server, which ends with the test process. Returns its port.
pub(super) fn start(context: SslContext, ending: Ending) -> Result<u16> {
    listen(move |stream| answer(&context, stream, ending))
}

/// Starts a proxy that connects to the port of the requested address, whatever the host is. Returns its URL.
pub(super) fn start_proxy() -> Result<String> {
    Ok(format!("http://127.0.0.1:{}", listen(relay)?))
}

fn listen(serve: impl Fn(TcpStream) -> Result<()> + Send + Sync + Clone + 'static) -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            // Clients that do not like the server leave.
            thread::spawn(move || serve(stream));
        }
    });
    Ok(port)
}

fn answer(context: &SslContext, stream: TcpStream, ending: Ending) -> Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.set_nodelay(true)?;
    let mut stream = Ssl::new(context)?.accept(stream)?;
    loop {
        let request = head(&mut stream)?;
        let token =
            if request.starts_with("GET /auth/") { format!("X-Rucio-Auth-Token: {TOKEN}\r\n") } else { String::new() };
        let (fields, body) = message(ending);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{token}{fields}\r\n");
        if ending != Ending::Nothing {
            stream.write_all(format!("{head}{body}").as_bytes())?;
        }
        if ending != Ending::KeptOpen {
            return end(stream, ending);
        }
    }
}

/// The header fields of a response, and what is sent after them.
fn message(ending: Ending) -> (String, String) {
    let close = "Connection: close\r\n";
    let chunk = format!("{:x}\r\n{BODY}\r\n", BODY.len());
    match ending {
        Ending::Orderly | Ending::Unsaid | Ending::Reset | Ending::Nothing => {
            (format!("{close}Content-Length: {}\r\n", BODY.len()), BODY.to_owned())
        }
        Ending::KeptOpen => (format!("Content-Length: {}\r\n", BODY.len()), BODY.to_owned()),
        Ending::Short | Ending::ShortUnsaid => {
            (format!("{close}Content-Length: {}\r\n", BODY.len() + 10), BODY.to_owned())
        }
        Ending::UntilEnd | Ending::UntilEndUnsaid => (close.to_owned(), BODY.to_owned()),
        Ending::Chunked | Ending::ChunkedUnsaid => {
            (format!("{close}Transfer-Encoding: chunked\r\n"), format!("{chunk}0\r\n\r\n"))
        }
        Ending::ChunkedShort | Ending::ChunkedShortUnsaid => (format!("{close}Transfer-Encoding: chunked\r\n"), chunk),
    }
}

fn end(mut stream: SslStream<TcpStream>, ending: Ending) -> Result<()> {
    match ending {
        Ending::Unsaid
        | Ending::ChunkedUnsaid
        | Ending::UntilEndUnsaid
        | Ending::ShortUnsaid
        | Ending::ChunkedShortUnsaid => {}
        Ending::Reset => {
            // The client has time to read: a reset discards what it has not read.
            thread::sleep(Duration::from_millis(100));
            set_socket_linger(stream.get_ref(), Some(Duration::ZERO))?;
            return Ok(());
        }
        _ => _ = stream.shutdown()?,
    }
    Ok(stream.get_ref().shutdown(Shutdown::Write)?)
}

/// Reads a request without a body.
fn head(stream: &mut impl Read) -> Result<String> {
    let (mut head, mut buffer) = (Vec::new(), [0; 4096]);
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut buffer)? {
            0 => bail!("the client left"),
            length => head.extend_from_slice(&buffer[..length]),
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn relay(client: TcpStream) -> Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let mut field = String::new();
    while field != "\r\n" {
        field.clear();
        reader.read_line(&mut field)?;
    }
    let address = request.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).context("not CONNECT")?;
    let port = address.rsplit(':').next().context("no port")?.parse()?;
    let server = TcpStream::connect(("127.0.0.1", port))?;
    let mut to_client = client.try_clone()?;
    to_client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let (mut from_server, mut to_server) = (server.try_clone()?, server);
    thread::spawn(move || {
        let _ = std::io::copy(&mut reader, &mut to_server);
        to_server.shutdown(Shutdown::Write)
    });
    std::io::copy(&mut from_server, &mut to_client)?;
    Ok(to_client.shutdown(Shutdown::Write)?)
}
