//! Polls the connections of one file.

use std::future::poll_fn;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::storage::{ObjectReader, Result};

pub(super) enum ConnectionEvent {
    /// The storage has answered; `None` if not with the requested byte range.
    Answered(Result<Option<ObjectReader>>),
    /// Received bytes; `None` at the end.
    Received(Result<Option<Bytes>>),
}

enum Connection<'a> {
    Opening(BoxFuture<'a, Result<Option<ObjectReader>>>),
    Open(ObjectReader),
}

/// The open connections, by number. A closed connection is dropped in any state.
#[derive(Default)]
pub(super) struct Connections<'a> {
    connections: Vec<Option<Connection<'a>>>,
    /// The connection to poll first: it rotates, so that none starves.
    first: usize,
}

impl<'a> Connections<'a> {
    pub(super) fn open(&mut self, connection: usize, opening: BoxFuture<'a, Result<Option<ObjectReader>>>) {
        self.put(connection, Connection::Opening(opening));
    }

    /// Adds a connection that has been answered.
    pub(super) fn opened(&mut self, connection: usize, reader: ObjectReader) {
        self.put(connection, Connection::Open(reader));
    }

    fn put(&mut self, connection: usize, state: Connection<'a>) {
        if connection >= self.connections.len() {
            self.connections.resize_with(connection + 1, || None);
        }
        self.connections[connection] = Some(state);
    }

    pub(super) fn close(&mut self, connection: usize) {
        if let Some(connection) = self.connections.get_mut(connection) {
            *connection = None;
        }
    }

    /// Waits for an event of any connection. One that was answered is removed: the caller adds its reader with
    /// [`Self::opened`]. Without connections it never returns.
    pub(super) async fn next(&mut self) -> (usize, ConnectionEvent) {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<(usize, ConnectionEvent)> {
        let count = self.connections.len();
        self.first = (self.first + 1) % count.max(1);
        for connection in (self.first..count).chain(0..self.first) {
            let event = match &mut self.connections[connection] {
                None => continue,
                Some(Connection::Opening(opening)) => opening.poll_unpin(context).map(ConnectionEvent::Answered),
                Some(Connection::Open(reader)) => reader.poll_next(context).map(ConnectionEvent::Received),
            };
            if let Poll::Ready(event) = event {
                if matches!(event, ConnectionEvent::Answered(_)) {
                    self.connections[connection] = None;
                }
                return Poll::Ready((connection, event));
            }
        }
        Poll::Pending
    }
}
