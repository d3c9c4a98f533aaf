//! A connection before the login is complete: one request at a time.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::frame::{FrameReader, cut, invalid};
use super::pending::{Answer, timed_out};
use super::status::ServerError;
use super::waits::Waits;
use super::wire::{Request, Status};
use crate::storage::Result;

/// Where bytes go to.
pub(super) type Outgoing<'a> = Box<dyn AsyncWrite + Send + Sync + Unpin + 'a>;

/// Stream id of requests before the login is complete.
const STREAM: u16 = 1;

/// A connection with at most one request under way.
pub(super) struct Dialog<'a> {
    pub(super) frames: FrameReader<'a>,
    pub(super) stream: Outgoing<'a>,
    idle_timeout: Duration,
}

/// Response to a request of the login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    Ok(Bytes),
    /// The server's turn of the authentication.
    More(Bytes),
    Error(ServerError),
}

impl<'a> Dialog<'a> {
    /// Creates it. A server may be silent for as long as `idle_timeout`.
    pub(super) fn new(frames: FrameReader<'a>, stream: Outgoing<'a>, idle_timeout: Duration) -> Self {
        Self { frames, stream, idle_timeout }
    }

    /// Sends a request, again if the server asks to wait. Errors: the connection's.
    pub(super) async fn ask(&mut self, request: &Request<'_>) -> Result<Reply> {
        let mut waits = Waits::default();
        loop {
            self.send(&request.encode(STREAM)).await?;
            match self.answer().await? {
                Answer::Ok(body) => return Ok(Reply::Ok(body)),
                Answer::AuthMore(body) => return Ok(Reply::More(body)),
                Answer::Error(error) => return Ok(Reply::Error(error)),
                Answer::Wait(time) => waits.wait(time).await?,
                Answer::Redirect { .. } => return Err(invalid("a redirect at login")),
            }
        }
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).await.map_err(|error| cut(&error))?;
        self.stream.flush().await.map_err(|error| cut(&error))
    }

    /// Reads the next response; messages of the server are ignored.
    pub(super) async fn answer(&mut self) -> Result<Answer> {
        loop {
            let frame = timeout(self.idle_timeout, self.frames.whole()).await;
            let (header, body) = frame.map_err(|_| timed_out())??;
            if header.status != Status::Attention {
                return Answer::parse(header.status, body).ok_or_else(|| invalid("an unexpected response at login"));
            }
        }
    }
}
