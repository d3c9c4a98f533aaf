//! Response bodies: the timeout of a server that sends nothing, and the end of a connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, TRANSFER_ENCODING};
use tokio::time::{Instant, Sleep, sleep};

use super::Options;
use super::connector::WasCut;
use crate::http::tls::ConnectError;

/// The body of a response.
pub(super) struct ResponseBody {
    incoming: Incoming,
    timeout: Option<ReadTimeout>,
    /// Set if a body without TLS's `close_notify` after it counts as cut.
    must_not_be_cut: Option<WasCut>,
}

/// The maximum time without data.
struct ReadTimeout {
    duration: Duration,
    sleep: Pin<Box<Sleep>>,
    is_running: bool,
}

impl ResponseBody {
    /// Wraps the body of a response with these headers.
    pub(super) fn new(incoming: Incoming, headers: &HeaderMap, options: &Options, was_cut: Option<WasCut>) -> Self {
        let timeout = options.read_timeout;
        let timeout =
            timeout.map(|duration| ReadTimeout { duration, sleep: Box::pin(sleep(duration)), is_running: false });
        let must_not_be_cut = !has_length(headers) && (options.requires_close || is_list(headers));
        Self { incoming, timeout, must_not_be_cut: was_cut.filter(|_| must_not_be_cut) }
    }

    fn is_cut(&self) -> bool {
        self.must_not_be_cut.as_ref().is_some_and(WasCut::get)
    }
}

/// Whether the body says itself where it ends: by its length or in chunks. Otherwise the end of the connection ends it.
fn has_length(headers: &HeaderMap) -> bool {
    headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING)
}

/// Whether a part of the body looks like a whole one: a list with a record per line.
fn is_list(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-json-stream"))
}

impl ReadTimeout {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_running {
            self.sleep.as_mut().reset(Instant::now() + self.duration);
            self.is_running = true;
        }
        self.sleep.as_mut().poll(cx)
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = ConnectError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ConnectError>>> {
        let this = self.get_mut();
        let frame = Pin::new(&mut this.incoming).poll_frame(cx);
        if let (Poll::Pending, Some(timeout)) = (&frame, &mut this.timeout) {
            ready!(timeout.poll(cx));
            return Poll::Ready(Some(Err(timed_out().into())));
        }
        if let Some(timeout) = &mut this.timeout {
            timeout.is_running = false;
        }
        match frame {
            Poll::Ready(None) if this.is_cut() => {
                let cut = io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was cut");
                Poll::Ready(Some(Err(cut.into())))
            }
            frame => frame.map(|frame| frame.map(|frame| frame.map_err(Into::into))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream() && !self.is_cut()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// The error of a server that sends nothing for too long.
pub(super) fn timed_out() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the server did not answer in time")
}
