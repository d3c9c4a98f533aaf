//! Partial files of earlier processes, or of one that is writing now.

use std::path::Path;
use std::time::{Duration, Instant};

use super::FileDownload;
use crate::transfer::events::FileEvent;
use crate::transfer::partial_file::resume_state::ResumeState;
use crate::transfer::partial_file::sink::{LeftoverData, Sink};
use crate::transfer::partial_file::temporary::{Progress, TemporaryFile, remove_leftover};

/// Interval of checks whether another process is done.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// State before the first request.
pub(super) enum Leftover {
    /// The complete file: another process finished it while we waited.
    Done,
    /// A partial file, or nothing.
    Partial(Box<ResumeState>),
}

impl FileDownload<'_> {
    /// Opens the partial file of an earlier process. Waits while another process downloads the same file to the same
    /// path and makes progress; after `timeout` without progress, the file gets another temporary name.
    pub(super) async fn find_leftover(&self, destination: &Path, timeout: Duration) -> Leftover {
        let mut progress: Option<(Progress, Instant)> = None;
        loop {
            let found = self.find_leftover_data(destination).await;
            if progress.is_some() && destination.is_file() && self.is_right(destination).await {
                drop(found);
                remove_leftover(destination, self.expected_checksum());
                return Leftover::Done;
            }
            match (found, progress) {
                (LeftoverData::Nothing, _) => return Leftover::Partial(Box::default()),
                (LeftoverData::Beginning(sink), _) => return self.resume_from(ResumeState::from_sink(sink)),
                (LeftoverData::Ranges(partial_file), _) => {
                    return self.resume_from(ResumeState::from_partial_file(partial_file));
                }
                (LeftoverData::Busy(now), Some((before, since))) if now == before => {
                    if since.elapsed() > timeout {
                        return Leftover::Partial(Box::default());
                    }
                }
                (LeftoverData::Busy(now), before) => {
                    if before.is_none() {
                        self.emit(FileEvent::Waiting);
                    }
                    progress = Some((now, Instant::now()));
                }
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    fn resume_from(&self, resume_state: ResumeState) -> Leftover {
        if resume_state.received() > 0 {
            self.emit(FileEvent::Resumed(resume_state.received()));
        }
        Leftover::Partial(Box::new(resume_state))
    }

    async fn find_leftover_data(&self, destination: &Path) -> LeftoverData {
        let (destination, expected, bytes) = (destination.to_owned(), self.expected_checksum(), self.job.bytes);
        if !TemporaryFile::may_have_leftover(&destination, expected) {
            return LeftoverData::Nothing;
        }
        let work = tokio::task::spawn_blocking(move || Sink::find_leftover(&destination, expected, bytes));
        work.await.unwrap_or(LeftoverData::Nothing)
    }
}
