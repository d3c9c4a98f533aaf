//! A long, narrow road to a server: forwards TCP connections and makes each as slow as one across an ocean.
//!
//! ```text
//! relay [--delay MS] [--rate MB] LISTEN=TARGET ...        relay 127.0.0.1:19470=127.0.0.1:19445
//! ```
//!
//! Every byte arrives `--delay` milliseconds (50) after it was sent, in both directions, so a round trip takes twice that;
//! opening a connection costs a round trip too. Each connection carries `--rate` MB/s (10; 10^6 bytes) in each direction,
//! all together as much as they can. It says `ready` once it listens, and runs until it is ended.
//!
//! How: what is read gets the time at which it is due at the other end, and waits for it in a queue. The queue is as
//! long as what a line of this length and width holds, and a little more; when it is full, nothing more is read, and
//! the sender feels it as it would in reality. A lost connection ends both its halves.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::{process::ExitCode, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{self, AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpSocket, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Semaphore, mpsc},
    time::{Instant, sleep_until},
};

const USAGE: &str = "usage: relay [--delay MS] [--rate MB] LISTEN=TARGET ...";
/// What is read at once: 3 ms of a line of 10 MB/s.
const CHUNK: usize = 32 * 1024;
/// How much more than the line holds may wait: it covers a machine that is 25 ms late at 10 MB/s.
const SLACK: usize = 8 * CHUNK;

/// A line's length and width.
#[derive(Clone, Copy)]
struct Line {
    /// How long a byte is under way, one way.
    delay: Duration,
    /// Bytes a second.
    rate: f64,
}

impl Line {
    fn time_for(self, bytes: usize) -> Duration {
        Duration::from_secs_f64(bytes as f64 / self.rate)
    }

    /// Bytes that may wait: those under way, and the slack.
    fn room(self) -> usize {
        (self.rate * self.delay.as_secs_f64()) as usize + SLACK
    }
}

fn main() -> ExitCode {
    let Some((line, routes)) = parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.and_then(|runtime| runtime.block_on(serve(line, routes))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("relay: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The line and the routes (listen, target) from the words of the command line.
fn parse(mut words: impl Iterator<Item = String>) -> Option<(Line, Vec<(String, String)>)> {
    let (mut delay, mut rate, mut routes) = (50.0, 10.0, Vec::new());
    while let Some(word) = words.next() {
        match word.as_str() {
            "--delay" => delay = words.next()?.parse().ok().filter(|delay| *delay >= 0.0)?,
            "--rate" => rate = words.next()?.parse().ok().filter(|rate| *rate > 0.0)?,
            // `cargo bench` says this to whatever it runs.
            "--bench" => {}
            route => routes.push(route.split_once('=').map(|(from, to)| (from.to_owned(), to.to_owned()))?),
        }
    }
    let line = Line { delay: Duration::from_secs_f64(delay / 1e3), rate: rate * 1e6 };
    (!routes.is_empty()).then_some((line, routes))
}

/// Listens on all routes; returns only if that fails.
async fn serve(line: Line, routes: Vec<(String, String)>) -> io::Result<()> {
    let mut listeners = Vec::new();
    for (listen, target) in routes {
        listeners.push((listener(&listen)?, Arc::<str>::from(target)));
    }
    println!("ready");
    let accepting = listeners.into_iter().map(|(listener, target)| tokio::spawn(accept(line, listener, target)));
    for accepted in accepting.collect::<Vec<_>>() {
        accepted.await.map_err(io::Error::other)??;
    }
    Ok(())
}

fn listener(address: &str) -> io::Result<TcpListener> {
    let address = address.parse().map_err(|_| io::Error::other(format!("{address} is no address and port")))?;
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(1024)
}

async fn accept(line: Line, listener: TcpListener, target: Arc<str>) -> io::Result<()> {
    loop {
        let (client, _) = listener.accept().await?;
        let target = Arc::clone(&target);
        tokio::spawn(async move {
            // A connection that breaks breaks at both ends: that is all there is to say about it.
            let _ = connection(line, client, &target).await;
        });
    }
}

/// One connection from its first moment to its end.
///
/// The kernel takes the client's connection at once; across an ocean it would stand after a round trip, and only then
/// could the client send. What it sends before counts as sent at that moment. The server hears of it after half of it.
async fn connection(line: Line, client: TcpStream, target: &str) -> io::Result<()> {
    let opened = Instant::now();
    client.set_nodelay(true)?;
    sleep_until(opened + line.delay).await;
    let server = TcpStream::connect(target).await?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::try_join!(
        one_way(line, opened + 2 * line.delay, from_client, to_server),
        one_way(line, opened, from_server, to_client),
    )?;
    Ok(())
}

/// A piece under way, with the time it is due at the other end.
type Piece = (Instant, Bytes);

async fn one_way(line: Line, free: Instant, from: OwnedReadHalf, to: OwnedWriteHalf) -> io::Result<()> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let room = Semaphore::new(line.room());
    tokio::try_join!(send(line, free, from, sender, &room), deliver(to, receiver, &room))?;
    Ok(())
}

/// Reads, and says of each piece when it is due: when the pieces before it are through, it itself is, and after the delay.
/// `free` is when the line takes its first byte.
async fn send(
    line: Line,
    mut free: Instant,
    mut from: OwnedReadHalf,
    queue: mpsc::UnboundedSender<Piece>,
    room: &Semaphore,
) -> io::Result<()> {
    let mut buffer = BytesMut::new();
    loop {
        // Small messages share one block: a queue of many holds no more memory than its bytes.
        if buffer.capacity() < CHUNK / 8 {
            buffer.reserve(CHUNK);
        }
        let read = from.read_buf(&mut buffer).await?;
        free = free.max(Instant::now()) + line.time_for(read);
        let permits =
            room.acquire_many(u32::try_from(read).map_err(io::Error::other)?).await.map_err(io::Error::other)?;
        permits.forget();
        // An empty piece is the end, which takes as long as a byte.
        if queue.send((free + line.delay, buffer.split().freeze())).is_err() || read == 0 {
            return Ok(());
        }
    }
}

/// Hands each piece over when it is due.
async fn deliver(
    mut to: OwnedWriteHalf,
    mut queue: mpsc::UnboundedReceiver<Piece>,
    room: &Semaphore,
) -> io::Result<()> {
    while let Some((due, piece)) = queue.recv().await {
        sleep_until(due).await;
        if piece.is_empty() {
            return to.shutdown().await;
        }
        to.write_all(&piece).await?;
        room.add_permits(piece.len());
    }
    Ok(())
}
