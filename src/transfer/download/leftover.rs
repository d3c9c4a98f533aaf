//! Partial files of earlier processes, or of one that is writing now.

use std::path::Path;
use std::time::{Duration, Instant};

use super::FileDownload;
use crate::transfer::events::FileEvent;
use crate::transfer::partial_file::leftover::{Leftover, Progress};
use crate::transfer::partial_file::resume_state::ResumeState;
use crate::transfer::partial_file::temporary::{TemporaryFile, remove_leftover};

/// Interval of checks whether another process is done. Chosen: a system call each, and an unnoticeable delay.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

impl FileDownload<'_> {
    /// Opens the partial file of an earlier process. Waits while another process downloads the same file to the same
    /// path and makes progress; after `timeout` without progress, the file gets another temporary name. `None` if the
    /// other process has completed the file.
    pub(super) async fn find_leftover(&self, destination: &Path, timeout: Duration) -> Option<ResumeState> {
        let mut progress: Option<(Progress, Instant)> = None;
        loop {
            let found = self.open_leftover(destination).await;
            if progress.is_some() && destination.is_file() && self.is_right(destination).await {
                drop(found);
                remove_leftover(destination, self.expected_checksum());
                return None;
            }
            let now = match found {
                Leftover::None => return Some(ResumeState::default()),
                Leftover::Resumable(resume_state) => {
                    if resume_state.received() > 0 {
                        self.emit(FileEvent::Resumed(resume_state.received()));
                    }
                    return Some(resume_state);
                }
                Leftover::Busy(now) => now,
            };
            match progress {
                Some((before, since)) if now == before => {
                    if since.elapsed() > timeout {
                        return Some(ResumeState::default());
                    }
                }
                before => {
                    if before.is_none() {
                        self.emit(FileEvent::Waiting);
                    }
                    progress = Some((now, Instant::now()));
                }
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    async fn open_leftover(&self, destination: &Path) -> Leftover<ResumeState> {
        let (destination, expected, bytes) = (destination.to_owned(), self.expected_checksum(), self.job.bytes);
        if !TemporaryFile::may_have_leftover(&destination, expected) {
            return Leftover::None;
        }
        let work = tokio::task::spawn_blocking(move || ResumeState::from_leftover(&destination, expected, bytes));
        work.await.unwrap_or(Leftover::None)
    }
}
