//! The connections of one file, waited for together.

use std::future::poll_fn;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::storage::{Reading, Result};

/// What happens on one of the connections.
pub(super) enum Event {
    /// The storage answered; with none, if it was not with the part that it was asked for.
    Answered(Result<Option<Reading>>),
    /// Bytes, none at the end.
    Came(Result<Option<Bytes>>),
}

enum Connection<'a> {
    Opening(BoxFuture<'a, Result<Option<Reading>>>),
    Open(Reading),
}

/// A connection in each lane that has one. A connection that is closed is dropped, whatever it is doing.
#[derive(Default)]
pub(super) struct Connections<'a> {
    lanes: Vec<Option<Connection<'a>>>,
    /// The lane that is looked at first: none shall wait for the others for ever.
    first: usize,
}

impl<'a> Connections<'a> {
    /// Opens one.
    pub(super) fn open(&mut self, lane: usize, opening: BoxFuture<'a, Result<Option<Reading>>>) {
        self.put(lane, Connection::Opening(opening));
    }

    /// One that has been answered.
    pub(super) fn opened(&mut self, lane: usize, reading: Reading) {
        self.put(lane, Connection::Open(reading));
    }

    fn put(&mut self, lane: usize, connection: Connection<'a>) {
        if lane >= self.lanes.len() {
            self.lanes.resize_with(lane + 1, || None);
        }
        self.lanes[lane] = Some(connection);
    }

    /// Closes one.
    pub(super) fn close(&mut self, lane: usize) {
        if let Some(lane) = self.lanes.get_mut(lane) {
            *lane = None;
        }
    }

    /// Waits until something happens in a lane. A lane that has been answered is empty then: the reading is to be put there.
    /// Without any connection it waits for ever.
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
