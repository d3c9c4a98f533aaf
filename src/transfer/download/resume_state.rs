//! The received bytes of an incomplete file.

use std::io;

use super::super::checksum::Checksum;
use super::super::complete_file::Complete;
use super::super::job::Source;
use super::super::partial_file::Parts;
use super::super::sink::Sink;
use crate::storage::{Reading, Rest};

/// The received bytes of an incomplete file, from a failed attempt or an earlier process.
#[derive(Debug, Default)]
pub(super) struct Partial {
    /// Its beginning.
    sink: Option<Sink>,
    /// Or some of its byte ranges.
    parts: Option<Parts>,
    /// PFN and version (such as an ETag) of the file that the bytes come from, if the storage reports versions.
    version: Option<(String, String)>,
    /// Bytes from several responses were wrong: the file is now requested as a whole.
    whole_only: bool,
}

impl Partial {
    /// Wraps the beginning of a file from any source.
    pub(super) fn beginning(sink: Sink) -> Self {
        Self { sink: Some(sink), ..Self::default() }
    }

    /// Wraps byte ranges of a file from any source.
    pub(super) fn scattered(parts: Parts) -> Self {
        Self { parts: Some(parts), ..Self::default() }
    }

    /// Returns the number of bytes received.
    pub(super) fn received(&self) -> u64 {
        let parts = self.parts.as_ref().map_or(0, Parts::received);
        self.sink.as_ref().map_or(parts, Sink::received)
    }

    /// Returns the byte ranges, if that is the state.
    pub(super) fn parts(&mut self) -> Option<&mut Parts> {
        self.parts.as_mut()
    }

    /// Whether several byte ranges may be requested concurrently.
    pub(super) fn may_be_split(&self) -> bool {
        !self.whole_only
    }

    /// Disables concurrent byte ranges, after they turned out to be of different files.
    pub(super) fn do_not_split(&mut self) {
        self.whole_only = true;
    }

    /// Returns where to resume. `None` if the bytes cannot be used: the source must have the same version, or a
    /// checksum must be able to verify the result.
    pub(super) fn rest(&self, source: &Source, wanted: Checksum) -> Option<Rest> {
        let start = self.sink.as_ref()?.received();
        let version = self.version.as_ref().filter(|(pfn, _)| *pfn == source.pfn).map(|(_, version)| version.clone());
        let can_go_on = start > 0 && (version.is_some() || wanted != Checksum::Unknown);
        can_go_on.then_some(Rest { start, version })
    }

    /// Returns the sink for these bytes: the previous one if they continue it, else a new one; then the previous bytes
    /// are removed.
    pub(super) fn sink(&mut self, reading: &Reading, source: &Source, new: impl FnOnce() -> Sink) -> &mut Sink {
        self.version = reading.version.clone().map(|version| (source.pfn.clone(), version));
        if let Some(parts) = self.parts.take() {
            parts.discard();
        }
        let sink = match self.sink.take() {
            Some(sink) if reading.start > 0 && sink.received() == reading.start => sink.continued(),
            Some(sink) if sink.received() == 0 => sink,
            Some(sink) => {
                sink.discard();
                new()
            }
            None => new(),
        };
        self.sink.insert(sink)
    }

    /// Converts the beginning of a file of this size to byte ranges.
    pub(super) async fn scatter(&mut self, whole: u64) -> io::Result<&mut Parts> {
        if let Some(sink) = &mut self.sink {
            sink.settle().await?;
        }
        match (self.sink.take(), self.parts.take()) {
            (Some(sink), _) => Ok(self.parts.insert(sink.into_parts(whole)?)),
            (None, Some(parts)) => Ok(self.parts.insert(parts)),
            (None, None) => Err(nothing()),
        }
    }

    /// Removes the received bytes.
    pub(super) fn discard(&mut self) {
        if let Some(sink) = self.sink.take() {
            sink.discard();
        }
        if let Some(parts) = self.parts.take() {
            parts.discard();
        }
    }

    /// Returns the complete file. Errors: a write failed, or a range is missing.
    pub(super) async fn complete(&mut self) -> io::Result<Complete> {
        match (self.sink.take(), self.parts.take()) {
            (Some(sink), _) => sink.complete().await,
            (None, Some(parts)) => parts.complete().await,
            (None, None) => Err(nothing()),
        }
    }
}

fn nothing() -> io::Error {
    io::Error::other("no file was made")
}
