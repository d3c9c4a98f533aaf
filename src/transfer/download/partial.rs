//! What there is of a file while it is not complete.

use std::io;

use super::super::checksum::Checksum;
use super::super::complete::Complete;
use super::super::job::Source;
use super::super::parts::Parts;
use super::super::sink::Sink;
use crate::storage::{Reading, Rest};

/// What there is of a file before an attempt: of an attempt that broke, or of an earlier process.
#[derive(Debug, Default)]
pub(super) struct Partial {
    /// Its beginning.
    sink: Option<Sink>,
    /// Or parts of it, with holes between them.
    parts: Option<Parts>,
    /// The place and the version of the file that the bytes came from, if the storage names versions.
    version: Option<(String, String)>,
    /// Bytes that came in pieces were wrong: from now on the file comes in one.
    whole_only: bool,
}

impl Partial {
    /// The beginning of a file, which came from anywhere.
    pub(super) fn beginning(sink: Sink) -> Self {
        Self { sink: Some(sink), ..Self::default() }
    }

    /// Parts of a file, which came from anywhere.
    pub(super) fn scattered(parts: Parts) -> Self {
        Self { parts: Some(parts), ..Self::default() }
    }

    /// How many bytes are here.
    pub(super) fn received(&self) -> u64 {
        let parts = self.parts.as_ref().map_or(0, Parts::received);
        self.sink.as_ref().map_or(parts, Sink::received)
    }

    /// The parts, if that is what is here.
    pub(super) fn parts(&mut self) -> Option<&mut Parts> {
        self.parts.as_mut()
    }

    /// Whether the file shall come in several pieces at the same time.
    pub(super) fn may_be_split(&self) -> bool {
        !self.whole_only
    }

    /// Pieces have turned out not to be those of one file.
    pub(super) fn do_not_split(&mut self) {
        self.whole_only = true;
    }

    /// What is missing, if the bytes that are here can be gone on with: the source has the same version, or a checksum
    /// tells in the end whether all are of one file.
    pub(super) fn rest(&self, source: &Source, wanted: Checksum) -> Option<Rest> {
        let start = self.sink.as_ref()?.received();
        let version = self.version.as_ref().filter(|(pfn, _)| *pfn == source.pfn).map(|(_, version)| version.clone());
        let can_go_on = start > 0 && (version.is_some() || wanted != Checksum::Unknown);
        can_go_on.then_some(Rest { start, version })
    }

    /// The sink for these bytes: the one of the attempt before if they are its continuation, else a new one, for which
    /// what was here is removed.
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

    /// From now on, parts of a file of this size: its beginning is one.
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

    /// Removes what is here: it is of no use.
    pub(super) fn discard(&mut self) {
        if let Some(sink) = self.sink.take() {
            sink.discard();
        }
        if let Some(parts) = self.parts.take() {
            parts.discard();
        }
    }

    /// Everything is here.
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
