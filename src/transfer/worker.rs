//! A thread that does the slow part of the work, one piece after the other, while the next bytes come in.

use std::io;

use tokio::task::JoinHandle;

/// What has what it needs for its work, of type `T`, by itself while it works, and gives it back in between.
#[derive(Debug)]
pub(super) enum Worker<T> {
    /// It is ready.
    Idle(Box<T>),
    /// It works.
    Busy(JoinHandle<io::Result<Box<T>>>),
    /// It failed, and this has been told.
    Lost,
}

impl<T: Send + 'static> Worker<T> {
    /// One that is ready.
    pub(super) fn new(means: T) -> Self {
        Self::Idle(Box::new(means))
    }

    /// Waits until it is ready. A caller that gives up waiting may wait again: nothing is lost. Errors: its last work
    /// failed.
    pub(super) async fn ready(&mut self) -> io::Result<&mut T> {
        if let Self::Busy(handle) = self {
            let done = handle.await;
            *self = Self::Lost;
            *self = Self::Idle(done.map_err(io::Error::other)??);
        }
        match self {
            Self::Idle(means) => Ok(means),
            _ => Err(lost()),
        }
    }

    /// Begins with a work, if it is ready.
    pub(super) fn begin(&mut self, work: impl FnOnce(&mut T) -> io::Result<()> + Send + 'static) {
        if let Self::Idle(mut means) = std::mem::replace(self, Self::Lost) {
            *self = Self::Busy(tokio::task::spawn_blocking(move || work(&mut means).map(|()| means)));
        }
    }

    /// What it has, if it is ready.
    pub(super) fn into_means(self) -> io::Result<T> {
        match self {
            Self::Idle(means) => Ok(*means),
            _ => Err(lost()),
        }
    }
}

fn lost() -> io::Error {
    io::Error::other("an earlier write failed")
}
