//! What an earlier process has left of a file, or another one is writing at this moment.

use std::path::Path;
use std::time::{Duration, Instant};

use super::super::events::FileEvent;
use super::super::sink::{Found, Sink};
use super::super::temporary::{Progress, Temporary, clear};
use super::Run;
use super::partial::Partial;

/// How often one looks whether another process is done.
const LOOK: Duration = Duration::from_millis(100);

/// What there is before the first source is asked.
pub(super) enum Left {
    /// The whole file: another process has put it there while we waited.
    Done,
    /// A part of it, or nothing.
    Partial(Box<Partial>),
}

impl Run<'_> {
    /// Takes over what an earlier process has left. While another one is downloading the same file to the same place
    /// and gets on with it, it is waited for; one that makes no progress for as long as `patience` is left alone, and the
    /// file gets a temporary name of our own.
    pub(super) async fn left(&self, place: &Path, patience: Duration) -> Left {
        let mut progress: Option<(Progress, Instant)> = None;
        loop {
            let found = self.find(place).await;
            if progress.is_some() && place.is_file() && self.is_right(place).await {
                drop(found);
                clear(place, self.wanted());
                return Left::Done;
            }
            match (found, progress) {
                (Found::Nothing, _) => return Left::Partial(Box::default()),
                (Found::Beginning(sink), _) => return self.taken_over(Partial::beginning(sink)),
                (Found::Parts(parts), _) => return self.taken_over(Partial::scattered(parts)),
                (Found::Busy(now), Some((before, since))) if now == before => {
                    if since.elapsed() > patience {
                        return Left::Partial(Box::default());
                    }
                }
                (Found::Busy(now), before) => {
                    if before.is_none() {
                        self.tell(FileEvent::Waiting);
                    }
                    progress = Some((now, Instant::now()));
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn taken_over(&self, partial: Partial) -> Left {
        if partial.received() > 0 {
            self.tell(FileEvent::Resumed(partial.received()));
        }
        Left::Partial(Box::new(partial))
    }

    async fn find(&self, place: &Path) -> Found {
        let (place, wanted, bytes) = (place.to_owned(), self.wanted(), self.job.bytes);
        if !Temporary::may_be_left(&place, wanted) {
            return Found::Nothing;
        }
        let work = tokio::task::spawn_blocking(move || Sink::find(&place, wanted, bytes));
        work.await.unwrap_or(Found::Nothing)
    }
}
