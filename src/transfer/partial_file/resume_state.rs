//! The received bytes of an incomplete file.

use std::io;

use super::complete_file::CompleteFile;
use super::ranges::PartialFile;
use super::sink::Sink;
use crate::storage::{ObjectReader, ResumeFrom};
use crate::transfer::checksum::Checksum;
use crate::transfer::job::Source;

/// The received bytes of an incomplete file, from a failed attempt or an earlier process.
#[derive(Debug, Default)]
pub(crate) struct ResumeState {
    /// Its beginning.
    sink: Option<Sink>,
    /// Or some of its byte ranges.
    partial_file: Option<PartialFile>,
    /// PFN and version (such as an ETag) of the file that the bytes come from, if the storage reports versions.
    version: Option<(String, String)>,
    /// Bytes from several responses were wrong: the file is now requested as a whole.
    never_split: bool,
}

impl ResumeState {
    /// Wraps the beginning of a file from any source.
    pub(crate) fn from_sink(sink: Sink) -> Self {
        Self { sink: Some(sink), ..Self::default() }
    }

    /// Wraps byte ranges of a file from any source.
    pub(crate) fn from_partial_file(partial_file: PartialFile) -> Self {
        Self { partial_file: Some(partial_file), ..Self::default() }
    }

    /// Returns the number of bytes received.
    pub(crate) fn received(&self) -> u64 {
        let partial_file = self.partial_file.as_ref().map_or(0, PartialFile::received);
        self.sink.as_ref().map_or(partial_file, Sink::received)
    }

    /// Returns the byte ranges, if that is the state.
    pub(crate) fn partial_file(&mut self) -> Option<&mut PartialFile> {
        self.partial_file.as_mut()
    }

    /// Whether several byte ranges may be requested concurrently.
    pub(crate) fn allows_split(&self) -> bool {
        !self.never_split
    }

    /// Disables concurrent byte ranges, after they turned out to be of different files.
    pub(crate) fn disable_split(&mut self) {
        self.never_split = true;
    }

    /// Returns where to resume. `None` if the bytes cannot be used: the source must have the same version, or a
    /// checksum must be able to verify the result.
    pub(crate) fn resume_request(&self, source: &Source, wanted: Checksum) -> Option<ResumeFrom> {
        let start = self.sink.as_ref()?.received();
        let version = self.version.as_ref().filter(|(pfn, _)| *pfn == source.pfn).map(|(_, version)| version.clone());
        let can_go_on = start > 0 && (version.is_some() || wanted != Checksum::Unknown);
        can_go_on.then_some(ResumeFrom { start, version })
    }

    /// Returns the sink for these bytes: the previous one if they continue it, else a new one; then the previous bytes
    /// are removed.
    pub(crate) fn sink(&mut self, reader: &ObjectReader, source: &Source, new: impl FnOnce() -> Sink) -> &mut Sink {
        self.version = reader.version.clone().map(|version| (source.pfn.clone(), version));
        if let Some(partial_file) = self.partial_file.take() {
            partial_file.discard();
        }
        let sink = match self.sink.take() {
            Some(sink) if reader.start > 0 && sink.received() == reader.start => sink.continue_with_new_response(),
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
    pub(crate) async fn convert_to_partial_file(&mut self, whole: u64) -> io::Result<&mut PartialFile> {
        if let Some(sink) = &mut self.sink {
            sink.flush().await?;
        }
        match (self.sink.take(), self.partial_file.take()) {
            (Some(sink), _) => Ok(self.partial_file.insert(sink.into_partial_file(whole)?)),
            (None, Some(partial_file)) => Ok(self.partial_file.insert(partial_file)),
            (None, None) => Err(no_file_made()),
        }
    }

    /// Removes the received bytes.
    pub(crate) fn discard(&mut self) {
        if let Some(sink) = self.sink.take() {
            sink.discard();
        }
        if let Some(partial_file) = self.partial_file.take() {
            partial_file.discard();
        }
    }

    /// Returns the complete file. Errors: a write failed, or a range is missing.
    pub(crate) async fn complete(&mut self) -> io::Result<CompleteFile> {
        match (self.sink.take(), self.partial_file.take()) {
            (Some(sink), _) => sink.complete().await,
            (None, Some(partial_file)) => partial_file.complete().await,
            (None, None) => Err(no_file_made()),
        }
    }
}

fn no_file_made() -> io::Error {
    io::Error::other("no file was made")
}
