//! Runs blocking work (hashing, writing) on another thread while the next bytes are received.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

/// Work shorter than this takes less time than waking another thread.
const SHORT: Duration = Duration::from_micros(200);

/// Whether the last measured work was short: a remote disk is slow with every file.
#[derive(Debug)]
pub(super) struct Pace {
    is_quick: AtomicBool,
}

impl Pace {
    /// Creates a pace without measurements, which counts as slow.
    pub(super) const fn unknown() -> Self {
        Self { is_quick: AtomicBool::new(false) }
    }

    fn is_quick(&self) -> bool {
        self.is_quick.load(Ordering::Relaxed)
    }

    fn note(&self, took: Duration) {
        self.is_quick.store(took < SHORT, Ordering::Relaxed);
    }
}

/// Owns a `T` that is moved to a blocking thread for each job and returned afterwards.
#[derive(Debug)]
pub(super) enum Worker<T> {
    Idle(Box<T>),
    Busy(JoinHandle<io::Result<Box<T>>>),
    /// Failed, and the error has been returned.
    Lost,
}

impl<T: Send + 'static> Worker<T> {
    pub(super) fn new(means: T) -> Self {
        Self::Idle(Box::new(means))
    }

    /// Waits until the worker is idle. Cancel-safe. Errors: the last job failed.
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

    /// Starts a job on another thread, if the worker is idle.
    pub(super) fn begin(&mut self, work: impl FnOnce(&mut T) -> io::Result<()> + Send + 'static) {
        if let Self::Idle(mut means) = std::mem::replace(self, Self::Lost) {
            *self = Self::Busy(tokio::task::spawn_blocking(move || work(&mut means).map(|()| means)));
        }
    }

    /// Runs a job: on this thread if the last one was short, else on another one. Errors: it failed, or an earlier one
    /// did.
    pub(super) async fn do_short(
        &mut self,
        pace: &'static Pace,
        work: impl FnOnce(&mut T) -> io::Result<()> + Send + 'static,
    ) -> io::Result<()> {
        let timed = |means: &mut T| {
            let begun = Instant::now();
            let done = work(means);
            pace.note(begun.elapsed());
            done
        };
        let means = self.ready().await?;
        if pace.is_quick() {
            return timed(means);
        }
        self.begin(timed);
        self.ready().await.map(drop)
    }

    /// Returns the owned value. Errors: the worker is not idle.
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

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[tokio::test]
    async fn a_work_stays_on_this_thread_while_the_last_one_was_short() {
        static PACE: Pace = Pace::unknown();
        let mut worker = Worker::new(Vec::new());
        for took in [Duration::ZERO, SHORT, Duration::ZERO] {
            let work = move |threads: &mut Vec<_>| {
                thread::sleep(took);
                threads.push(thread::current().id());
                Ok(())
            };
            worker.do_short(&PACE, work).await.unwrap();
            // A loaded machine may have taken longer.
            PACE.note(took);
        }
        let here: Vec<_> = worker.into_means().unwrap().iter().map(|id| *id == thread::current().id()).collect();
        assert_eq!(here, [false, true, false]);
    }

    #[tokio::test]
    async fn a_short_work_that_fails_says_so() {
        static PACE: Pace = Pace::unknown();
        for pace in [Duration::ZERO, SHORT] {
            PACE.note(pace);
            let mut worker = Worker::new(());
            let failed = worker.do_short(&PACE, |()| Err(io::Error::other("the disk is full"))).await;
            assert_eq!(failed.unwrap_err().to_string(), "the disk is full");
        }
    }
}
