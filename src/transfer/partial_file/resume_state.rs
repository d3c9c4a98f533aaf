//! The received bytes of an incomplete file.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::complete_file::CompleteFile;
use super::leftover::Leftover;
use super::ranged_file::{RangedFile, read_range_map};
use super::sequential_file::SequentialFile;
use super::temporary::TemporaryFile;
use crate::storage::{ObjectReader, Pfn, ResumeFrom};
use crate::transfer::checksum::Checksum;
use crate::transfer::job::Source;

/// The received bytes of an incomplete file, from a failed attempt or an earlier process.
#[derive(Debug, Default)]
pub(crate) struct ResumeState {
    /// Its beginning.
    pub(super) sequential: Option<SequentialFile>,
    /// Or some of its byte ranges.
    pub(super) ranged: Option<RangedFile>,
    /// PFN and version (such as an ETag) of the file that the bytes come from, if the storage reports versions.
    version: Option<(Pfn, String)>,
    /// Bytes from several responses were wrong: the file is now requested as a whole.
    never_split: bool,
    /// PFN that the rest was requested from last, and the offset of that. A source that sent no byte of it is asked for
    /// the whole file.
    requested_rest: Option<(Pfn, u64)>,
    /// Who sent a web page as the last response, if one was.
    web_page_from: Option<String>,
    /// Whether the bytes are those of a web page.
    is_web_page: bool,
}

impl ResumeState {
    /// Finds the partial file of an earlier process for this destination, checksum and size. Blocks: the file is read
    /// once to compute its checksum.
    pub(crate) fn from_leftover(destination: &Path, expected: Checksum, bytes: Option<u64>) -> Leftover<Self> {
        match TemporaryFile::open_leftover(destination, expected) {
            Leftover::None => Leftover::None,
            Leftover::Busy(progress) => Leftover::Busy(progress),
            Leftover::Resumable((file, open)) => match Self::resume(file, open, expected, bytes) {
                Ok(resume_state) => Leftover::Resumable(resume_state),
                Err(error) => {
                    tracing::debug!("what is left of {} cannot be read: {error}", destination.display());
                    Leftover::None
                }
            },
        }
    }

    /// Resumes a partial file. If it is longer than the whole file, it has a map of byte ranges at its end, or is
    /// invalid and truncated to zero.
    fn resume(file: TemporaryFile, open: Arc<File>, expected: Checksum, bytes: Option<u64>) -> io::Result<Self> {
        let length = open.metadata()?.len();
        if let Some(whole) = bytes.filter(|whole| length > *whole) {
            // Only checksums of this kind can be combined from ranges.
            if matches!(expected, Checksum::Adler32(_))
                && let Some(map) = read_range_map(&open, whole)?
            {
                let ranged = RangedFile::new(file, Some(open), whole, map);
                return Ok(Self { ranged: Some(ranged), ..Self::default() });
            }
            open.set_len(0)?;
        }
        let sequential = SequentialFile::from_leftover(file, open, expected)?;
        Ok(Self { sequential: Some(sequential), ..Self::default() })
    }

    /// Returns the number of bytes received.
    pub(crate) fn received(&self) -> u64 {
        let ranged = self.ranged.as_ref().map_or(0, RangedFile::received);
        self.sequential.as_ref().map_or(ranged, SequentialFile::received)
    }

    /// Returns the byte ranges, if that is the state.
    pub(crate) fn ranged(&mut self) -> Option<&mut RangedFile> {
        self.ranged.as_mut()
    }

    /// Whether several byte ranges may be requested concurrently.
    pub(crate) fn allows_split(&self) -> bool {
        !self.never_split
    }

    /// Disables concurrent byte ranges, after they turned out to be of different files.
    pub(crate) fn disable_split(&mut self) {
        self.never_split = true;
    }

    /// Returns where to resume a file of this size. `None` if the bytes cannot be used: the source must have the same
    /// version, or a checksum must be able to verify the result.
    pub(crate) fn resume_from(&self, source: &Source, expected: Checksum, whole: Option<u64>) -> Option<ResumeFrom> {
        let start = self.sequential.as_ref()?.received();
        let version = self.version.as_ref().filter(|(pfn, _)| *pfn == source.pfn).map(|(_, version)| version.clone());
        let is_resumable = start > 0 && (version.is_some() || expected != Checksum::Unknown);
        is_resumable.then_some(ResumeFrom { start, whole, version })
    }

    /// Records who sent a web page as the last response, if one was.
    pub(crate) fn set_web_page(&mut self, from: Option<String>) {
        self.web_page_from = from;
    }

    /// Returns who sent a web page as the last response, if one was.
    pub(crate) fn web_page_from(&self) -> Option<&str> {
        self.web_page_from.as_deref()
    }

    /// Whether the bytes are those of a web page.
    pub(crate) fn is_web_page(&self) -> bool {
        self.is_web_page
    }

    /// Whether to request only the rest from this source: not if it sent no byte of it before.
    pub(crate) fn may_request_rest(&self, source: &Source) -> bool {
        !matches!(&self.requested_rest, Some((pfn, start)) if *pfn == source.pfn && *start == self.received())
    }

    /// Returns the file for these bytes: the previous one if they continue it, or are the whole of the file that was to be
    /// resumed, whose beginning is present; else a new one, and the previous bytes are removed.
    pub(crate) fn sequential(
        &mut self,
        reader: &ObjectReader,
        resume: Option<&ResumeFrom>,
        source: &Source,
        new: impl FnOnce() -> SequentialFile,
    ) -> &mut SequentialFile {
        let is_same = resume.is_some_and(|resume| resume.version.is_none() || resume.version == reader.version);
        self.version = reader.version.clone().map(|version| (source.pfn.clone(), version));
        self.requested_rest = (reader.start > 0).then(|| (source.pfn.clone(), reader.start));
        if let Some(file) = self.ranged.take() {
            file.discard();
        }
        let file = match self.sequential.take() {
            Some(file) if file.received() == 0 && reader.start == 0 => file,
            Some(file) if file.received() == reader.start || reader.start == 0 && is_same => {
                file.continue_with_new_response()
            }
            Some(file) => {
                file.discard();
                new()
            }
            None => new(),
        };
        self.is_web_page = reader.web_page_from.is_some() && !file.has_several_responses();
        self.sequential.insert(file)
    }

    /// Converts the beginning of a file of this size to byte ranges.
    pub(crate) async fn convert_to_ranged(&mut self, whole: u64) -> io::Result<&mut RangedFile> {
        if let Some(file) = &mut self.sequential {
            file.flush().await?;
        }
        match (self.sequential.take(), self.ranged.take()) {
            (Some(file), _) => Ok(self.ranged.insert(file.into_ranged(whole)?)),
            (None, Some(file)) => Ok(self.ranged.insert(file)),
            (None, None) => Err(no_file_made()),
        }
    }

    /// Removes the received bytes.
    pub(crate) fn discard(&mut self) {
        self.is_web_page = false;
        if let Some(file) = self.sequential.take() {
            file.discard();
        }
        if let Some(file) = self.ranged.take() {
            file.discard();
        }
    }

    /// Returns the complete file. Errors: a write failed, or a range is missing.
    pub(crate) async fn complete(&mut self) -> io::Result<CompleteFile> {
        match (self.sequential.take(), self.ranged.take()) {
            (Some(file), _) => file.complete().await,
            (None, Some(file)) => file.complete().await,
            (None, None) => Err(no_file_made()),
        }
    }
}

fn no_file_made() -> io::Error {
    io::Error::other("no file was made")
}
