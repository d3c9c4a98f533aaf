//! Polls the connections of one file.

use std::future::poll_fn;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::storage::{Reading, Result};

pub(super) enum Event {
    /// The storage has answered; `None` if not with the requested byte range.
    Answered(Result<Option<Reading>>),
    /// Received bytes; `None` at the end.
    Came(Result<Option<Bytes>>),
}

enum Connection<'a> {
    Opening(BoxFuture<'a, Result<Option<Reading>>>),
    Open(Reading),
}

/// At most one connection per lane. A closed connection is dropped in any state.
#[derive(Default)]
pub(super) struct Connections<'a> {
    lanes: Vec<Option<Connection<'a>>>,
    /// The lane to poll first: it rotates, so that no lane starves.
    first: usize,
}

impl<'a> Connections<'a> {
    pub(super) fn open(&mut self, lane: usize, opening: BoxFuture<'a, Result<Option<Reading>>>) {
        self.put(lane, Connection::Opening(opening));
    }

    /// Puts an answered connection into a lane.
    pub(super) fn opened(&mut self, lane: usize, reading: Reading) {
        self.put(lane, Connection::Open(reading));
    }

    fn put(&mut self, lane: usize, connection: Connection<'a>) {
        if lane >= self.lanes.len() {
            self.lanes.resize_with(lane + 1, || None);
        }
        self.lanes[lane] = Some(connection);
    }

    pub(super) fn close(&mut self, lane: usize) {
        if let Some(lane) = self.lanes.get_mut(lane) {
            *lane = None;
        }
    }

    /// Waits for an event in any lane. A lane is empty after its connection was answered: the caller puts the reading
    /// back. Without connections it never returns.
    pub(super) async fn next(&mut self) -> (usize, Event) {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<(usize, Event)> {
        let count = self.lanes.len();
        self.first = (self.first + 1) % count.max(1);
        for lane in (self.first..count).chain(0..self.first) {
            let event = match &mut self.lanes[lane] {
                None => continue,
                Some(Connection::Opening(opening)) => opening.poll_unpin(context).map(Event::Answered),
                Some(Connection::Open(reading)) => reading.poll_next(context).map(Event::Came),
            };
            if let Poll::Ready(event) = event {
                if matches!(event, Event::Answered(_)) {
                    self.lanes[lane] = None;
                }
                return Poll::Ready((lane, event));
            }
        }
        Poll::Pending
    }
}
