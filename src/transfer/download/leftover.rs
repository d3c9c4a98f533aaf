//! Partial files of earlier processes, or of one that is writing now.

use std::path::Path;
use std::time::{Duration, Instant};

use super::super::events::FileEvent;
use super::super::sink::{Found, Sink};
use super::super::temporary::{Progress, Temporary, clear};
use super::Run;
use super::resume_state::Partial;

/// Interval of checks whether another process is done.
const LOOK: Duration = Duration::from_millis(100);

/// State before the first request.
pub(super) enum Left {
    /// The complete file: another process finished it while we waited.
    Done,
    /// A partial file, or nothing.
    Partial(Box<Partial>),
}

impl Run<'_> {
    /// Opens the partial file of an earlier process. Waits while another process downloads the same file to the same
    /// path and makes progress; after `patience` without progress, the file gets another temporary name.
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
